/*
 * Picture quality of a view, from its crop alone: the fruit lies on plain grey.
 */

export interface ViewQuality {
  /** Fine detail against coarse detail of the fruit's surface: falls when a picture is blurred, whatever is on it. */
  readonly sharpness: number;
  /** Luminance that a twentieth of the fruit exceeds, 0..255: low where the picture is dark. */
  readonly bright: number;
  /** Share of the fruit that is white in all channels: detail lost to light. */
  readonly clipped: number;
  /** Longest straight edge along a side of the fruit's box, as a share of that side: long where the picture ends. */
  readonly edge: number;
  /** (THUMB, THUMB) luminance of a small copy, to recognise the same picture. */
  readonly thumb: Uint8Array;
}

/** Quality of the pictures: one entry per view of each reference; absent if pictures are not kept. */
export type Qualities = ReadonlyMap<string, readonly ViewQuality[]>;

/** Side of the smallest picture of a view. */
export const THUMB = 16;

/** A pixel within this of the fill, in every channel, is background. */
const NEAR_FILL = 2;
const WHITE = 250;
const BRIGHT_SHARE = 0.05;

/**
 * @param crop (sizePx, sizePx, 3)
 * @param fill grey level of the background
 */
export function qualityOf(crop: Uint8Array, sizePx: number, fill: number): ViewQuality {
  const inside = new Uint8Array(sizePx * sizePx);
  const luminance = new Float32Array(sizePx * sizePx);
  const histogram = new Float64Array(256);
  let [pixels, white] = [0, 0];
  for (let p = 0, at = 0; p < inside.length; p++, at += 3) {
    const r = crop[at]!;
    const g = crop[at + 1]!;
    const b = crop[at + 2]!;
    luminance[p] = 0.299 * r + 0.587 * g + 0.114 * b;
    if (Math.abs(r - fill) <= NEAR_FILL && Math.abs(g - fill) <= NEAR_FILL && Math.abs(b - fill) <= NEAR_FILL) continue;
    inside[p] = 1;
    pixels++;
    histogram[Math.round(luminance[p]!)]!++;
    if (r >= WHITE && g >= WHITE && b >= WHITE) white++;
  }
  const thumb = thumbOf(luminance, sizePx);
  if (pixels === 0) return { sharpness: 0, bright: 0, clipped: 0, edge: 0, thumb };
  let [bright, above] = [255, histogram[255]!];
  while (above < BRIGHT_SHARE * pixels && bright > 0) above += histogram[--bright]!;
  return {
    sharpness: sharpnessOf(luminance, inside, sizePx),
    bright,
    clipped: white / pixels,
    edge: longestEdge(inside, sizePx),
    thumb,
  };
}

/** @returns mean difference of two thumbs, 0..255 */
export function thumbDifference(a: Uint8Array, b: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i]! - b[i]!);
  return sum / a.length;
}

function thumbOf(luminance: Float32Array, sizePx: number): Uint8Array {
  const [sums, counts] = [new Float64Array(THUMB * THUMB), new Float64Array(THUMB * THUMB)];
  const cells = Uint8Array.from({ length: sizePx }, (_, x) => Math.floor((x * THUMB) / sizePx));
  for (let y = 0, p = 0; y < sizePx; y++) {
    const row = cells[y]! * THUMB;
    for (let x = 0; x < sizePx; x++, p++) {
      const at = row + cells[x]!;
      sums[at]! += luminance[p]!;
      counts[at]!++;
    }
  }
  return Uint8Array.from(sums, (sum, i) => (counts[i] === 0 ? 0 : sum / counts[i]!));
}

/**
 * Variance of the Laplacian relative to that of the picture at half size. Low contrast lowers both, blur only the
 * first.
 *
 * @see Pech-Pacheco et al. 2000, "Diatom autofocusing in brightfield microscopy" (variance of the Laplacian)
 */
function sharpnessOf(luminance: Float32Array, inside: Uint8Array, sizePx: number): number {
  const half = sizePx >> 1;
  const small = new Float32Array(half * half);
  const smallInside = new Uint8Array(half * half);
  for (let y = 0; y < half; y++) {
    for (let x = 0; x < half; x++) {
      const p = 2 * y * sizePx + 2 * x;
      small[y * half + x] =
        (luminance[p]! + luminance[p + 1]! + luminance[p + sizePx]! + luminance[p + sizePx + 1]!) / 4;
      smallInside[y * half + x] = inside[p]! & inside[p + 1]! & inside[p + sizePx]! & inside[p + sizePx + 1]!;
    }
  }
  const fine = laplacianVariance(luminance, inside, sizePx, 4);
  const coarse = laplacianVariance(small, smallInside, half, 2);
  return coarse === 0 ? 0 : fine / coarse;
}

/** @param rim width in pixels of the ignored outline: its sharpness comes from the mask, not from the lens */
function laplacianVariance(values: Float32Array, inside: Uint8Array, size: number, rim: number): number {
  let [sum, squares, count] = [0, 0, 0];
  for (let y = rim; y < size - rim; y++) {
    for (let x = rim; x < size - rim; x++) {
      const p = y * size + x;
      if (inside[p] === 0 || inside[p - rim] === 0 || inside[p + rim] === 0) continue;
      if (inside[p - rim * size] === 0 || inside[p + rim * size] === 0) continue;
      const value = 4 * values[p]! - values[p - 1]! - values[p + 1]! - values[p - size]! - values[p + size]!;
      sum += value;
      squares += value * value;
      count++;
    }
  }
  return count === 0 ? 0 : squares / count - (sum / count) ** 2;
}

/** A whole round fruit touches each side of its box with a short arc; a fruit cut off by the picture lies along a side. */
function longestEdge(inside: Uint8Array, size: number): number {
  let [left, right, top, bottom] = [size, -1, size, -1];
  for (let y = 0, p = 0; y < size; y++) {
    for (let x = 0; x < size; x++, p++) {
      if (inside[p] === 0) continue;
      if (x < left) left = x;
      if (x > right) right = x;
      if (bottom < 0) top = y;
      bottom = y;
    }
  }
  const run = (from: number, step: number, count: number): number => {
    let touching = 0;
    for (let i = 0; i < count; i++) touching += inside[from + i * step]!;
    return touching / count;
  };
  const [width, height] = [right - left + 1, bottom - top + 1];
  return Math.max(
    run(top * size + left, 1, width),
    run(bottom * size + left, 1, width),
    run(top * size + left, size, height),
    run(top * size + right, size, height),
  );
}
