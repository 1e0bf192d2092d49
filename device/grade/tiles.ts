/*
 * Puts alike rows into tiles of equal size, so that what can be said of a tile can be said of all its rows.
 */

/** Rows of a tile; the last of each grade may have fewer. */
export const TILE = 64;

/**
 * Halves the rows across their widest extent until each part is a tile.
 *
 * @param rows (any, dimension) row-major
 * @param chosen which rows; put into a new order in place: rows 0..TILE-1 of it are the first tile, and so on
 */
export function intoTiles(rows: Float32Array, dimension: number, chosen: Uint32Array): void {
  if (chosen.length <= TILE) return;
  const first = farthest(rows, dimension, chosen, chosen[0]!);
  const second = farthest(rows, dimension, chosen, first);
  const along = new Float64Array(chosen.length);
  for (const [index, row] of chosen.entries()) {
    let sum = 0;
    for (let d = 0; d < dimension; d++) {
      sum += rows[row * dimension + d]! * (rows[second * dimension + d]! - rows[first * dimension + d]!);
    }
    along[index] = sum;
  }
  const order = Uint32Array.from(along.keys()).sort((a, b) => along[a]! - along[b]! || a - b);
  chosen.set(order.map((index) => chosen[index]!));
  const half = Math.ceil(chosen.length / TILE / 2) * TILE;
  intoTiles(rows, dimension, chosen.subarray(0, half));
  intoTiles(rows, dimension, chosen.subarray(half));
}

/** The row that is farthest from a given one. */
function farthest(rows: Float32Array, dimension: number, chosen: Uint32Array, from: number): number {
  let found = from;
  let most = -1;
  for (const row of chosen) {
    let square = 0;
    for (let d = 0; d < dimension; d++) square += (rows[row * dimension + d]! - rows[from * dimension + d]!) ** 2;
    if (square > most) [found, most] = [row, square];
  }
  return found;
}
