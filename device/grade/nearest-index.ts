import { intoLeaves, LEAF } from "./leaves.ts";
import type { ReferenceViews } from "./references.ts";
import { ABREAST, FIND, makeScanKernel, type ScanKernel } from "./scan.ts";
import { fitShortBasis, SHORT, type ShortBasis, shorten } from "./short-rows.ts";

/*
 * The nearest reference of each grade without looking at most of them, and without an error: leaves of alike rows are
 * passed over by their middle and radius, single rows by their short rows; only what is left is compared whole.
 */

/** Fewer references are compared faster one by one. */
const MIN_ROWS = 1500;
/** What rounding may take from a bound. */
const SLACK = 1e-5;
const GROUPS_OF_LEAF = LEAF / ABREAST;
const NOBODY = -1;

/** Leaves of one grade lie together. */
interface GradeLeaves {
  /** First group of the grade's leaves' middles. */
  readonly middles: number;
  readonly middleGroups: number;
  readonly firstLeaf: number;
  readonly leaves: number;
}

/** What a search needs to know of the references, in numbers alone: it may be made in another thread. */
export interface NearestIndex {
  readonly basis: ShortBasis;
  /** Short rows, LEAF by LEAF, in the kernel's order. */
  readonly rows: Float32Array;
  /** (leaves * LEAF) which reference each short row is, or NOBODY. */
  readonly rowOf: Int32Array;
  /** Short middles of the leaves, in the kernel's order; each grade begins with a new group. */
  readonly middles: Float32Array;
  /** (leaves) the farthest row of each leaf from its middle, whole rows. */
  readonly radius: Float64Array;
  /** (leaves) squared lengths of the middles, whole. */
  readonly square: Float64Array;
  readonly grades: readonly GradeLeaves[];
}

/** @returns undefined where looking at every reference is as fast: few of them, or spread in all directions */
export function indexOf(references: Omit<ReferenceViews, "index">): NearestIndex | undefined {
  if (references.count < MIN_ROWS) return undefined;
  const basis = fitShortBasis(references);
  if (basis === undefined) return undefined;
  const { rows, dimension, grades: gradeCount } = references;
  const shorts = shortRows(references, basis);
  const orders = Array.from({ length: gradeCount }, (_, grade) => inLeaves(references, shorts, grade));
  const leafCounts = orders.map(({ length }) => Math.ceil(length / LEAF));
  const middleGroups = leafCounts.map((count) => Math.ceil(count / ABREAST));
  const leaves = sum(leafCounts, gradeCount);
  const index = {
    basis,
    rows: new Float32Array(leaves * LEAF * SHORT),
    rowOf: new Int32Array(leaves * LEAF).fill(NOBODY),
    middles: new Float32Array(sum(middleGroups, gradeCount) * ABREAST * SHORT),
    radius: new Float64Array(leaves),
    square: new Float64Array(leaves),
    grades: orders.map((_, grade) => ({
      middles: sum(middleGroups, grade),
      middleGroups: middleGroups[grade]!,
      firstLeaf: sum(leafCounts, grade),
      leaves: leafCounts[grade]!,
    })),
  };
  const short = new Float32Array(SHORT);
  const middle = new Float64Array(dimension);
  for (const [grade, order] of orders.entries()) {
    const { firstLeaf, middles } = index.grades[grade]!;
    for (let leaf = 0; leaf < leafCounts[grade]!; leaf++) {
      const members = order.subarray(leaf * LEAF, (leaf + 1) * LEAF);
      for (const [place, row] of members.entries()) {
        const at = (firstLeaf + leaf) * LEAF + place;
        index.rowOf[at] = row;
        lay(shorts.subarray(row * SHORT, (row + 1) * SHORT), index.rows, at);
      }
      index.radius[firstLeaf + leaf] = middleOf(rows, dimension, members, middle);
      index.square[firstLeaf + leaf] = middle.reduce((total, value) => total + value * value, 0);
      shorten(middle, 0, basis, short);
      lay(short, index.middles, middles * ABREAST + leaf);
    }
  }
  return index;
}

