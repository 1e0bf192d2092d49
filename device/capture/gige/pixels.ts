import koffi from "koffi";
import type { GigeConfig } from "../../base/camera-config.ts";
import { GradelineError } from "../../base/errors.ts";

export type PixelFormat = GigeConfig["pixelFormat"];

/**
 * Turns one picture as the camera sends it into RGB8.
 *
 * @param raw (heightPx * widthPx) bytes, one per pixel
 * @param rgb (heightPx * widthPx * 3) at a multiple of 4 bytes, little-endian
 */
export type Convert = (raw: Uint8Array, rgb: Uint8Array, widthPx: number, heightPx: number) => void;

const DC1394 = "libdc1394.so.25";
/** dc1394_conversions.h: colour of the first two pixels of the first row. */
const TILES = { BayerRG8: 512, BayerGB8: 513, BayerGR8: 514, BayerBG8: 515 } as const;
/** Bilinear: each colour is the mean of its nearest samples; no edge is made up that is not there. */
const BILINEAR = 2;

/** How a format becomes RGB8; undefined where it is that already. @throws {GradelineError} SOURCE without libdc1394 */
export function converterOf(format: PixelFormat): Convert | undefined {
  switch (format) {
    case "RGB8":
      return undefined;
    case "Mono8":
      return spread;
    default:
      return demosaic(TILES[format]);
  }
}

/** Four pixels become three words of four bytes: a third of the stores, and of the time. */
function spread(raw: Uint8Array, rgb: Uint8Array, widthPx: number, heightPx: number): void {
  const count = widthPx * heightPx;
  const whole = count - (count % 4);
  const words = new Uint32Array(rgb.buffer, rgb.byteOffset, (whole / 4) * 3);
  for (let from = 0, to = 0; from < whole; from += 4, to += 3) {
    const [a, b, c, d] = [raw[from]!, raw[from + 1]!, raw[from + 2]!, raw[from + 3]!];
    words[to] = a * 0x010101 + b * 0x01000000;
    words[to + 1] = b * 0x0101 + c * 0x01010000;
    words[to + 2] = c + d * 0x01010100;
  }
  for (let from = whole; from < count; from++) rgb.fill(raw[from]!, from * 3, from * 3 + 3);
}

function demosaic(tile: number): Convert {
  let decode: (...args: unknown[]) => number;
  try {
    decode = koffi
      .load(DC1394)
      .func(
        "int dc1394_bayer_decoding_8bit(void *bayer, void *rgb, uint32 width, uint32 height, int tile, int method)",
      );
  } catch (cause) {
    throw new GradelineError("SOURCE", `${DC1394} cannot be loaded, which makes colours of Bayer frames`, {
      hint: "apt-get install libdc1394-25, or set a pixelFormat the camera converts itself (RGB8)",
      cause,
    });
  }
  return (raw, rgb, widthPx, heightPx) => {
    const status = decode(raw, rgb, widthPx, heightPx, tile, BILINEAR);
    if (status !== 0) throw new GradelineError("SOURCE", `Bayer conversion of ${widthPx}x${heightPx}: error ${status}`);
    fillBorder(rgb, widthPx, heightPx);
  };
}

/** The library leaves the outermost pixels black, which on a light belt would look like something: as those beside. */
function fillBorder(rgb: Uint8Array, widthPx: number, heightPx: number): void {
  const row = widthPx * 3;
  for (let from = row; from < row * (heightPx - 1); from += row) {
    rgb.copyWithin(from, from + 3, from + 6);
    rgb.copyWithin(from + row - 3, from + row - 6, from + row - 3);
  }
  rgb.copyWithin(0, row, 2 * row);
  rgb.copyWithin(row * (heightPx - 1), row * (heightPx - 2), row * (heightPx - 1));
}

export interface WhiteBalance {
  readonly red: number;
  readonly green: number;
  readonly blue: number;
}

/**
 * Fixed gains on the three channels, in place.
 *
 * @returns undefined where all are 1
 */
export function balancer({ red, green, blue }: WhiteBalance): ((rgb: Uint8Array, bytes: number) => void) | undefined {
  if (red === 1 && green === 1 && blue === 1) return undefined;
  const [r, g, b] = [red, green, blue].map(table) as [Uint8Array, Uint8Array, Uint8Array];
  return (rgb, bytes) => {
    for (let at = 0; at < bytes; at += 3) {
      rgb[at] = r[rgb[at]!]!;
      rgb[at + 1] = g[rgb[at + 1]!]!;
      rgb[at + 2] = b[rgb[at + 2]!]!;
    }
  };
}

function table(gain: number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, value) => Math.min(255, Math.round(value * gain)));
}
