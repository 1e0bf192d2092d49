import { Cropper, type CropShape, type Picture } from "./crop.ts";
import { DistanceTransform } from "./distance.ts";
import type { Box } from "./follower.ts";

/** A pixel within this of the border's median colour, in every channel, may be background. */
const TOLERANCE = 28;
/** Share of border pixels that must be background for it to count as plain. */
const PLAIN_SHARE = 0.6;
/** Less foreground than this share of the picture is no fruit. */
const LEAST_SHARE = 0.05;
/** Radius of the opening that takes off stem and twigs, as a share of the shorter side. */
const OPENING = 0.04;
/** An opening that leaves less than this share of the foreground took more than stems: it is not applied. */
const OPENING_KEEPS = 0.6;

/** The fruit of a still photograph. */
export interface StillCrop {
  /** RGB8 HWC (sizePx * sizePx * 3), owned by the caller. */
  readonly crop: Uint8Array;
  /** Bounding box of the fruit in the picture. */
  readonly box: Box;
  /** Share of the picture that the fruit covers, 0..1. */
  readonly areaShare: number;
  /** True where no plain background was found, so that the whole picture counts as the fruit. */
  readonly whole: boolean;
}

/**
 * Cuts the fruit out of a still photograph before a plain background: body without stem, background masked.
 * The training recipe's `crop_still` follows the same rules to the pixel.
 *
 * @param image RGB8, at least 2 by 2 pixels
 * @param crop shape of the crop; the model was trained with margin 0.06 and fill 118
 */
export function cropStill(image: Picture, crop: CropShape): StillCrop {
  const { widthPx, heightPx } = image;
  const found = fruitMask(image);
  const mask = found ?? new Uint8Array(widthPx * heightPx).fill(1);
  const { box, count } = extent(mask, widthPx, heightPx);
  const area = { x: 0, y: 0, w: widthPx, h: heightPx };
  return {
    crop: new Cropper(crop).cut(image, mask, area, box),
    box,
    areaShare: count / (widthPx * heightPx),
    whole: found === undefined,
  };
}

/** (heightPx * widthPx), 1 on the fruit; undefined where the whole picture is the fruit. */
function fruitMask({ widthPx: w, heightPx: h, data }: Picture): Uint8Array | undefined {
  const border = borderPixels(w, h);
  const background = [0, 1, 2].map((channel) => median(border.map((p) => data[p * 3 + channel]!)));
  const mask = new Uint8Array(w * h);
  for (let p = 0; p < mask.length; p++) {
    for (let c = 0; c < 3; c++) {
      if (Math.abs(data[p * 3 + c]! - background[c]!) > TOLERANCE) mask[p] = 1;
    }
  }
  if (border.filter((p) => mask[p] === 0).length < PLAIN_SHARE * border.length) return undefined;
  keepUnreached(mask, w, h, border);
  const foreground = sum(mask);
  if (foreground < LEAST_SHARE * mask.length) return undefined;
  const opened = openByDisc(mask, w, h, Math.max(1, Math.floor(OPENING * Math.min(w, h) + 0.5)));
  const body = largestComponent(sum(opened) >= OPENING_KEEPS * foreground ? opened : mask, w, h);
  keepUnreached(body, w, h, border);
  return body;
}

/** Every pixel becomes 1 but the zeros that are 4-connected to the border through zeros. */
function keepUnreached(mask: Uint8Array, w: number, h: number, border: readonly number[]): void {
  const reached = new Uint8Array(mask.length);
  const stack = new Int32Array(mask.length);
  let top = 0;
  const visit = (p: number): void => {
    if (mask[p] !== 0 || reached[p] !== 0) return;
    reached[p] = 1;
    stack[top++] = p;
  };
  for (const p of border) visit(p);
  while (top > 0) {
    const p = stack[--top]!;
    const x = p % w;
    if (x > 0) visit(p - 1);
    if (x < w - 1) visit(p + 1);
    if (p >= w) visit(p - w);
    if (p < w * (h - 1)) visit(p + w);
  }
  for (let p = 0; p < mask.length; p++) mask[p] = 1 - reached[p]!;
}

/**
 * Morphological opening by the disc of all pixels within `radius`, by two exact distance transforms: further than the
 * radius from every background pixel is the erosion. Outside the picture counts as background.
 */
function openByDisc(mask: Uint8Array, w: number, h: number, radius: number): Uint8Array {
  const rim = radius + 1;
  const pw = w + 2 * rim;
  const ph = h + 2 * rim;
  const padded = new Uint8Array(pw * ph);
  for (let y = 0; y < h; y++) padded.set(mask.subarray(y * w, (y + 1) * w), (y + rim) * pw + rim);
  const distances = new Int32Array(pw * ph);
  const transform = new DistanceTransform();
  transform.run(padded, pw, ph, distances);
  for (let p = 0; p < padded.length; p++) padded[p] = distances[p]! > radius * radius ? 0 : 1;
  transform.run(padded, pw, ph, distances);
  const opened = new Uint8Array(w * h);
  for (let y = 0; y < h; y++) {
    for (let x = 0, p = (y + rim) * pw + rim; x < w; x++, p++) {
      opened[y * w + x] = distances[p]! <= radius * radius ? 1 : 0;
    }
  }
  return opened;
}

/** The largest 4-connected component; the first in reading order where two are equal. */
function largestComponent(mask: Uint8Array, w: number, h: number): Uint8Array {
  const labels = new Int32Array(mask.length);
  const stack = new Int32Array(mask.length);
  let label = 0;
  let best = 0;
  let bestSize = 0;
  for (let start = 0; start < mask.length; start++) {
    if (mask[start] === 0 || labels[start] !== 0) continue;
    let top = 0;
    let size = 0;
    label++;
    labels[start] = label;
    stack[top++] = start;
    const visit = (p: number): void => {
      if (mask[p] === 0 || labels[p] !== 0) return;
      labels[p] = label;
      stack[top++] = p;
    };
    while (top > 0) {
      const p = stack[--top]!;
      const x = p % w;
      size++;
      if (x > 0) visit(p - 1);
      if (x < w - 1) visit(p + 1);
      if (p >= w) visit(p - w);
      if (p < w * (h - 1)) visit(p + w);
    }
    if (size > bestSize) {
      bestSize = size;
      best = label;
    }
  }
  const kept = new Uint8Array(mask.length);
  for (let p = 0; p < kept.length; p++) kept[p] = labels[p] === best && best > 0 ? 1 : 0;
  return kept;
}

function extent(mask: Uint8Array, w: number, h: number): { box: Box; count: number } {
  let left = w;
  let right = -1;
  let top = h;
  let bottom = -1;
  let count = 0;
  for (let y = 0, p = 0; y < h; y++) {
    for (let x = 0; x < w; x++, p++) {
      if (mask[p] === 0) continue;
      count++;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = y;
    }
  }
  return { box: { x: left, y: top, w: right - left + 1, h: bottom - top + 1 }, count };
}

/** Places of the outermost pixels, each once. */
function borderPixels(w: number, h: number): number[] {
  const border: number[] = [];
  for (let x = 0; x < w; x++) border.push(x, (h - 1) * w + x);
  for (let y = 1; y < h - 1; y++) border.push(y * w, y * w + w - 1);
  return border;
}

function median(values: number[]): number {
  values.sort((a, b) => a - b);
  const middle = values.length >> 1;
  return values.length % 2 === 1 ? values[middle]! : (values[middle - 1]! + values[middle]!) / 2;
}

function sum(mask: Uint8Array): number {
  let total = 0;
  for (const value of mask) total += value;
  return total;
}
