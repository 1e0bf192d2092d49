import type { Grid } from "./grid.ts";

/** Bins of each of the two chromaticities r/(r+g+b), g/(r+g+b), over 0..1. */
const BINS = 50;
/** Cells darker than this have no colour to speak of: they go by a bin of their own. */
const DARK = 24;
/** A picture has so large a share of cells that are not dark, or nothing is to be seen in it: noise has a few. */
const LEAST_LIT = 0.01;
/** Rows at the lane's edges, where fruit hardly ever lie, count so much more. */
const EDGE_WEIGHT = 4;
const EDGE_SHARE = 0.1;
/** Distance from the belt's line of colours within which a cell is belt in this first guess, grey levels. */
const NEAR = 12;

/** What the empty belt looks like, guessed from one frame. */
export interface BeltColour {
  /** Unit vector: the belt under more or less light lies along it. */
  readonly r: number;
  readonly g: number;
  readonly b: number;
  /** Usual length along it, grey levels. */
  readonly level: number;
}

/**
 * Finds the belt's colour in a frame that may be half full of fruit: the commonest chromaticity, cells at the lane's
 * edges counting more. Runs once at a start, so it may allocate.
 *
 * @param cells (rows * cols * 3)
 * @returns undefined where the picture is too dark to say
 */
export function findBeltColour(grid: Grid, cells: Float32Array): BeltColour | undefined {
  const { cols, rows } = grid;
  const histogram = new Float32Array(BINS * BINS);
  let dark = 0;
  let total = 0;
  let lit = 0;
  for (let row = 0, at = 0; row < rows; row++) {
    const share = Math.min(row, rows - 1 - row) / rows;
    const weight = share < EDGE_SHARE ? EDGE_WEIGHT : 1;
    for (let col = 0; col < cols; col++, at += 3) {
      const sum = cells[at]! + cells[at + 1]! + cells[at + 2]!;
      total += weight;
      if (sum < DARK) {
        dark += weight;
        continue;
      }
      lit++;
      histogram[bin(cells[at]! / sum) * BINS + bin(cells[at + 1]! / sum)]! += weight;
    }
  }
  if (lit < LEAST_LIT * rows * cols) return undefined;
  const peak = smoothedPeak(histogram);
  if (dark > total / 2 || peak < 0) return { r: Math.SQRT1_2, g: 0.5, b: 0.5, level: DARK / 2 };
  const cr = (Math.floor(peak / BINS) + 0.5) / BINS;
  const cg = ((peak % BINS) + 0.5) / BINS;
  let colour = direction(cr, cg, 1 - cr - cg);
  // The peak is as coarse as the bins; two rounds of averaging what lies near make it fine.
  for (let round = 0; round < 2; round++) colour = refine(cells, colour);
  return { ...colour, level: medianLevel(cells, colour) };
}

/** Squared distance of a colour from a line through black. */
export function awayFrom(colour: Pick<BeltColour, "r" | "g" | "b">, r: number, g: number, b: number): number {
  const along = r * colour.r + g * colour.g + b * colour.b;
  return r * r + g * g + b * b - along * along;
}

function bin(share: number): number {
  return Math.min(BINS - 1, Math.floor(share * BINS));
}

function smoothedPeak(histogram: Float32Array): number {
  let best = -1;
  let most = 0;
  for (let i = 1; i < BINS - 1; i++) {
    for (let j = 1; j < BINS - 1; j++) {
      const at = i * BINS + j;
      let sum = histogram[at]!;
      for (const step of [-BINS - 1, -BINS, -BINS + 1, -1, 1, BINS - 1, BINS, BINS + 1]) sum += histogram[at + step]!;
      if (sum > most || (sum === most && best >= 0 && histogram[at]! > histogram[best]!)) {
        most = sum;
        best = at;
      }
    }
  }
  return best;
}

function direction(r: number, g: number, b: number): { r: number; g: number; b: number } {
  const length = Math.hypot(r, g, b) || 1;
  return { r: r / length, g: g / length, b: b / length };
}

function refine(cells: Float32Array, colour: Pick<BeltColour, "r" | "g" | "b">): { r: number; g: number; b: number } {
  let r = 0;
  let g = 0;
  let b = 0;
  for (let at = 0; at < cells.length; at += 3) {
    if (awayFrom(colour, cells[at]!, cells[at + 1]!, cells[at + 2]!) > NEAR * NEAR) continue;
    r += cells[at]!;
    g += cells[at + 1]!;
    b += cells[at + 2]!;
  }
  return r + g + b === 0 ? colour : direction(r, g, b);
}

function medianLevel(cells: Float32Array, colour: Pick<BeltColour, "r" | "g" | "b">): number {
  const histogram = new Uint32Array(445);
  let count = 0;
  for (let at = 0; at < cells.length; at += 3) {
    const [r, g, b] = [cells[at]!, cells[at + 1]!, cells[at + 2]!];
    if (awayFrom(colour, r, g, b) > NEAR * NEAR) continue;
    histogram[Math.floor(r * colour.r + g * colour.g + b * colour.b)]!++;
    count++;
  }
  let seen = 0;
  for (const [level, cellsThere] of histogram.entries()) {
    seen += cellsThere;
    if (seen * 2 >= count) return level + 0.5;
  }
  return DARK;
}
