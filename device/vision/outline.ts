import type { Background } from "./background.ts";
import type { Picture } from "./crop.ts";
import type { Grid } from "./grid.ts";
import { largerEigenvalue, type Piece, type PiecePool } from "./piece.ts";

/** Cells around one in which a body's brightness is compared with what lies beside it. */
const BESIDE = 2;

type Moments = [number, number, number, number, number, number];

/**
 * The mask of one piece at the frame's own resolution. Cells inside the piece are taken as they are; only those along
 * its rim are looked at pixel by pixel. One at a time: the next call overwrites the last.
 */
export class Outline {
  /** (area.h * area.w), 1 on the fruit. */
  readonly mask: Uint8Array;
  /** Where the mask lies in the frame. */
  readonly area = { x: 0, y: 0, w: 0, h: 0 };
  /** Bounding box of the fruit in the frame; w is 0 if nothing was left. */
  readonly box = { x: 0, y: 0, w: 0, h: 0 };
  /** Centre in the frame, pixels. */
  cx = 0;
  cy = 0;
  /** Longest axis of the ellipse of the same moments, pixels. */
  diameterPx = 0;
  /** How many times as long as wide that ellipse is. */
  elongation = 1;
  /** Its area over the mask's own: 1 for an ellipse, more for anything else. */
  ellipseShare = 1;
  /** Covariance of the mask's pixels. */
  xx = 0;
  xy = 0;
  yy = 0;
  readonly #grid: Grid;
  readonly #background: Background;
  readonly #bodies: Uint8Array;
  readonly #pool: PiecePool;
  readonly #labels: Uint8Array;
  /** The mask before it is smoothed, with a rim of one pixel: ((area.h + 2) * (area.w + 2)). */
  readonly #raw: Uint8Array;
  readonly #rim: Int32Array;
  /** Sums over the mask's pixels of 1, x, y, x², xy, y², from the corner of `area`. */
  readonly #sums = new Float64Array(6);
  /** Brightness on the outline of a body, and whether the body is darker than what lies beside it. */
  #middle = 0;
  #darker = false;
  #left = 0;
  #right = 0;
  #top = 0;
  #bottom = 0;

  /** @param bodies (rows * cols), 1 where a fruit differs from the belt in brightness alone */
  constructor(background: Background, bodies: Uint8Array, pool: PiecePool, labels: Uint8Array) {
    const { grid } = background;
    this.#grid = grid;
    this.#background = background;
    this.#bodies = bodies;
    this.#pool = pool;
    this.#labels = labels;
    this.mask = new Uint8Array(grid.roi.w * grid.roi.h);
    this.#raw = new Uint8Array((grid.roi.w + 2) * (grid.roi.h + 2));
    this.#rim = new Int32Array(labels.length);
  }

  /** Draws the mask of the piece `index` of the pool and measures it. */
  trace(picture: Picture, index: number): void {
    const { roi, step, cols, rows } = this.#grid;
    const piece = this.#pool.pieces[index]!;
    const left = Math.max(0, piece.left - 1);
    const right = Math.min(cols, piece.right + 1);
    const top = Math.max(0, piece.top - 1);
    const bottom = Math.min(rows, piece.bottom + 1);
    const { area } = this;
    area.x = roi.x + left * step;
    area.y = roi.y + top * step;
    area.w = Math.min(roi.w, right * step) - left * step;
    area.h = Math.min(roi.h, bottom * step) - top * step;
    this.#raw.fill(0, 0, (area.w + 2) * (area.h + 2));
    this.mask.fill(0, 0, area.w * area.h);
    this.#sums.fill(0);
    this.#left = area.w;
    this.#right = -1;
    this.#top = area.h;
    this.#bottom = -1;
    const rim = this.#fillInside(index + 1, left, right, top, bottom);
    for (let i = 0; i < rim; i++) this.#lookAt(picture, piece, index + 1, this.#rim[i]!);
    for (let i = 0; i < rim; i++) this.#smooth(this.#rim[i]!);
    this.#measure();
  }

