import type { Piece, PiecePool } from "./piece.ts";

/** A neck's height against what lies to both sides of it. */
const NECK = 0.75;

/**
 * Cuts off the sliver of a neighbour that is still, or already, in view at an end of the lane. Such a sliver is too
 * thin for the distances to the background to show it, but the heights of the columns next to the edge do: they fall
 * to the place where the fruit touch, then rise again.
 *
 * @param labels (rows * cols), 1 + the index of the piece; the sliver's cells get the label of a new piece
 * @param reach columns from the edge in which the neck is looked for
 * @param heights scratch, at least 3 * reach
 */
export function cutEdgeNeck(
  labels: Uint8Array,
  cols: number,
  pool: PiecePool,
  index: number,
  atLeft: boolean,
  reach: number,
  heights: Int32Array,
): void {
  const piece = pool.pieces[index]!;
  const length = Math.min(piece.right - piece.left, 3 * reach);
  const edge = atLeft ? 0 : cols - 1;
  const inward = atLeft ? 1 : -1;
  for (let i = 0; i < length; i++) {
    heights[i] = 0;
    for (let row = piece.top; row < piece.bottom; row++) {
      if (labels[row * cols + edge + i * inward] === index + 1) heights[i]!++;
    }
  }
  const neck = findNeck(heights, length, reach);
  // What is left must be long enough to be a fruit.
  if (neck < 0 || piece.right - piece.left - neck < reach) return;
  const sliver = pool.next();
  if (sliver === undefined) return;
  const columns = neck + 1;
  const from = atLeft ? 0 : cols - columns;
  relabel(labels, cols, piece, index + 1, pool.count, from, from + columns);
  sliver.split = true;
  piece.split = true;
  measure(labels, cols, sliver, pool.count, from, from + columns, piece.top, piece.bottom);
  const rest = atLeft ? [columns, piece.right] : [piece.left, from];
  measure(labels, cols, piece, index + 1, rest[0]!, rest[1]!, piece.top, piece.bottom);
}

/** The lowest column next to the edge with clearly higher ones to both sides; -1 for none. */
function findNeck(heights: Int32Array, length: number, reach: number): number {
  let outer = heights[0]!;
  for (let i = 1; i < Math.min(reach, length - 1); i++) {
    const here = heights[i]!;
    outer = Math.max(outer, heights[i - 1]!);
    if (here > NECK * outer || heights[i + 1]! <= here) continue;
    let inner = 0;
    for (let j = i + 1; j < length; j++) inner = Math.max(inner, heights[j]!);
    if (here <= NECK * inner) return i;
  }
  return -1;
}

function relabel(
  labels: Uint8Array,
  cols: number,
  piece: Piece,
  was: number,
  is: number,
  from: number,
  to: number,
): void {
  for (let row = piece.top; row < piece.bottom; row++) {
    for (let at = row * cols + from; at < row * cols + to; at++) if (labels[at] === was) labels[at] = is;
  }
}

/** Box and moments of the cells with a label inside a box. */
function measure(
  labels: Uint8Array,
  cols: number,
  piece: Piece,
  label: number,
  from: number,
  to: number,
  top: number,
  bottom: number,
): void {
  let area = 0;
  let sx = 0;
  let sy = 0;
  let sxx = 0;
  let sxy = 0;
  let syy = 0;
  piece.left = to;
  piece.right = from;
  piece.top = bottom;
  piece.bottom = top;
  for (let row = top; row < bottom; row++) {
    for (let col = from; col < to; col++) {
      if (labels[row * cols + col] !== label) continue;
      const x = col + 0.5;
      const y = row + 0.5;
      area++;
      sx += x;
      sy += y;
      sxx += x * x;
      sxy += x * y;
      syy += y * y;
      piece.left = Math.min(piece.left, col);
      piece.right = Math.max(piece.right, col + 1);
      piece.top = Math.min(piece.top, row);
      piece.bottom = row + 1;
    }
  }
  piece.setMoments(area, sx, sy, sxx, sxy, syy);
}
