/** How views of one item look, whatever the fruit is. Logarithms are to base 2, so that 1 is twice as much. */
export interface Appearance {
  /** Log of the mean luminance of the fruit's pixels, 0..8. */
  readonly brightness: number;
  /** Log of red over blue. */
  readonly warmth: number;
  /** Log of green over the geometric mean of red and blue. */
  readonly tint: number;
  /** Log of the mean step between neighbours, relative to the luminance. */
  readonly sharpness: number;
}

/** Samples of each view in both directions. */
const SAMPLES = 24;
/** Fewer say nothing. */
const FEW = 12;

/**
 * @param crop RGB8 (sizePx, sizePx, 3)
 * @param fill grey level outside the fruit
 * @returns undefined where too little of the fruit is seen
 */
export function appearanceOf(crop: Uint8Array, sizePx: number, fill: number): Appearance | undefined {
  const stride = Math.max(1, Math.floor(sizePx / SAMPLES));
  let [r, g, b, step, count] = [0, 0, 0, 0, 0];
  for (let y = stride >> 1; y < sizePx; y += stride) {
    for (let x = stride >> 1; x < sizePx - 1; x += stride) {
      const p = (y * sizePx + x) * 3;
      if (isFill(crop, p, fill) || isFill(crop, p + 3, fill)) continue;
      r += crop[p]!;
      g += crop[p + 1]!;
      b += crop[p + 2]!;
      step += Math.abs(luminance(crop, p + 3) - luminance(crop, p));
      count++;
    }
  }
  if (count < FEW) return undefined;
  const [red, green, blue] = [level(r, count), level(g, count), level(b, count)];
  const light = 0.299 * red + 0.587 * green + 0.114 * blue;
  return {
    brightness: Math.log2(light),
    warmth: Math.log2(red / blue),
    tint: Math.log2(green / Math.sqrt(red * blue)),
    sharpness: Math.log2((step / count + 0.25) / light),
  };
}

function isFill(crop: Uint8Array, p: number, fill: number): boolean {
  return crop[p] === fill && crop[p + 1] === fill && crop[p + 2] === fill;
}

function luminance(crop: Uint8Array, p: number): number {
  return 0.299 * crop[p]! + 0.587 * crop[p + 1]! + 0.114 * crop[p + 2]!;
}

/** Never nothing: its logarithm is taken. */
function level(sum: number, count: number): number {
  return Math.max(0.5, sum / count);
}
