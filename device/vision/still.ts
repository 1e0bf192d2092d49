import { Cropper, type CropShape, type Picture } from "./crop.ts";
import { DistanceTransform } from "./distance.ts";
import type { Box } from "./follower.ts";
import { FramedMask } from "./framed-mask.ts";

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
  /** True if no plain background was found, so that the whole picture counts as the fruit. */
  readonly whole: boolean;
  /** Area of the second largest thing in the picture as a share of the fruit's, 0..1. */
  readonly secondShare: number;
}

/**
 * Cuts the fruit out of still photographs before a plain background: body without stem, background masked. The training
 * recipe's `crop_still` follows the same rules to the pixel. Scratch memory is kept; only the crop itself is new.
 */
export class StillCropper {
  readonly #cropper: Cropper;
  readonly #transform = new DistanceTransform();
  readonly #framed = new FramedMask();
  #mask = new Uint8Array(0);
  #opened = new Uint8Array(0);
  #padded = new Uint8Array(0);
  #distances = new Int32Array(0);

  /** @param shape of the crops; the model was trained with margin 0.06 and fill 118 */
  constructor(shape: CropShape) {
    this.#cropper = new Cropper(shape);
  }

  /** @param image RGB8, at least 2 by 2 pixels */
  cut(image: Picture): StillCrop {
    const { widthPx, heightPx } = image;
    const size = widthPx * heightPx;
    if (this.#mask.length < size) {
      this.#mask = new Uint8Array(size);
      this.#opened = new Uint8Array(size);
    }
    const mask = this.#mask.subarray(0, size);
    const secondShare = this.#findFruit(image, mask);
    const whole = secondShare === undefined;
    if (whole) mask.fill(1);
    const { box, count } = extent(mask, widthPx, heightPx);
    const area = { x: 0, y: 0, w: widthPx, h: heightPx };
    return {
      crop: this.#cropper.cut(image, mask, area, box),
      box,
      areaShare: count / size,
      whole,
      secondShare: secondShare ?? 0,
    };
  }

  /**
   * @param mask (heightPx * widthPx), becomes 1 on the fruit
   * @returns area of the second largest thing as a share of the fruit's; undefined where the whole picture is the fruit
   */
  #findFruit(image: Picture, mask: Uint8Array): number | undefined {
    const { widthPx: w, heightPx: h } = image;
    const border = borderPixels(w, h);
    maskColour(image, border, mask);
    let plain = 0;
    for (const p of border) plain += 1 - mask[p]!;
    if (plain < PLAIN_SHARE * border.length) return undefined;
    const framed = this.#framed;
    framed.set(mask, w, h);
    const foreground = framed.fillHoles();
    if (foreground < LEAST_SHARE * mask.length) return undefined;
    framed.get(mask);
    const opened = this.#opened.subarray(0, mask.length);
    const left = this.#openByDisc(mask, w, h, Math.max(1, Math.floor(OPENING * Math.min(w, h) + 0.5)), opened);
    if (left >= OPENING_KEEPS * foreground) framed.set(opened, w, h);
    const second = framed.keepLargest();
    framed.fillHoles();
    framed.get(mask);
    return second;
  }

  /**
   * Morphological opening by the disc of all pixels within `radius`, by two exact distance transforms: further than the
   * radius from every background pixel is the erosion. Outside the picture counts as background.
   *
   * @param opened (h * w), written in place
   * @returns how many pixels are left
   */
  #openByDisc(mask: Uint8Array, w: number, h: number, radius: number, opened: Uint8Array): number {
    const rim = radius + 1;
    const pw = w + 2 * rim;
    const ph = h + 2 * rim;
    const size = pw * ph;
    if (this.#padded.length < size) {
      this.#padded = new Uint8Array(size);
      this.#distances = new Int32Array(size);
    }
    const [padded, distances] = [this.#padded, this.#distances];
    padded.fill(0, 0, size);
    for (let y = 0; y < h; y++) padded.set(mask.subarray(y * w, (y + 1) * w), (y + rim) * pw + rim);
    const far = radius * radius;
    this.#transform.run(padded, pw, ph, distances);
    for (let p = 0; p < size; p++) padded[p] = distances[p]! > far ? 0 : 1;
    this.#transform.run(padded, pw, ph, distances);
    let left = 0;
    for (let y = 0, to = 0; y < h; y++) {
      for (let x = 0, p = (y + rim) * pw + rim; x < w; x++, p++, to++) {
        const inside = distances[p]! <= far ? 1 : 0;
        opened[to] = inside;
        left += inside;
      }
    }
    return left;
  }
}

/** Marks pixels that differ from the border's median colour. @param mask written in place */
function maskColour({ data }: Picture, border: readonly number[], mask: Uint8Array): void {
  const [red, green, blue] = [0, 1, 2].map((channel) => medianAt(data, border, channel)) as [number, number, number];
  for (let p = 0, at = 0; p < mask.length; p++, at += 3) {
    const off =
      Math.abs(data[at]! - red) > TOLERANCE ||
      Math.abs(data[at + 1]! - green) > TOLERANCE ||
      Math.abs(data[at + 2]! - blue) > TOLERANCE;
    mask[p] = off ? 1 : 0;
  }
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
      if (x < left) left = x;
      if (x > right) right = x;
      if (bottom < 0) top = y;
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

/** Median of one channel over some pixels, by counting: it is one of 256 values, or lies between two. */
function medianAt(data: Uint8Array, pixels: readonly number[], channel: number): number {
  const counts = new Int32Array(256);
  for (const p of pixels) counts[data[p * 3 + channel]!]!++;
  const at = (rank: number): number => {
    let value = 0;
    for (let below = counts[0]!; below <= rank; below += counts[value]!) value++;
    return value;
  };
  const middle = pixels.length >> 1;
  return pixels.length % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2;
}
