import type { Box } from "./follower.ts";

/** How a view is cut: side of the square in pixels, free rim as a share of the fruit, grey level outside the mask. */
export interface CropShape {
  readonly sizePx: number;
  readonly margin: number;
  readonly fill: number;
}

/** RGB8, rows from the top, (heightPx * widthPx * 3). */
export interface Picture {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly data: Uint8Array;
}

/** Side of the square around a mask of `w` by `h` pixels. */
export function squareSide(w: number, h: number, margin: number): number {
  return Math.ceil(Math.max(w, h) * (1 + 2 * margin));
}

/**
 * Cuts masked squares out of pictures and averages them over areas to one size: a box filter with exact fractional
 * coverage, also where the square is smaller than the crop. The training recipe's `average_box` is its twin.
 * Scratch memory is kept; only the crop itself is new.
 */
export class Cropper {
  readonly #shape: CropShape;
  /** One row of the crop before it is averaged along x, as differences from the fill: (side * 3). */
  #row = new Float64Array(0);

  readonly #firstTap: Int32Array;
  readonly #lastTap: Int32Array;
  readonly #firstWeight: Float64Array;
  readonly #lastWeight: Float64Array;

  /** @param sidePx the largest square expected; a larger one makes the scratch grow once */
  constructor(shape: CropShape, sidePx = 0) {
    this.#shape = shape;
    this.#firstTap = new Int32Array(shape.sizePx);
    this.#lastTap = new Int32Array(shape.sizePx);
    this.#firstWeight = new Float64Array(shape.sizePx);
    this.#lastWeight = new Float64Array(shape.sizePx);
    this.#row = new Float64Array(sidePx * 3);
  }

  /**
   * @param mask (area.h * area.w), 0 outside the fruit; all beyond `area` is outside
   * @param area place of `mask` in the picture, inside it
   * @param box of the fruit in the picture: the square is laid around it and may reach beyond the picture
   * @returns (sizePx * sizePx * 3), owned by the caller
   */
  cut(picture: Picture, mask: Uint8Array, area: Box, box: Box): Uint8Array {
    const { sizePx, margin, fill } = this.#shape;
    const side = squareSide(box.w, box.h, margin);
    const left = box.x + Math.floor((box.w - side) / 2);
    const top = box.y + Math.floor((box.h - side) / 2);
    if (this.#row.length < side * 3) this.#row = new Float64Array(side * 3);
    const row = this.#row.fill(0, 0, side * 3);
    const crop = new Uint8Array(sizePx * sizePx * 3).fill(fill);
    const step = side / sizePx;
    this.#layTaps(side);
    const firstRow = box.y - top;
    const endRow = firstRow + box.h;
    const first = (box.x - left) * 3;
    const end = first + box.w * 3;
    for (let i = 0; i < sizePx; i++) {
      const from = i * step;
      const to = from + step;
      if (to <= firstRow || from >= endRow) continue;
      row.fill(0, first, end);
      for (let y = Math.max(firstRow, Math.floor(from)); y < to && y < endRow; y++) {
        const weight = Math.min(to, y + 1) - Math.max(from, y);
        const m = (top + y - area.y) * area.w + box.x - area.x;
        addRow(row, first, end, weight, mask, m, picture.data, ((top + y) * picture.widthPx + box.x) * 3, fill);
      }
      this.#averageRow(crop, i * sizePx * 3, step);
    }
    return crop;
  }

  /** Which pixels of a row of the square each pixel of the crop covers, and by how much the first and the last. */
  #layTaps(side: number): void {
    const step = side / this.#shape.sizePx;
    for (let j = 0; j < this.#shape.sizePx; j++) {
      const from = j * step;
      const to = Math.min(side, from + step);
      const first = Math.floor(from);
      const last = Math.max(first, Math.ceil(to) - 1);
      this.#firstTap[j] = first * 3;
      this.#lastTap[j] = last * 3;
      this.#firstWeight[j] = Math.min(to, first + 1) - from;
      this.#lastWeight[j] = last === first ? 0 : to - last;
    }
  }

  #averageRow(out: Uint8Array, at: number, step: number): void {
    const { sizePx, fill } = this.#shape;
    const row = this.#row;
    const share = 1 / (step * step);
    const base = fill + 0.5;
    for (let j = 0; j < sizePx; j++, at += 3) {
      const last = this.#lastTap[j]!;
      let p = this.#firstTap[j]!;
      const firstWeight = this.#firstWeight[j]!;
      const lastWeight = this.#lastWeight[j]!;
      let r = firstWeight * row[p]! + lastWeight * row[last]!;
      let g = firstWeight * row[p + 1]! + lastWeight * row[last + 1]!;
      let b = firstWeight * row[p + 2]! + lastWeight * row[last + 2]!;
      for (p += 3; p < last; p += 3) {
        r += row[p]!;
        g += row[p + 1]!;
        b += row[p + 2]!;
      }
      out[at] = base + r * share;
      out[at + 1] = base + g * share;
      out[at + 2] = base + b * share;
    }
  }
}

/** Adds one row of masked pixels, less the fill, to the sum. */
function addRow(
  sum: Float64Array,
  first: number,
  end: number,
  weight: number,
  mask: Uint8Array,
  m: number,
  data: Uint8Array,
  p: number,
  fill: number,
): void {
  for (let to = first; to < end; to += 3, m++, p += 3) {
    if (mask[m] === 0) continue;
    sum[to]! += weight * (data[p]! - fill);
    sum[to + 1]! += weight * (data[p + 1]! - fill);
    sum[to + 2]! += weight * (data[p + 2]! - fill);
  }
}
