import type { GigeConfig } from "../../config/camera.ts";
import { mergePlanes } from "../libyuv.ts";
import { demosaic } from "./bayer.ts";

export type PixelFormat = GigeConfig["pixelFormat"];

/**
 * Turns one picture as the camera sends it into RGB8.
 *
 * @param raw (heightPx * widthPx) bytes, one per pixel
 * @param rgb (heightPx * widthPx * 3)
 */
export type Convert = (raw: Uint8Array, rgb: Uint8Array, widthPx: number, heightPx: number) => void;

/** Converter from a format to RGB8; undefined if it is RGB8 already. @throws {GradelineError} SOURCE without libyuv */
export function converterOf(format: PixelFormat): Convert | undefined {
  switch (format) {
    case "RGB8":
      return undefined;
    case "Mono8":
      return spread();
    default:
      return demosaic(format);
  }
}

function spread(): Convert {
  const merge = mergePlanes();
  return (raw, rgb, widthPx, heightPx) => {
    merge(raw, widthPx, raw, widthPx, raw, widthPx, rgb, widthPx * 3, widthPx, heightPx);
  };
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
