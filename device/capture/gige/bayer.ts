import type { GigeConfig } from "../../config/camera.ts";
import { type BayerKernel, makeBayerKernel } from "../../kernels/bayer.ts";
import { libyuv, mergePlanes } from "../libyuv.ts";

/** Rows converted at a time: few enough for the processor's nearest caches. */
const BAND = 16;

/** The colour filter's first two pixels of the first row; what lacks here is green. */
type BayerFormat = Exclude<GigeConfig["pixelFormat"], "RGB8" | "Mono8">;

/**
 * The program makes what begins with red and green. A row that begins with green is looked at from its second pixel on;
 * where blue is in the place of red, the two change names.
 */
const PATTERNS: Record<BayerFormat, { readonly first: 0 | 1; readonly order: readonly [number, number, number] }> = {
  BayerRG8: { first: 0, order: [0, 1, 2] },
  BayerGR8: { first: 1, order: [0, 1, 2] },
  BayerBG8: { first: 0, order: [2, 1, 0] },
  BayerGB8: { first: 1, order: [2, 1, 0] },
};

/**
 * A converter from a Bayer pattern to RGB8: bilinear, so no edge is made up that is not there. The outermost pixels,
 * which lack neighbours, are as those beside them.
 *
 * @throws {GradelineError} SOURCE when libyuv is not installed
 */
export function demosaic(
  format: BayerFormat,
): (raw: Uint8Array, rgb: Uint8Array, widthPx: number, heightPx: number) => void {
  const { first, order } = PATTERNS[format];
  const copy = libyuv("void CopyPlane(void *from, int froms, void *to, int tos, int w, int h)");
  const merge = mergePlanes();
  let made: { readonly widthPx: number; readonly kernel: BayerKernel } | undefined;
  return (raw, rgb, widthPx, heightPx) => {
    if (made?.widthPx !== widthPx) made = { widthPx, kernel: makeBayerKernel(widthPx, BAND) };
    const { kernel } = made;
    const { strideBytes, marginBytes } = kernel;
    const rowBytes = widthPx * 3;
    const [red, green, blue] = order.map((plane) => kernel.planes[plane]!.subarray(marginBytes)) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    for (let top = 0; top < heightPx; top += BAND) {
      const rows = Math.min(BAND, heightPx - top);
      const [from, to] = [Math.max(0, top - 1), Math.min(heightPx, top + rows + 1)];
      const into = kernel.raw.subarray((from - top + 1) * strideBytes + marginBytes);
      copy(raw.subarray(from * widthPx), widthPx, into, strideBytes, widthPx, to - from);
      for (let row = 0; row < rows; row += 2) kernel.run(row, first, widthPx - first);
      for (const plane of [red, green, blue]) fillSides(plane, strideBytes, widthPx, rows);
      const out = rgb.subarray(top * rowBytes);
      merge(red, strideBytes, green, strideBytes, blue, strideBytes, out, rowBytes, widthPx, rows);
    }
    rgb.copyWithin(0, rowBytes, 2 * rowBytes);
    rgb.copyWithin(rowBytes * (heightPx - 1), rowBytes * (heightPx - 2), rowBytes * (heightPx - 1));
  };
}

function fillSides(plane: Uint8Array, strideBytes: number, widthPx: number, rows: number): void {
  for (let at = 0; at < rows * strideBytes; at += strideBytes) {
    plane[at] = plane[at + 1]!;
    plane[at + widthPx - 1] = plane[at + widthPx - 2]!;
  }
}