/** Made once per index; searching allocates nothing. */
export class NearestSearch {
  readonly #references: ReferenceViews;
  readonly #basis: ShortBasis;
  readonly #rows: ScanKernel;
  readonly #rowOf: Int32Array;
  readonly #middles: ScanKernel;
  readonly #radius: Float64Array;
  readonly #square: Float64Array;
  readonly #grades: readonly GradeLeaves[];
  /** (leaves of a grade) lower bounds of the squared distance to the middle. */
  readonly #away: Float64Array;
  /** (views, SHORT) of the item that is searched for; grows with it. */
  #queries = new Float32Array(0);

  constructor(references: ReferenceViews, index: NearestIndex) {
    this.#references = references;
    this.#basis = index.basis;
    this.#rows = kernelOf(index.rows);
    this.#rowOf = index.rowOf;
    this.#middles = kernelOf(index.middles);
    this.#radius = index.radius;
    this.#square = index.square;
    this.#grades = index.grades;
    this.#away = new Float64Array(Math.max(1, ...index.grades.map(({ leaves }) => leaves)));
  }

  /**
   * As `nearestByGrade`, but dot products.
   *
   * @param out (count, grades) the largest dot product of each view with each grade, written in place; -2 without any
   */
  largestDots(embeddings: Float32Array, count: number, leaveOut: number, out: Float64Array): void {
    const { grades } = this.#references;
    if (this.#queries.length < count * SHORT) this.#queries = new Float32Array(count * SHORT * 2);
    for (let view = 0; view < count; view++) {
      shorten(embeddings, view, this.#basis, this.#queries.subarray(view * SHORT, (view + 1) * SHORT));
    }
    // Grade by grade: the short rows of one may stay in the processor's cache from view to view.
    for (let grade = 0; grade < grades; grade++) {
      let before = NOBODY;
      for (let view = 0; view < count; view++) {
        before = this.#search(embeddings, view, grade, leaveOut, before);
        out[view * grades + grade] = this.#dot(embeddings, view, before, leaveOut);
      }
    }
  }

  /**
   * @param before the row found for another view of the item, which is often near this one too, or NOBODY
   * @returns the row with the largest dot product, or NOBODY
   */
  #search(embeddings: Float32Array, view: number, grade: number, leaveOut: number, before: number): number {
    const { firstLeaf, leaves } = this.#grades[grade]!;
    if (leaves === 0) return NOBODY;
    const asked = this.#queries.subarray(view * SHORT, (view + 1) * SHORT);
    const likely = this.#measureLeaves(asked, grade);
    const rowOf = this.#rowOf;
    const { list, dots, finds, query } = this.#rows;
    query.set(asked);
    for (let g = 0; g < GROUPS_OF_LEAF; g++) list[g] = (firstLeaf + likely) * GROUPS_OF_LEAF + g;
    const probe = this.#largestFind(this.#rows.run(GROUPS_OF_LEAF, -2));
    let found = before;
    let best = this.#dot(embeddings, view, before, leaveOut);
    if (probe !== NOBODY) {
      const dot = this.#dot(embeddings, view, rowOf[probe]!, leaveOut);
      if (dot > best) {
        best = dot;
        found = rowOf[probe]!;
      }
    }
    // Also for a view that is no number: it is near nothing.
    if (!(best > -2)) {
      best = -2;
      found = NOBODY;
    }
    // No row of a leaf is nearer than its middle is, less the radius.
    const reach = found === NOBODY ? Number.POSITIVE_INFINITY : Math.sqrt(Math.max(0, 2 - 2 * best)) + SLACK;
    const hits = this.#rows.run(this.#listLeaves(grade, reach), best - SLACK);
    // The most promising first: what it is rules out most of the others.
    const promising = this.#largestFind(hits);
    if (promising !== NOBODY) {
      const dot = this.#dot(embeddings, view, rowOf[promising]!, leaveOut);
      if (dot > best) {
        best = dot;
        found = rowOf[promising]!;
      }
    }
    for (let hit = 0; hit < hits; hit++) {
      const from = finds[hit * FIND + ABREAST]! * ABREAST;
      for (let lane = 0; lane < ABREAST; lane++) {
        if (!(dots[hit * FIND + lane]! >= best - SLACK)) continue;
        const dot = this.#dot(embeddings, view, rowOf[from + lane]!, leaveOut);
        if (dot > best) {
          best = dot;
          found = rowOf[from + lane]!;
        }
      }
    }
    return found;
  }

  /** @param hits of the last run @returns the place of the short row with the largest dot product, or NOBODY */
  #largestFind(hits: number): number {
    const { dots, finds } = this.#rows;
    let most = Number.NEGATIVE_INFINITY;
    let place = NOBODY;
    for (let hit = 0; hit < hits; hit++) {
      for (let lane = 0; lane < ABREAST; lane++) {
        if (!(dots[hit * FIND + lane]! > most)) continue;
        most = dots[hit * FIND + lane]!;
        place = finds[hit * FIND + ABREAST]! * ABREAST + lane;
      }
    }
    return place;
  }