  /** Fills the cells whose neighbours all belong to the piece; the others near it go to the list. */
  #fillInside(label: number, left: number, right: number, top: number, bottom: number): number {
    const { cols } = this.#grid;
    let rim = 0;
    for (let row = top; row < bottom; row++) {
      let inside = -1;
      for (let col = left; col < right; col++) {
        const own = this.#ownAround(label, row, col);
        if (own === 9) {
          if (inside < 0) inside = col;
          continue;
        }
        if (inside >= 0) this.#fillCells(row, inside, col);
        inside = -1;
        if (own > 0) this.#rim[rim++] = row * cols + col;
      }
      if (inside >= 0) this.#fillCells(row, inside, right);
    }
    return rim;
  }

  /** How many of a cell and its eight neighbours bear the label. */
  #ownAround(label: number, row: number, col: number): number {
    const { cols, rows } = this.#grid;
    const labels = this.#labels;
    let own = 0;
    const y0 = Math.max(0, row - 1);
    const y1 = Math.min(rows - 1, row + 1);
    const x0 = Math.max(0, col - 1);
    const x1 = Math.min(cols - 1, col + 1);
    for (let y = y0; y <= y1; y++) {
      for (let at = y * cols + x0, end = y * cols + x1; at <= end; at++) if (labels[at] === label) own++;
    }
    return own;
  }

  #fillCells(row: number, from: number, to: number): void {
    const { roi, step } = this.#grid;
    const { area } = this;
    const x0 = from * step + roi.x - area.x;
    const x1 = Math.min(area.w, to * step + roi.x - area.x);
    const y0 = row * step + roi.y - area.y;
    const y1 = Math.min(area.h, y0 + step);
    const stride = area.w + 2;
    for (let y = y0; y < y1; y++) {
      this.mask.fill(1, y * area.w + x0, y * area.w + x1);
      this.#raw.fill(1, (y + 1) * stride + x0 + 1, (y + 1) * stride + x1 + 1);
      this.#addRun(x0, x1, y);
    }
  }

  /** Takes the pixels x0 to x1 (excluded) of a row into the moments and the box. */
  #addRun(x0: number, x1: number, y: number): void {
    const n = x1 - x0;
    const sums = this.#sums;
    const x = (n * (x0 + x1 - 1)) / 2;
    sums[0]! += n;
    sums[1]! += x;
    sums[2]! += n * y;
    // Sum of k² for k = x0 .. x1 - 1.
    sums[3]! += ((x1 - 1) * x1 * (2 * x1 - 1) - (x0 - 1) * x0 * (2 * x0 - 1)) / 6;
    sums[4]! += x * y;
    sums[5]! += n * y * y;
    if (x0 < this.#left) this.#left = x0;
    if (x1 > this.#right) this.#right = x1;
    if (y < this.#top) this.#top = y;
    if (y > this.#bottom) this.#bottom = y;
  }

  /** Decides pixel by pixel: fruit or conveyor, and where another fruit touches, whose. */
  #lookAt(picture: Picture, piece: Piece, label: number, cell: number): void {
    const { roi, step, cols } = this.#grid;
    const { area } = this;
    const row = Math.floor(cell / cols);
    const col = cell - row * cols;
    const inner = !piece.split && this.#labels[cell] === label;
    const other = inner ? undefined : this.#otherNear(label, row, col);
    const { colour, light } = this.#background;
    const { pixelLimit } = light;
    const br = colour[cell * 3]!;
    const bg = colour[cell * 3 + 1]!;
    const bb = colour[cell * 3 + 2]!;
    const inverse = this.#background.inverse[cell]!;
    const { cross } = this.#background;
    const dr = cross.found ? cross.delta[col * 3]! : 0;
    const dg = cross.found ? cross.delta[col * 3 + 1]! : 0;
    const db = cross.found ? cross.delta[col * 3 + 2]! : 0;
    const body = this.#measureBody(label, row, col) ? light.rowGain[row]! : 0;
    const middle = body * this.#middle;
    const x0 = col * step;
    const x1 = Math.min(roi.w, x0 + step);
    const y0 = row * step;
    const y1 = Math.min(roi.h, y0 + step);
    for (let y = y0; y < y1; y++) {
      let from = ((roi.y + y) * picture.widthPx + roi.x + x0) * 3;
      let to = (roi.y + y - area.y + 1) * (area.w + 2) + roi.x + x0 - area.x + 1;
      for (let x = x0; x < x1; x++, from += 3, to++) {
        const r = picture.data[from]! - dr;
        const g = picture.data[from + 1]! - dg;
        const b = picture.data[from + 2]! - db;
        const along = r * br + g * bg + b * bb;
        const share = along * inverse;
        const away = r * r + g * g + b * b - share * along;
        if (away <= pixelLimit && (body === 0 || share < middle !== this.#darker)) continue;
        if (other !== undefined) {
          const cx = (x + 0.5) / step;
          const cy = (y + 0.5) / step;
          if (other.outlineAt(cx, cy) < piece.outlineAt(cx, cy)) continue;
        }
        this.#raw[to] = 1;
      }
    }
  }

  /**
   * Where a fruit differs from what lies beside it in brightness alone, its outline lies half way between the two.
   *
   * @returns false where the colour tells them apart
   */
  #measureBody(label: number, row: number, col: number): boolean {
    const { cols, rows } = this.#grid;
    const labels = this.#labels;
    const { bright } = this.#background;
    let bodies = 0;
    let inside = 0;
    let outside = 0;
    let insideSum = 0;
    let outsideSum = 0;
    for (let y = Math.max(0, row - BESIDE); y <= Math.min(rows - 1, row + BESIDE); y++) {
      for (let x = Math.max(0, col - BESIDE); x <= Math.min(cols - 1, col + BESIDE); x++) {
        const at = y * cols + x;
        if (labels[at] === label) {
          inside++;
          insideSum += bright[at]!;
          bodies += this.#bodies[at]!;
        } else if (labels[at] === 0) {
          outside++;
          outsideSum += bright[at]!;
        }
      }
    }
    if (bodies * 2 < inside || inside === 0 || outside === 0) return false;
    const [fruit, beside] = [insideSum / inside, outsideSum / outside];
    this.#middle = (fruit + beside) / 2;
    this.#darker = fruit < beside;
    return true;
  }

  /** Another piece with cells around this one. */
  #otherNear(label: number, row: number, col: number): Piece | undefined {
    const { cols, rows } = this.#grid;
    for (let y = Math.max(0, row - 1); y <= Math.min(rows - 1, row + 1); y++) {
      for (let x = Math.max(0, col - 1); x <= Math.min(cols - 1, col + 1); x++) {
        const there = this.#labels[y * cols + x]!;
        if (there !== 0 && there !== label) return this.#pool.pieces[there - 1];
      }
    }
    return undefined;
  }

  /** A pixel of the rim is what most of its neighbourhood is: single pixels are noise. */
  #smooth(cell: number): void {
    const { roi, step, cols } = this.#grid;
    const { area } = this;
    const raw = this.#raw;
    const row = Math.floor(cell / cols);
    const x0 = (cell - row * cols) * step + roi.x - area.x;
    const x1 = Math.min(area.w, x0 + step);
    const y0 = row * step + roi.y - area.y;
    const y1 = Math.min(area.h, y0 + step);
    const stride = area.w + 2;
    for (let y = y0; y < y1; y++) {
      // `raw` has a rim of one pixel all around, so that its neighbours need no care.
      let above = y * stride + x0;
      let here = above + stride;
      let below = here + stride;
      let before = raw[above]! + raw[here]! + raw[below]!;
      let middle = raw[++above]! + raw[++here]! + raw[++below]!;
      let run = -1;
      for (let x = x0; x < x1; x++) {
        const after = raw[++above]! + raw[++here]! + raw[++below]!;
        if (before + middle + after >= 5) {
          this.mask[y * area.w + x] = 1;
          if (run < 0) run = x;
        } else if (run >= 0) {
          this.#addRun(run, x, y);
          run = -1;
        }
        before = middle;
        middle = after;
      }
      if (run >= 0) this.#addRun(run, x1, y);
    }
  }

  #measure(): void {
    const { area, box } = this;
    const [n, sx, sy, sxx, sxy, syy] = this.#sums as unknown as Moments;
    box.x = area.x + this.#left;
    box.y = area.y + this.#top;
    box.w = n === 0 ? 0 : this.#right - this.#left;
    box.h = n === 0 ? 0 : this.#bottom - this.#top + 1;
    const x = sx / n;
    const y = sy / n;
    this.cx = area.x + x + 0.5;
    this.cy = area.y + y + 0.5;
    // A pixel is a square, not a point: 1/12 each way.
    const [xx, xy, yy] = [sxx / n - x * x + 1 / 12, sxy / n - x * y, syy / n - y * y + 1 / 12];
    const larger = largerEigenvalue(xx, xy, yy);
    this.diameterPx = 4 * Math.sqrt(larger);
    const smaller = Math.max(1 / 12, xx + yy - larger);
    this.elongation = Math.sqrt(larger / smaller);
    this.ellipseShare = (4 * Math.PI * Math.sqrt(larger * smaller)) / n;
    this.xx = xx;
    this.xy = xy;
    this.yy = yy;
  }
}
