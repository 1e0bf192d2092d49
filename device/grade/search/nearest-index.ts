import { ABREAST, PAIR, SCALE } from "../../kernels/scan.ts";
import type { ReferenceViews } from "../references.ts";
import { intoTiles, TILE } from "../tiles.ts";
import { fitShortBasis, SHORT, type ShortBasis, shorten } from "./short-rows.ts";

/*
 * What makes a search quick without an error: short rows of all references, in tiles of alike ones.
 */

/** Fewer references are compared faster one by one. */
const MIN_ROWS = 1500;

/** In the place of a row: there is none. */
export const NOBODY = -1;

/** Leaves of one grade lie together. */
export interface GradeTiles {
  /** First group of the grade's tiles' middles. */
  readonly middles: number;
  readonly middleGroups: number;
  readonly firstTile: number;
  readonly tiles: number;
}

/** What a search needs to know of the references, in numbers alone: it may be made in another thread. */
export interface NearestIndex {
  readonly basis: ShortBasis;
  /** Short rows, TILE by TILE, in the kernel's order and parts. */
  readonly rows: Int16Array;
  /** (tiles * TILE) which reference each short row is, or NOBODY. */
  readonly rowOf: Int32Array;
  /** Short middles of the tiles, in the kernel's order and parts; each grade begins with a new group. */
  readonly middles: Int16Array;
  /** (tiles) the farthest row of each tile from its middle, whole rows. */
  readonly radius: Float64Array;
  /** (tiles) squared lengths of the middles, whole. */
  readonly square: Float64Array;
  readonly grades: readonly GradeTiles[];
}

/** @returns undefined where looking at every reference is as fast: few of them, or spread in all directions */
export function indexOf(references: Omit<ReferenceViews, "index">): NearestIndex | undefined {
  if (references.count < MIN_ROWS) return undefined;
  const basis = fitShortBasis(references);
  if (basis === undefined) return undefined;
  const { rows, dimension, grades: gradeCount } = references;
  const shorts = shortRows(references, basis);
  const orders = Array.from({ length: gradeCount }, (_, grade) => inLeaves(references, shorts, grade));
  const tileCounts = orders.map(({ length }) => Math.ceil(length / TILE));
  const middleGroups = tileCounts.map((count) => Math.ceil(count / ABREAST));
  const tiles = sum(tileCounts, gradeCount);
  const index = {
    basis,
    rows: new Int16Array(tiles * TILE * SHORT),
    rowOf: new Int32Array(tiles * TILE).fill(NOBODY),
    middles: new Int16Array(sum(middleGroups, gradeCount) * ABREAST * SHORT),
    radius: new Float64Array(tiles),
    square: new Float64Array(tiles),
    grades: orders.map((_, grade) => ({
      middles: sum(middleGroups, grade),
      middleGroups: middleGroups[grade]!,
      firstTile: sum(tileCounts, grade),
      tiles: tileCounts[grade]!,
    })),
  };
  const short = new Float32Array(SHORT);
  const middle = new Float64Array(dimension);
  for (const [grade, order] of orders.entries()) {
    const { firstTile, middles } = index.grades[grade]!;
    for (let tile = 0; tile < tileCounts[grade]!; tile++) {
      const members = order.subarray(tile * TILE, (tile + 1) * TILE);
      for (const [place, row] of members.entries()) {
        const at = (firstTile + tile) * TILE + place;
        index.rowOf[at] = row;
        lay(shorts.subarray(row * SHORT, (row + 1) * SHORT), index.rows, at);
      }
      index.radius[firstTile + tile] = middleOf(rows, dimension, members, middle);
      index.square[firstTile + tile] = middle.reduce((total, value) => total + value * value, 0);
      shorten(middle, 0, basis, short);
      lay(short, index.middles, middles * ABREAST + tile);
    }
  }
  return index;
}

/** (count, SHORT) */
function shortRows({ rows, count }: Omit<ReferenceViews, "index">, basis: ShortBasis): Float32Array {
  const shorts = new Float32Array(count * SHORT);
  for (let row = 0; row < count; row++) shorten(rows, row, basis, shorts.subarray(row * SHORT, (row + 1) * SHORT));
  return shorts;
}

/** The rows of a grade, tile after tile: alike where it shows most. */
function inLeaves({ gradeOf, count }: Omit<ReferenceViews, "index">, shorts: Float32Array, grade: number): Uint32Array {
  const chosen = Uint32Array.from({ length: count }, (_, row) => row).filter((row) => gradeOf[row] === grade);
  intoTiles(shorts, SHORT, chosen);
  return chosen;
}

/** @param at place among all rows */
function lay(short: Float32Array, rows: Int16Array, at: number): void {
  const column = at % ABREAST;
  const group = (at - column) * SHORT;
  for (let c = 0; c < SHORT; c++) {
    rows[group + (c - (c % PAIR)) * ABREAST + column * PAIR + (c % PAIR)] = Math.round(short[c]! * SCALE);
  }
}

/** @param middle (dimension) the mean of the rows, written in place @returns how far from it the farthest of them is */
function middleOf(rows: Float32Array, dimension: number, members: Uint32Array, middle: Float64Array): number {
  middle.fill(0);
  for (const row of members) {
    for (let d = 0; d < dimension; d++) middle[d]! += rows[row * dimension + d]! / members.length;
  }
  let farthest = 0;
  for (const row of members) {
    let square = 0;
    for (let d = 0; d < dimension; d++) square += (rows[row * dimension + d]! - middle[d]!) ** 2;
    farthest = Math.max(farthest, square);
  }
  return Math.sqrt(farthest);
}

/** Of the first `count` values. */
function sum(values: readonly number[], count: number): number {
  return values.slice(0, count).reduce((total, value) => total + value, 0);
}
