import { listImages, readImage } from "../../device/capture/image.ts";
import { serveFakeCamera } from "./camera-fake.ts";

/**
 * A GigE Vision camera that shows pictures: `node camera-gige-server.ts ADDRESS FOLDER`. Each frame is the next image
 * of the folder, all of one size, as the sensor behind the client's pixel format sees it; the client must set that
 * size. Prints a line when it serves.
 */

/** Numbers of the pixel formats, and the colour filters of the first two rows. @see GenICam PFNC, PixelFormatValues */
const TILES: Readonly<Record<number, string>> = {
  17301513: "RGGB",
  17301514: "GBRG",
  17301512: "GRBG",
  17301515: "BGGR",
};

const [address = "127.0.0.1", folder = "."] = process.argv.slice(2);
const pictures: { widthPx: number; data: Uint8Array }[] = [];
for (const file of await listImages(folder)) pictures.push(await readImage(file));
if (pictures.length === 0) throw new Error(`no image in ${folder}`);
let count = 0;
/** Pictures behind the filters of each format: made once, a camera is quick. */
const filtered = new Map<number, Uint8Array[]>();
serveFakeCamera(address, (_, format) => {
  const shown =
    filtered.get(format) ?? pictures.map(({ data, widthPx }) => behindFilters(data, widthPx, TILES[format]));
  filtered.set(format, shown);
  return { picture: shown[count++ % shown.length]! };
});
process.stdout.write("ready\n");

/** One sample per pixel: the colour that its filter lets through. */
function behindFilters(rgb: Uint8Array, widthPx: number, tile: string | undefined): Uint8Array {
  if (tile === undefined) return rgb;
  return Uint8Array.from({ length: rgb.length / 3 }, (_, at) => {
    const filter = tile[2 * (Math.floor(at / widthPx) % 2) + ((at % widthPx) % 2)]!;
    return rgb[3 * at + "RGB".indexOf(filter)]!;
  });
}
