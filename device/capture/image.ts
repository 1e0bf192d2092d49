import { type FileHandle, open, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp, { type Metadata, type Sharp } from "sharp";
import { GradelineError } from "../base/errors.ts";
import { kindOfBytes, maySeveral, READABLE } from "./kinds.ts";
import { isImageName, naturalOrder } from "./names.ts";

// Every file is read once; a cache would only hold memory that the daemon has no use for.
sharp.cache(false);
// The first bytes of a file are checked before any loader sees it. Loaders that are not needed are blocked as well.
sharp.block({ operation: ["VipsForeignLoad"] });
sharp.unblock({
  operation: ["VipsForeignLoadJpeg", "VipsForeignLoadPng", "VipsForeignLoadWebp", "VipsForeignLoadTiff"],
});

/** RGB8, rows from the top, (heightPx * widthPx * 3). */
export interface Image {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly data: Uint8Array;
  /** Number of pictures in its file, of which this is the first; absent if it is the only one. */
  readonly pages?: number;
}

export interface ImageLimits {
  /** Largest accepted width times height; default 40 million. */
  readonly maxPixels?: number;
  /** Smallest accepted side; default 1. */
  readonly minSidePx?: number;
}

/** Largest file that is read at all. */
const MAX_BYTES = 256 * 1024 * 1024;
const MAX_PIXELS = 40e6;
/** How libvips calls values of 8 and 16 bits; floating point and wider ones have no agreed white. */
const DEPTHS: readonly string[] = ["uchar", "ushort"];

interface Header {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly pages: number;
}

/**
 * Reads an image file as RGB8, whatever its bit depth, colour space, transparency (laid on white) or EXIF orientation.
 * Nothing in the file is trusted: its size is checked before a pixel is decoded.
 *
 * @throws {GradelineError} FILE when it cannot be read from disk, IMAGE when it is empty, truncated or of an unknown
 *   kind, IMAGE_SIZE when it has more pixels or bytes than accepted
 */
export async function readImage(path: string, limits: ImageLimits = {}): Promise<Image> {
  const bytes = await readBytes(path);
  checkKind(path, bytes);
  // Asking for the header first costs a quarter of the time that a small picture takes.
  const { pages } = maySeveral(bytes) ? await readHeader(path, bytes, limits) : { pages: 1 };
  const { maxPixels = MAX_PIXELS, minSidePx = 1 } = limits;
  try {
    const { data, info } = await sharp(bytes, { limitInputPixels: maxPixels, failOn: "error" })
      .autoOrient()
      .flatten({ background: "#ffffff" })
      .toColourspace("srgb")
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true });
    if (Math.min(info.width, info.height) < minSidePx) throw tooSmall(path, info.width, info.height, minSidePx);
    const image = { widthPx: info.width, heightPx: info.height, data: rgb(data, info.channels) };
    return pages > 1 ? { ...image, pages } : image;
  } catch (cause) {
    if (cause instanceof GradelineError) throw cause;
    // It knows better why: too large, or no image at all.
    await readHeader(path, bytes, limits);
    throw new GradelineError("IMAGE", `${path} cannot be decoded: ${reason(cause)}`, {
      hint: "the file is damaged or only partly written; save or copy it again",
      cause,
    });
  }
}

/**
 * Size of an image as {@link readImage} will give it, from the file's header alone.
 *
 * @throws {GradelineError} as {@link readImage}; damage behind the header is not found
 */
export async function imageSize(path: string, limits: ImageLimits = {}): Promise<Omit<Header, "pages">> {
  const { widthPx, heightPx } = await readHeader(path, await readBytes(path), limits);
  return { widthPx, heightPx };
}

/**
 * Paths of the image files in a folder, in natural order of their names (`v2` before `v10`); hidden files are left out.
 *
 * @throws {GradelineError} FILE when the folder cannot be read
 */
export async function listImages(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries
      .filter((entry) => !entry.isDirectory() && isImageName(entry.name))
      .map((entry) => entry.name)
      .sort(naturalOrder)
      .map((name) => join(folder, name));
  } catch (cause) {
    throw new GradelineError("FILE", `cannot list the folder ${folder}: ${reason(cause)}`, {
      hint: "name a folder that exists and that the daemon may read",
      cause,
    });
  }
}

/** The image as a PNG file's bytes, without loss. */
export async function encodePng(image: Image): Promise<Buffer> {
  return await raw(image).png({ compressionLevel: 3 }).toBuffer();
}

/** The image as a JPEG file's bytes. @param quality 1..100 */
export async function encodeJpeg(image: Image, quality = 85): Promise<Buffer> {
  return await raw(image).jpeg({ quality }).toBuffer();
}

/** @throws {GradelineError} FILE when it cannot be written */
export async function writePng(path: string, image: Image): Promise<void> {
  await write(path, await encodePng(image));
}

