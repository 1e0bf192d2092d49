import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import sharp from "sharp";
import { readImage } from "../../../device/capture/image.ts";
import { kindOfBytes, otherKindOfName } from "../../../device/capture/kinds.ts";

const folder = await mkdtemp(join(tmpdir(), "gradeline-kinds-"));
after(() => rm(folder, { recursive: true }));

async function put(name: string, bytes: Uint8Array | string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

/** First bytes of files, from the documents of their kinds. */
const BEGINNINGS: readonly (readonly [kind: RegExp, bytes: string])[] = [
  [/^heic/, "\0\0\0\x1cftypheic\0\0\0\0mif1heic"],
  [/^heic/, "\0\0\0\x18ftypmif1\0\0\0\0mif1heic"],
  [/^avif/, "\0\0\0\x1cftypavif\0\0\0\0mif1avif"],
  [/^avif/, "\0\0\0\x1cftypmif1\0\0\0\0avifmif1"],
  [/raw/, "\0\0\0\x18ftypcrx \0\0\0\x01crx isom"],
  [/raw/, "II*\0\x10\0\0\0CR\x02\0"],
  [/raw/, "FUJIFILMCCD-RAW 0201"],
  [/raw/, "IIU\0\x18\0\0\0"],
  [/video/, "\0\0\0\x14ftypqt  \0\0\0\0qt  "],
  [/video/, "\x1aE\xdf\xa3\x01\0\0\0"],
  [/^bmp/, `BM${"\0".repeat(12)}\x28\0\0\0`],
  [/^gif/, "GIF89a"],
  [/^jxl/, "\xff\x0a\xfa\x7f"],
  [/^jp2/, "\0\0\0\x0cjP  \r\n\x87\n"],
  [/^psd/, "8BPS\0\x01"],
  [/^exr/, "v/1\x01\x02"],
  [/^pnm/, "P6\n64 48\n255\n"],
  [/^pdf/, "%PDF-1.7"],
  [/^svg/, '<?xml version="1.0"?>\n<!-- a drawing -->\n<svg xmlns="http://www.w3.org/2000/svg">'],
  [/^svg/, "\xff\xfe<\0s\0v\0g\0 \0w\0i\0d\0t\0h\0"],
  [/^html/, "\n<!DOCTYPE html><html><body>404</body></html>"],
  [/archive/, "PK\x03\x04\x14\0"],
  [/Mac/, "\0\x05\x16\x07\0\x02\0\0Mac OS X"],
  [/no image/, "BM is how this text begins, and it is no picture"],
  [/no image/, "\0\0\0\0\0\0\0\0"],
];

test("a file that is named as a picture is refused by what it is, with what to do", async () => {
  for (const [kind, beginning] of BEGINNINGS) {
    const bytes = Buffer.from(beginning, "latin1");
    const found = kindOfBytes(bytes);
    assert.ok(found !== true, beginning);
    assert.match(found.name, kind);
    const path = await put("picture.jpg", Buffer.concat([bytes, Buffer.alloc(2000, 7)]));
    await assert.rejects(readImage(path), ({ code, message, hint }: Error & Record<string, unknown>) => {
      assert.ok(message.startsWith(`${path} is ${found.name}; pictures are JPEG, PNG, WebP or TIFF`), message);
      return code === "IMAGE" && hint === found.todo;
    });
  }
});

test("what is read is told by its first bytes, whatever its name", async () => {
  const colours = sharp({ create: { width: 20, height: 20, channels: 3, background: "#c83220" } });
  for (const format of ["jpeg", "png", "webp", "tiff"] as const) {
    const bytes = await colours.clone().toFormat(format).toBuffer();
    assert.equal(kindOfBytes(bytes), true, format);
    assert.equal((await readImage(await put("named.gif", bytes))).widthPx, 20);
  }
  for (const name of ["IMG_1.HEIC", "a.heif", "b.BMP", "c.gif", "d.NEF", "e.dng", "f.mov", "g.svg", "h.zip"]) {
    assert.ok(otherKindOfName(name) !== undefined, name);
  }
  for (const name of ["a.jpg", "b.tiff", "notes.txt", "heic"]) assert.equal(otherKindOfName(name), undefined, name);
});

test("a drawing of megabytes that is named as a picture takes neither time nor memory", async () => {
  const path = await put(
    "drawing.jpg",
    `<svg xmlns="http://www.w3.org/2000/svg">${"<path d='M0 0L9 9'/>".repeat(400_000)}</svg>`,
  );
  const before = process.memoryUsage().rss;
  await assert.rejects(readImage(path), { code: "IMAGE", message: /is svg/ });
  assert.ok(process.memoryUsage().rss - before < 100e6);
});

test("the image library itself opens no other kind", async () => {
  const drawing = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
  await assert.rejects(sharp(drawing).raw().toBuffer());
  const animation = await sharp({ create: { width: 20, height: 20, channels: 3, background: "#fff" } })
    .gif()
    .toBuffer();
  await assert.rejects(sharp(animation).raw().toBuffer());
});

/** A TIFF of one strip, of grey values of one kind (TIFF 6.0, section 2). @param sample 1: unsigned, 3: floating point */
function tiff(side: number, bits: number, sample: number): Buffer {
  const data = Buffer.alloc((side * side * bits) / 8, 0x3c);
  const tags = [
    [256, 3, side],
    [257, 3, side],
    [258, 3, bits],
    [259, 3, 1],
    [262, 3, 1],
    [273, 4, 8 + 2 + 10 * 12 + 4],
    [277, 3, 1],
    [278, 3, side],
    [279, 4, data.length],
    [339, 3, sample],
  ] as const;
  const head = Buffer.alloc(8 + 2 + tags.length * 12 + 4);
  head.write("II*\0", "latin1");
  head.writeUInt32LE(8, 4);
  head.writeUInt16LE(tags.length, 8);
  for (const [index, [tag, type, value]] of tags.entries()) {
    const at = 10 + index * 12;
    head.writeUInt16LE(tag, at);
    head.writeUInt16LE(type, at + 2);
    head.writeUInt32LE(1, at + 4);
    head.writeUInt32LE(value, at + 8);
  }
  return Buffer.concat([head, data]);
}

test("a TIFF of floating point or 32 bits is refused, as nothing says what white is in it", async () => {
  assert.equal((await readImage(await put("8.tif", tiff(20, 8, 1)))).data[0], 0x3c);
  assert.equal((await readImage(await put("16.tif", tiff(20, 16, 1)))).data[0], 0x3c);
  for (const [bits, sample] of [
    [32, 3],
    [32, 1],
  ] as const) {
    await assert.rejects(readImage(await put("odd.tif", tiff(20, bits, sample))), {
      code: "IMAGE",
      message: /values of kind (float|uint).*8 or 16 bits/,
    });
  }
});

test("a picture with a side that is shorter than asked for is refused with its size", async () => {
  for (const [width, height] of [
    [1, 1],
    [1, 900],
    [9000, 2],
    [15, 16],
  ] as const) {
    const bytes = await sharp({ create: { width, height, channels: 3, background: "#c83220" } })
      .png()
      .toBuffer();
    const path = await put("small.png", bytes);
    await assert.rejects(readImage(path, { minSidePx: 16 }), {
      code: "IMAGE_SIZE",
      message: `${path} is ${width} x ${height}; each side has at least 16 px`,
    });
    assert.equal((await readImage(path)).widthPx, width);
  }
});
