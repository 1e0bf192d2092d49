import { listImages, readImage } from "../../device/capture/image.ts";
import { serveFakeCamera } from "./camera-fake.ts";

/**
 * A GigE Vision camera that shows pictures: `node camera-gige-server.ts ADDRESS FOLDER`. Each frame is the next image
 * of the folder, all of one size; the client must set that size. Prints a line when it serves.
 */
const [address = "127.0.0.1", folder = "."] = process.argv.slice(2);
const pictures: Uint8Array[] = [];
for (const file of await listImages(folder)) pictures.push((await readImage(file)).data);
if (pictures.length === 0) throw new Error(`no image in ${folder}`);
let count = 0;
serveFakeCamera(address, () => ({ picture: pictures[count++ % pictures.length]! }));
process.stdout.write("ready\n");