/** @throws {GradelineError} FILE when it cannot be written */
export async function writeJpeg(path: string, image: Image, quality = 85): Promise<void> {
  await write(path, await encodeJpeg(image, quality));
}

async function readSized(file: FileHandle, size: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(size);
  let read = 0;
  while (read < size) {
    const { bytesRead } = await file.read(bytes, read, size - read);
    if (bytesRead === 0) break;
    read += bytesRead;
  }
  return bytes.subarray(0, read);
}

async function readBytes(path: string): Promise<Buffer> {
  let bytes: Buffer;
  try {
    const file = await open(path);
    try {
      const { size } = await file.stat();
      if (size > MAX_BYTES) {
        throw new GradelineError("IMAGE_SIZE", `${path} has ${size} bytes, at most ${MAX_BYTES} are read`, {
          hint: "save it with compression, or cut it to the part that shows the fruit",
        });
      }
      // What has no size, as a pipe, is read to its end.
      bytes = size === 0 ? await file.readFile() : await readSized(file, size);
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof GradelineError) throw cause;
    throw new GradelineError("FILE", `cannot read ${path}: ${reason(cause)}`, {
      hint: "name a file that exists and that the daemon may read",
      cause,
    });
  }
  if (bytes.length === 0) {
    throw new GradelineError("IMAGE", `${path} has 0 bytes`, {
      hint: "the file was never written; save or copy it again",
    });
  }
  return bytes;
}

/** @throws {GradelineError} IMAGE, IMAGE_SIZE */
async function readHeader(path: string, bytes: Buffer, limits: ImageLimits): Promise<Header> {
  const { maxPixels = MAX_PIXELS, minSidePx = 1 } = limits;
  checkKind(path, bytes);
  let header: Metadata;
  try {
    // The header alone: no pixel is decoded, so its size needs no limit yet and can be named.
    header = await sharp(bytes, { limitInputPixels: false }).metadata();
  } catch (cause) {
    throw new GradelineError("IMAGE", `${path} is no image that can be read: ${reason(cause)}`, {
      hint: "the file is damaged, or of a sort that few programs write; save it again as JPEG or PNG",
      cause,
    });
  }
  if (!DEPTHS.includes(header.depth) || header.channels > 5) {
    const found = header.channels > 5 ? `${header.channels} channels` : `values of kind ${header.depth}`;
    throw new GradelineError("IMAGE", `${path} has ${found}; a picture has grey or colours of 8 or 16 bits`, {
      hint: "save it with 8 or 16 bits a channel",
    });
  }
  const { width, height } = header.autoOrient;
  if (width * height > maxPixels) {
    throw new GradelineError(
      "IMAGE_SIZE",
      `${path} is ${width} x ${height}, ${Math.round((width * height) / 1e6)} million pixels; accepted are ${Math.round(maxPixels / 1e6)} million`,
      { hint: "scale it down, or cut it to the part that shows the fruit" },
    );
  }
  if (Math.min(width, height) < minSidePx) throw tooSmall(path, width, height, minSidePx);
  return { widthPx: width, heightPx: height, pages: header.pages ?? 1 };
}

/** @throws {GradelineError} IMAGE where the file begins like another kind than those that are read */
function checkKind(path: string, bytes: Buffer): void {
  const kind = kindOfBytes(bytes);
  if (kind === true) return;
  throw new GradelineError("IMAGE", `${path} is ${kind.name}; pictures are ${READABLE}`, { hint: kind.todo });
}

function tooSmall(path: string, width: number, height: number, minSidePx: number): GradelineError {
  return new GradelineError("IMAGE_SIZE", `${path} is ${width} x ${height}; each side has at least ${minSidePx} px`, {
    hint: "give the photograph itself, not a thumbnail",
  });
}

function raw({ widthPx, heightPx, data }: Image): Sharp {
  return sharp(data, { raw: { width: widthPx, height: heightPx, channels: 3 } });
}

/** Grey comes as one channel where the file has no colour at all. */
function rgb(data: Buffer, channels: number): Uint8Array {
  if (channels === 3) return new Uint8Array(data.buffer, data.byteOffset, data.length);
  const pixels = data.length / channels;
  const out = new Uint8Array(pixels * 3);
  for (let i = 0; i < pixels; i++) {
    for (let c = 0; c < 3; c++) out[3 * i + c] = data[i * channels + (channels < 3 ? 0 : c)]!;
  }
  return out;
}

async function write(path: string, bytes: Buffer): Promise<void> {
  try {
    await writeFile(path, bytes);
  } catch (cause) {
    throw new GradelineError("FILE", `cannot write ${path}: ${reason(cause)}`, {
      hint: "name a folder that exists, has room, and that the daemon may write to",
      cause,
    });
  }
}

function reason(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return message.split("\n")[0]!.trim();
}
