import koffi from "koffi";
import { listImages, readImage } from "../../device/capture/image.ts";

/**
 * A GigE Vision camera that shows pictures: `node camera-gige-server.ts ADDRESS FOLDER`. Each frame is the next image
 * of the folder, all of one size, in RGB8; the client must set that size. Prints a line when it serves. Based on the
 * fake camera of Aravis, so GVCP and GVSP are real.
 */
const [address = "127.0.0.1", folder = "."] = process.argv.slice(2);
const pictures: Buffer[] = [];
for (const file of await listImages(folder)) pictures.push(Buffer.from((await readImage(file)).data));
if (pictures.length === 0) throw new Error(`no image in ${folder}`);

const aravis = koffi.load("libaravis-0.8.so.0");
const libc = koffi.load("libc.so.6");
const newCamera = aravis.func("void *arv_gv_fake_camera_new(const char *interface, const char *serial)");
const isRunning = aravis.func("int arv_gv_fake_camera_is_running(void *camera)");
const fakeCamera = aravis.func("void *arv_gv_fake_camera_get_fake_camera(void *camera)");
const bufferData = aravis.func("void *arv_buffer_get_data(void *buffer, void *size)");
const payload = aravis.func("size_t arv_fake_camera_get_payload(void *camera)");
const memcpy = libc.func("void *memcpy(void *to, void *from, size_t bytes)");
const Fill = koffi.proto("void Fill(void *buffer, void *data, uint32 exposureUs, uint32 gain, uint32 format)");
const setFill = aravis.func("void arv_fake_camera_set_fill_pattern(void *camera, Fill *fill, void *data)");

let count = 0;
const camera = newCamera(address, "GRADELINE");
if (isRunning(camera) === 0) throw new Error(`no camera can be served at ${address}`);
const inner = fakeCamera(camera);
const fill = koffi.register((buffer: bigint) => {
  const picture = pictures[count++ % pictures.length]!;
  // The buffer does not know its size before it is full.
  memcpy(bufferData(buffer, null), picture, Math.min(payload(inner), picture.length));
}, koffi.pointer(Fill));
setFill(inner, fill, null);
process.stdout.write("ready\n");
// The camera has threads of its own; this one lends them the pictures.
setInterval(() => {}, 60_000);
