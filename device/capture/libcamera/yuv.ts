import { libyuv } from "../libyuv.ts";

/** A picture as the ISP lays it out: Y, then U and V of half the size, rows padded. */
export interface YuvLayout {
  readonly widthPx: number;
  readonly heightPx: number;
  /** Bytes from row to row of Y; of U and V it is half. */
  readonly strideBytes: number;
  readonly bytes: number;
}

/** The Raspberry Pi's ISPs begin rows of Y at multiples of 64 bytes. */
const ROW_ALIGNMENT = 64;

/** @param widthPx even, as is `heightPx` */
export function yuvLayout(widthPx: number, heightPx: number): YuvLayout {
  const strideBytes = Math.ceil(widthPx / ROW_ALIGNMENT) * ROW_ALIGNMENT;
  return { widthPx, heightPx, strideBytes, bytes: (strideBytes * heightPx * 3) / 2 };
}

/**
 * A converter from YUV 4:2:0 to RGB8 by libyuv: BT.709 from 720 rows on, BT.601 below, limited range, as libcamera-vid
 * chooses them.
 *
 * @throws {GradelineError} SOURCE when libyuv is not installed
 */
export function yuvConverter(layout: YuvLayout): (yuv: Uint8Array, rgb: Uint8Array) => void {
  const name = layout.heightPx >= 720 ? "H420ToRAW" : "I420ToRAW";
  const convert = libyuv(
    `int ${name}(void *y, int ys, void *u, int us, void *v, int vs, void *rgb, int rgbs, int w, int h)`,
  );
  const { widthPx, heightPx, strideBytes } = layout;
  const [ySize, half] = [strideBytes * heightPx, strideBytes / 2];
  return (yuv, rgb) => {
    const u = yuv.subarray(ySize);
    const v = yuv.subarray(ySize + (half * heightPx) / 2);
    convert(yuv, strideBytes, u, half, v, half, rgb, widthPx * 3, widthPx, heightPx);
  };
}