  /** Puts the groups of all leaves within reach on the list. @returns how many groups */
  #listLeaves(grade: number, reach: number): number {
    const { firstLeaf, leaves } = this.#grades[grade]!;
    const { list } = this.#rows;
    const away = this.#away;
    const radius = this.#radius;
    let groups = 0;
    for (let leaf = 0; leaf < leaves; leaf++) {
      const limit = reach + radius[firstLeaf + leaf]!;
      if (away[leaf]! > limit * limit) continue;
      const group = (firstLeaf + leaf) * GROUPS_OF_LEAF;
      for (let g = 0; g < GROUPS_OF_LEAF; g++) list[groups + g] = group + g;
      groups += GROUPS_OF_LEAF;
    }
    return groups;
  }

  /** How far the middles of a grade's leaves are at least, squared. @returns the leaf whose middle is nearest */
  #measureLeaves(query: Float32Array, grade: number): number {
    const { middles, middleGroups, firstLeaf, leaves } = this.#grades[grade]!;
    const { list, dots } = this.#middles;
    const square = this.#square;
    const aways = this.#away;
    for (let g = 0; g < middleGroups; g++) list[g] = middles + g;
    this.#middles.query.set(query);
    // Below every dot product: each group is a find, in order.
    const groups = this.#middles.run(middleGroups, Number.NEGATIVE_INFINITY);
    let likely = 0;
    let least = Number.POSITIVE_INFINITY;
    for (let leaf = 0; leaf < leaves; leaf++) {
      const group = leaf >> 2;
      // A view that is no number finds no group, and is near nothing.
      const dot = group < groups ? dots[group * FIND + (leaf & 3)]! : Number.NEGATIVE_INFINITY;
      const away = 1 + square[firstLeaf + leaf]! - 2 * dot;
      aways[leaf] = away;
      if (away < least) [least, likely] = [away, leaf];
    }
    return likely;
  }

  /** -2 for nobody and for what is left out. */
  #dot(embeddings: Float32Array, view: number, row: number, leaveOut: number): number {
    const { rows, dimension, itemOf } = this.#references;
    if (row === NOBODY || itemOf[row] === leaveOut) return -2;
    const [a, b] = [view * dimension, row * dimension];
    let even = 0;
    let odd = 0;
    // Two sums: one alone waits for each addition to end.
    let d = 0;
    for (; d + 1 < dimension; d += 2) {
      even += embeddings[a + d]! * rows[b + d]!;
      odd += embeddings[a + d + 1]! * rows[b + d + 1]!;
    }
    return d < dimension ? even + odd + embeddings[a + d]! * rows[b + d]! : even + odd;
  }
}

function kernelOf(rows: Float32Array): ScanKernel {
  const kernel = makeScanKernel(Math.max(1, rows.length / ABREAST / SHORT), SHORT);
  kernel.rows.set(rows);
  return kernel;
}

/** (count, SHORT) */
function shortRows({ rows, count }: Omit<ReferenceViews, "index">, basis: ShortBasis): Float32Array {
  const shorts = new Float32Array(count * SHORT);
  for (let row = 0; row < count; row++) shorten(rows, row, basis, shorts.subarray(row * SHORT, (row + 1) * SHORT));
  return shorts;
}

/** The rows of a grade, leaf after leaf: alike where it shows most. */
function inLeaves({ gradeOf, count }: Omit<ReferenceViews, "index">, shorts: Float32Array, grade: number): Uint32Array {
  const chosen = Uint32Array.from({ length: count }, (_, row) => row).filter((row) => gradeOf[row] === grade);
  intoLeaves(shorts, SHORT, chosen);
  return chosen;
}

/** @param at place among all rows */
function lay(short: Float32Array, rows: Float32Array, at: number): void {
  const group = (at - (at % ABREAST)) * SHORT + (at % ABREAST);
  for (let c = 0; c < SHORT; c++) rows[group + c * ABREAST] = short[c]!;
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
