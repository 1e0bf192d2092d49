import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { crc32, deflateSync } from "node:zlib";
import sharp from "sharp";
import { type Image, imageSize, listImages, readImage, writeJpeg, writePng } from "../../../device/capture/image.ts";

const folder = await mkdtemp(join(tmpdir(), "gradeline-image-"));
after(() => rm(folder, { recursive: true }));

/** Left half one colour, right half another; with some unevenness, so that a cut file is really short. */
function halves(left: number[], right: number[], widthPx = 64, heightPx = 48): Image {
  const data = new Uint8Array(widthPx * heightPx * 3);
  for (let i = 0; i < widthPx * heightPx; i++) {
    const colour = i % widthPx < widthPx / 2 ? left : right;
    for (let c = 0; c < 3; c++) data[3 * i + c] = colour[c]! + ((i * 31) % 3);
  }
  return { widthPx, heightPx, data };
}

const picture = halves([200, 40, 30], [40, 60, 180]);
const raw = { raw: { width: 64, height: 48, channels: 3 as const } };

async function put(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

function pixel(image: Image, x: number, y: number): number[] {
  const at = (y * image.widthPx + x) * 3;
  return [...image.data.subarray(at, at + 3)];
}

function near(found: readonly number[], wanted: readonly number[], tolerance: number): void {
  for (let c = 0; c < 3; c++) {
    assert.ok(Math.abs(found[c]! - wanted[c]!) <= tolerance, `${found} is not about ${wanted}`);
  }
}

/** A PNG whose header promises any size, with a few rows of pixels only (chunks as in ISO/IEC 15948). */
function promisingPng(widthPx: number, heightPx: number): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
    const out = Buffer.alloc(body.length + 8);
    out.writeUInt32BE(data.length, 0);
    body.copy(out, 4);
    out.writeUInt32BE(crc32(body), body.length + 4);
    return out;
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(widthPx, 0);
  header.writeUInt32BE(heightPx, 4);
  header.set([1, 0, 0, 0, 0], 8);
  const rows = deflateSync(Buffer.alloc((Math.ceil(widthPx / 8) + 1) * 8));
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", header),
    chunk("IDAT", rows),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

describe("reading an image", () => {
  test("a PNG written here is read back exactly", async () => {
    const path = join(folder, "same.png");
    await writePng(path, picture);
    const image = await readImage(path);
    assert.equal(image.widthPx, 64);
    assert.equal(image.heightPx, 48);
    assert.deepEqual(image.data, picture.data);
  });

  test("a JPEG written here is read back about the same", async () => {
    const path = join(folder, "same.jpg");
    await writeJpeg(path, picture, 95);
    near(pixel(await readImage(path), 8, 8), [201, 41, 31], 6);
  });

  for (const [kind, encode] of [
    ["JPEG", () => sharp(picture.data, raw).jpeg({ quality: 95 }).toBuffer()],
    ["PNG", () => sharp(picture.data, raw).png().toBuffer()],
    ["WebP", () => sharp(picture.data, raw).webp({ lossless: true }).toBuffer()],
    ["TIFF", () => sharp(picture.data, raw).tiff().toBuffer()],
  ] as const) {
    test(`a truncated ${kind} is refused wherever it was cut`, async () => {
      const bytes = await encode();
      for (const share of [0.1, 0.5, 0.9]) {
        const path = await put(`cut-${kind}-${share}`, bytes.subarray(0, Math.floor(bytes.length * share)));
        await assert.rejects(readImage(path), { code: "IMAGE", message: new RegExp(`cut-${kind}`) });
      }
    });
  }

  test("a file of 0 bytes is refused", async () => {
    const path = await put("empty.jpg", new Uint8Array());
    await assert.rejects(readImage(path), { code: "IMAGE", message: /0 bytes/ });
  });

  test("what is no image, or of a kind that is not taken, is refused", async () => {
    await assert.rejects(readImage(await put("text.jpg", Buffer.from("not an image"))), { code: "IMAGE" });
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>';
    await assert.rejects(readImage(await put("drawing.png", Buffer.from(svg))), { code: "IMAGE", message: /svg/ });
  });

  test("an image of 50,000 x 50,000 is refused by its header, with its size and the limit", async () => {
    const path = await put("huge.png", promisingPng(50_000, 50_000));
    await assert.rejects(readImage(path), { code: "IMAGE_SIZE", message: /50000 x 50000.*2500 million.* 40 million/ });
    await assert.rejects(imageSize(path), { code: "IMAGE_SIZE" });
  });

  test("the limit can be lowered", async () => {
    const path = join(folder, "limit.png");
    await writePng(path, picture);
    await assert.rejects(readImage(path, { maxPixels: 3000 }), { code: "IMAGE_SIZE", message: /64 x 48/ });
  });

  test("a CMYK JPEG becomes RGB of about its colours", async () => {
    const path = await put("cmyk.jpg", await sharp(picture.data, raw).toColourspace("cmyk").jpeg().toBuffer());
    assert.equal((await sharp(path).metadata()).channels, 4);
    const image = await readImage(path);
    assert.equal(image.data.length, 64 * 48 * 3);
    const [red, green, blue] = pixel(image, 8, 8);
    assert.ok(red! > 150 && green! < 110 && blue! < 110, `${red} ${green} ${blue} is not red`);
  });

  test("16 bits a channel become 8", async () => {
    const path = await put("deep.png", await sharp(picture.data, raw).toColourspace("rgb16").png().toBuffer());
    assert.equal((await sharp(path).metadata()).depth, "ushort");
    near(pixel(await readImage(path), 40, 8), [41, 61, 181], 2);
  });

  test("grey becomes three equal channels, also with 16 bits and with transparency", async () => {
    const grey = new Uint8Array(64 * 48).fill(90);
    const shape = { raw: { width: 64, height: 48, channels: 1 as const } };
    const files = [
      await sharp(grey, shape).toColourspace("b-w").png().toBuffer(),
      await sharp(grey, shape).toColourspace("grey16").png().toBuffer(),
      await sharp(grey, shape).toColourspace("b-w").ensureAlpha().png().toBuffer(),
      await sharp(grey, shape).toColourspace("b-w").jpeg({ quality: 95 }).toBuffer(),
    ];
    for (const [i, bytes] of files.entries()) {
      const image = await readImage(await put(`grey-${i}`, bytes));
      assert.equal(image.data.length, 64 * 48 * 3);
      near(pixel(image, 20, 20), [90, 90, 90], 2);
    }
  });

  test("transparency is laid on white", async () => {
    const rgba = new Uint8Array(16 * 16 * 4);
    for (let i = 0; i < 256; i++) rgba.set([255, 0, 0, i % 16 < 8 ? 0 : 128], 4 * i);
    const path = await put(
      "alpha.png",
      await sharp(rgba, { raw: { width: 16, height: 16, channels: 4 } })
        .png()
        .toBuffer(),
    );
    const image = await readImage(path);
    near(pixel(image, 2, 2), [255, 255, 255], 0);
    near(pixel(image, 12, 2), [255, 127, 127], 2);
  });

  test("the EXIF orientation is applied, to the size too", async () => {
    const bytes = await sharp(picture.data, raw).jpeg({ quality: 95 }).withMetadata({ orientation: 6 }).toBuffer();
    const path = await put("turned.jpg", bytes);
    const image = await readImage(path);
    assert.deepEqual([image.widthPx, image.heightPx], [48, 64]);
    assert.deepEqual(await imageSize(path), { widthPx: 48, heightPx: 64 });
    near(pixel(image, 20, 8), [201, 41, 31], 8);
    near(pixel(image, 20, 56), [41, 61, 181], 8);
  });

  test("a name with the characters of an option is only a name", async () => {
    const path = join(folder, "a[page=3].png");
    await writePng(path, picture);
    assert.deepEqual((await readImage(path)).data, picture.data);
  });

  test("a file that is not there, and a folder, say so", async () => {
    await assert.rejects(readImage(join(folder, "absent.jpg")), { code: "FILE", message: /absent\.jpg/ });
    await assert.rejects(readImage(folder), { code: "FILE" });
  });
});

describe("listing images", () => {
  test("comes in natural order, images alone, hidden files left out", async () => {
    const at = join(folder, "list");
    await mkdir(join(at, "inner.jpg"), { recursive: true });
    for (const name of ["v10.jpg", "v2.JPG", "v1.png", ".v3.jpg", "notes.txt", "w.tif"])
      await writeFile(join(at, name), "");
    assert.deepEqual(
      (await listImages(at)).map((path) => path.slice(at.length + 1)),
      ["v1.png", "v2.JPG", "v10.jpg", "w.tif"],
    );
  });

  test("of a folder that is not there says so", async () => {
    await assert.rejects(listImages(join(folder, "absent")), { code: "FILE" });
  });
});
