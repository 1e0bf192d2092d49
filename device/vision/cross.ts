import type { Grid } from "./grid.ts";

/** Rows of cells at each edge of the lane that are asked, and the share of the lane's width in which they lie. */
const ROWS = 3;
const EDGE_SHARE = 0.1;
/** What differs by fewer grey levels in all, is left to the rest. */
const LEAST = 14;

/**
 * What lies across the whole lane: joints, cleats, rollers and the gaps between them. Fruit hardly ever lie at both
 * edges of a lane at one place along it, so what both edges show there the lane shows all across. It is taken out of
 * the cells, and what is left is a plain belt with fruit on it.
 */
export class Cross {
  /** By how much each column of cells differs from the background, (cols * 3) grey levels. */
  readonly delta: Float32Array;
  /** Whether any does in the last frame. */
  found = false;
  readonly #grid: Grid;
  readonly #upper: Float32Array;
  readonly #lower: Float32Array;
  readonly #ratios: Float32Array;

  constructor(grid: Grid) {
    this.#grid = grid;
    this.delta = new Float32Array(grid.cols * 3);
    this.#upper = new Float32Array(grid.cols * 3);
    this.#lower = new Float32Array(grid.cols * 3);
    this.#ratios = new Float32Array(grid.cols);
  }

  /**
   * Takes what lies across out of a frame's cells.
   *
   * @param cells (rows * cols * 3), changed in place
   * @param colour (rows * cols * 3), the background
   */
  take(cells: Float32Array, colour: Float32Array): void {
    const { cols, rows } = this.#grid;
    this.found = false;
    const edge = Math.max(1, Math.floor(rows * EDGE_SHARE));
    if (rows < 4 * edge) return;
    this.#compare(cells, colour, 0, edge, this.#upper);
    this.#compare(cells, colour, rows - edge, rows, this.#lower);
    const delta = this.delta;
    for (let col = 0, i = 0; col < cols; col++, i += 3) {
      const r = nearer(this.#upper[i]!, this.#lower[i]!);
      const g = nearer(this.#upper[i + 1]!, this.#lower[i + 1]!);
      const b = nearer(this.#upper[i + 2]!, this.#lower[i + 2]!);
      const counts = Math.abs(r) + Math.abs(g) + Math.abs(b) > LEAST;
      if (counts) this.found = true;
      delta[i] = counts ? r : 0;
      delta[i + 1] = counts ? g : 0;
      delta[i + 2] = counts ? b : 0;
    }
    if (!this.found) return;
    for (let row = 0, at = 0; row < rows; row++) {
      for (let i = 0; i < delta.length; i++, at++) cells[at]! -= delta[i]!;
    }
  }

  /** How the columns between two rows differ from the background under the light that falls there. */
  #compare(cells: Float32Array, colour: Float32Array, from: number, to: number, out: Float32Array): void {
    const { cols } = this.#grid;
    const step = Math.max(1, Math.floor((to - from) / ROWS));
    const ratios = this.#ratios;
    out.fill(0);
    ratios.fill(0);
    let count = 0;
    for (let row = from; row < to; row += step, count++) {
      for (let col = 0, i = 0, at = row * cols * 3; col < cols; col++, i += 3, at += 3) {
        out[i]! += cells[at]!;
        out[i + 1]! += cells[at + 1]!;
        out[i + 2]! += cells[at + 2]!;
        const own = colour[at]! + colour[at + 1]! + colour[at + 2]!;
        ratios[col]! += (cells[at]! + cells[at + 1]! + cells[at + 2]!) / Math.max(1, own);
      }
    }
    for (let col = 0; col < cols; col++) ratios[col]! /= count;
    ratios.sort();
    const light = ratios[cols >> 1]!;
    const middle = ((from + to) >> 1) * cols * 3;
    for (let i = 0; i < out.length; i++) out[i] = out[i]! / count - light * colour[middle + i]!;
    // What all columns share is a veil, or another belt: nothing that lies across.
    for (let channel = 0; channel < 3; channel++) {
      for (let col = 0; col < cols; col++) ratios[col] = out[col * 3 + channel]!;
      ratios.sort();
      const shared = ratios[cols >> 1]!;
      for (let i = channel; i < out.length; i += 3) out[i]! -= shared;
    }
  }
}

/** The one nearer to 0 of two that lie on one side of it, else 0. */
function nearer(a: number, b: number): number {
  if (a * b <= 0) return 0;
  return Math.abs(a) < Math.abs(b) ? a : b;
}
