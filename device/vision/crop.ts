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
  /** One row of the square, masked: (side * 3). */
  #row = new Uint8Array(0);
  /** Rows averaged along x: (side, sizePx * 3). */
  #rows = new Float32Array(0);
  /** Whether a row of `#rows` holds anything but the fill. */
  #filled = new Uint8Array(0);

  /** @param sidePx the largest square expected; a larger one makes the scratch grow once */
  constructor(shape: CropShape, sidePx = 0) {
    this.#shape = shape;
    this.#reserve(sidePx);
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
    this.#reserve(side);
    const row = this.#row.fill(fill, 0, side * 3);
    const x0 = Math.max(left, box.x);
    const x1 = Math.min(left + side, box.x + box.w);
    for (let y = 0; y < side; y++) {
      const py = top + y;
      this.#filled[y] = 0;
      if (py < box.y || py >= box.y + box.h) continue;
      let any = 0;
      let m = (py - area.y) * area.w + x0 - area.x;
      let from = (py * picture.widthPx + x0) * 3;
      let to = (x0 - left) * 3;
      const { data } = picture;
      for (let x = x0; x < x1; x++, m++, from += 3, to += 3) {
        if (mask[m] === 0) {
          row[to] = fill;
          row[to + 1] = fill;
          row[to + 2] = fill;
        } else {
          any = 1;
          row[to] = data[from]!;
          row[to + 1] = data[from + 1]!;
          row[to + 2] = data[from + 2]!;
        }
      }
      if (any === 0) continue;
      this.#filled[y] = 1;
      averageRow(row, side, this.#rows, y * sizePx * 3, sizePx);
    }
    return this.#averageColumns(side);
  }

  #averageColumns(side: number): Uint8Array {
    const { sizePx, fill } = this.#shape;
    const width = sizePx * 3;
    const crop = new Uint8Array(sizePx * width);
    const rows = this.#rows;
    const step = side / sizePx;
    const sum = new Float32Array(this.#rows.buffer, side * width * 4, width);
    for (let i = 0; i < sizePx; i++) {
      const from = i * step;
      const to = from + step;
      const last = Math.min(side, Math.ceil(to - 1e-9));
      sum.fill(0.5);
      let rest = 0;
      for (let y = Math.floor(from); y < last; y++) {
        const weight = (Math.min(to, y + 1) - Math.max(from, y)) / step;
        if (weight <= 0) continue;
        if (this.#filled[y] === 0) {
          rest += weight;
          continue;
        }
        for (let j = 0, at = y * width; j < width; j++, at++) sum[j]! += weight * rows[at]!;
      }
      rest *= fill;
      for (let j = 0, at = i * width; j < width; j++, at++) crop[at] = sum[j]! + rest;
    }
    return crop;
  }

  #reserve(side: number): void {
    const width = this.#shape.sizePx * 3;
    if (this.#filled.length >= side) return;
    this.#row = new Uint8Array(side * 3);
    this.#filled = new Uint8Array(side);
    this.#rows = new Float32Array((side + 1) * width);
  }
}

/** Area average of one row of RGB pixels: (side, 3) to (size, 3). */
function averageRow(row: Uint8Array, side: number, out: Float32Array, at: number, size: number): void {
  const step = side / size;
  const share = 1 / step;
  for (let j = 0, from = 0; j < size; j++) {
    const to = (j + 1) * step;
    let x = Math.floor(from);
    // The first and last pixel count by the part that is covered, those between wholly.
    let weight = Math.min(to, x + 1) - from;
    let p = x * 3;
    let r = weight * row[p]!;
    let g = weight * row[p + 1]!;
    let b = weight * row[p + 2]!;
    for (x++; x < to && x < side; x++) {
      p += 3;
      weight = to - x;
      if (weight >= 1) {
        r += row[p]!;
        g += row[p + 1]!;
        b += row[p + 2]!;
      } else {
        r += weight * row[p]!;
        g += weight * row[p + 1]!;
        b += weight * row[p + 2]!;
      }
    }
    out[at] = r * share;
    out[at + 1] = g * share;
    out[at + 2] = b * share;
    at += 3;
    from = to;
  }
}
