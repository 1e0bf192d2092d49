import type { Grid } from "./grid.ts";

/** At each edge of the lane two strips of so many rows of cells are asked, and the share of its width in which they lie. */
const ROWS = 2;
const EDGE_SHARE = 0.1;
/** What differs by fewer grey levels in all, is left to the rest. */
const LEAST = 14;

type Strip = Float32Array;

/**
 * What lies across the whole lane: joints, cleats, rollers and the gaps between them. Fruit hardly ever lie at both
 * edges of a lane at one place along it, so what both edges show there the lane shows all across. Each edge is asked
 * twice: where two fruit lie abreast, what reaches the edges, their shadows, falls off towards them. It is taken out of the
 * cells, and what is left is a plain belt with fruit on it.
 */
export class Cross {
  /** By how much each column of cells differs from the background, (cols * 3) grey levels. */
  readonly delta: Float32Array;
  /** Whether any does in the last frame. */
  found = false;
  readonly #grid: Grid;
  /** By how much each column of each strip differs. */
  readonly #strips: readonly Float32Array[];
  readonly #ratios: Float32Array;

  constructor(grid: Grid) {
    this.#grid = grid;
    this.delta = new Float32Array(grid.cols * 3);
    this.#strips = Array.from({ length: 4 }, () => new Float32Array(grid.cols * 3));
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
    const [outerTop, innerTop, innerBottom, outerBottom] = this.#strips as [Strip, Strip, Strip, Strip];
    const size = Math.min(ROWS, edge);
    this.#compare(cells, colour, 0, size, outerTop);
    this.#compare(cells, colour, edge - size, edge, innerTop);
    this.#compare(cells, colour, rows - edge, rows - edge + size, innerBottom);
    this.#compare(cells, colour, rows - size, rows, outerBottom);
    const least = (i: number): number =>
      nearer(nearer(outerTop[i]!, innerTop[i]!), nearer(innerBottom[i]!, outerBottom[i]!));
    const delta = this.delta;
    for (let col = 0, i = 0; col < cols; col++, i += 3) {
      const r = least(i);
      const g = least(i + 1);
      const b = least(i + 2);
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
    const ratios = this.#ratios;
    out.fill(0);
    ratios.fill(0);
    let count = 0;
    for (let row = from; row < to; row++, count++) {
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
