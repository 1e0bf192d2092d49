import { ABREAST, HIT, makeScanKernel, SCALE, type ScanKernel } from "../../kernels/scan.ts";
import type { ReferenceViews } from "../references.ts";
import { TILE } from "../tiles.ts";
import { type GradeTiles, type NearestIndex, NOBODY } from "./nearest-index.ts";
import { SHORT, type ShortBasis, shorten } from "./short-rows.ts";

/*
 * The nearest reference of each grade without looking at most of them, and without an error: tiles of alike rows are
 * passed over by their middle and radius, single rows by their short rows; only what is left is compared whole.
 */

/**
 * What rounding may take from a bound: of two unit rows with SHORT components, each off by half a part of SCALE at most,
 * 2 * sqrt(SHORT) / 2 / SCALE (Cauchy, Schwarz), and a little for single precision.
 */
const SLACK = Math.sqrt(SHORT) / SCALE + 1e-5;
/** One part of a dot product. */
const PART = 1 / SCALE ** 2;
/** Below every dot product in parts. */
const LEAST = -0x80000000;
const GROUPS_OF_TILE = TILE / ABREAST;
/** The tiles that are looked at first: the better what they hold, the fewer of the others are left. */
const PROBED = 2;
/** In the place of a length: the view is no number, and near nothing. */
const NO_NUMBER = -1;
/** Less than every dot product. */
export const NOTHING = -2;

/** Made once per index; searching allocates nothing. */
export class NearestSearch {
  readonly #references: ReferenceViews;
  readonly #basis: ShortBasis;
  readonly #rows: ScanKernel;
  readonly #rowOf: Int32Array;
  readonly #middles: ScanKernel;
  readonly #radius: Float64Array;
  readonly #square: Float64Array;
  readonly #grades: readonly GradeTiles[];
  /** (tiles of a grade) lower bounds of the squared distance to the middle. */
  readonly #away: Float64Array;
  /** (views, SHORT) of the item that is searched for, in the kernel's parts; grows with it. */
  #queries = new Int16Array(0);
  readonly #short = new Float32Array(SHORT);
  /** (grades) the row that was nearest to the view asked for last: often near another view of the same item, too. */
  readonly #last: Int32Array;
  #embeddings: Float32Array = new Float32Array(0);
  #count = 0;
  #leaveOut = 0;
  /** What the search has found so far. */
  #found = NOBODY;
  #best = NOTHING;

  constructor(references: ReferenceViews, index: NearestIndex) {
    this.#references = references;
    this.#basis = index.basis;
    this.#rows = kernelOf(index.rows);
    this.#rowOf = index.rowOf;
    this.#middles = kernelOf(index.middles);
    this.#radius = index.radius;
    this.#square = index.square;
    this.#grades = index.grades;
    this.#last = new Int32Array(index.grades.length);
    this.#away = new Float64Array(Math.max(1, ...index.grades.map(({ tiles }) => tiles)));
  }

  /**
   * The item that is asked about until the next one.
   *
   * @param embeddings (count, dimension) row-major, unit rows
   * @param leaveOut item whose views do not count, or NO_ITEM
   */
  begin(embeddings: Float32Array, count: number, leaveOut: number): void {
    this.#embeddings = embeddings;
    this.#count = count;
    this.#leaveOut = leaveOut;
    this.#last.fill(NOBODY);
    if (this.#queries.length < count * SHORT) this.#queries = new Int16Array(count * SHORT * 2);
    for (let view = 0; view < count; view++) {
      shorten(embeddings, view, this.#basis, this.#short);
      for (let c = 0; c < SHORT; c++) this.#queries[view * SHORT + c] = Math.round(this.#short[c]! * SCALE);
      if (!(this.#short[SHORT - 1]! >= 0)) this.#queries[view * SHORT + SHORT - 1] = NO_NUMBER;
    }
  }

  /** @returns a dot product of the view with a reference of the grade, often nearly the largest; NOTHING without any */
  probe(view: number, grade: number): number {
    this.#found = NOBODY;
    this.#best = NOTHING;
    if (this.#isNumber(view)) this.#probe(view, grade);
    return this.#best;
  }

  /**
   * @param atLeast smaller ones need not be found
   * @returns the largest dot product of the view with references of the grade, where it is more than `atLeast`; else that
   */
  search(view: number, grade: number, atLeast: number): number {
    this.#found = NOBODY;
    this.#best = atLeast;
    if (!this.#isNumber(view)) return atLeast;
    this.#probe(view, grade);
    const listed = this.#listTiles(grade);
    this.#takeHits(view, this.#rows.run(listed, GROUPS_OF_TILE, Math.floor((this.#best - SLACK) / PART)));
    if (this.#found !== NOBODY) this.#last[grade] = this.#found;
    return this.#best;
  }

  /**
   * As `nearestByGrade`, but dot products, of the item that was begun with.
   *
   * @param out (count, grades) the largest dot product of each view with each grade, written in place; NOTHING without any
   */
  largestDots(out: Float64Array): void {
    const grades = this.#grades.length;
    // Grade by grade: the short rows of one may stay in the processor's cache from view to view.
    for (let grade = 0; grade < grades; grade++) {
      for (let view = 0; view < this.#count; view++) out[view * grades + grade] = this.search(view, grade, NOTHING);
    }
  }

  #isNumber(view: number): boolean {
    return this.#queries[view * SHORT + SHORT - 1] !== NO_NUMBER;
  }

  #probe(view: number, grade: number): void {
    this.#consider(view, this.#last[grade]!);
    const probed = this.#probeTiles(view, grade);
    this.#ask(this.#rows, view);
    this.#takeHits(view, this.#rows.run(probed, GROUPS_OF_TILE, LEAST));
  }

  #consider(view: number, row: number): void {
    const dot = this.#dot(view, row);
    if (dot > this.#best) {
      this.#best = dot;
      this.#found = row;
    }
  }

  /** Compares the rows that the last run found, as far as they can still be the nearest. */
  #takeHits(view: number, count: number): void {
    const { hits } = this.#rows;
    const rowOf = this.#rowOf;
    // The most promising first: what it is rules out most of the others.
    let most = LEAST;
    let promising = NOBODY;
    for (let at = 0; at < count * HIT; at += HIT) {
      for (let part = 0; part < ABREAST; part++) {
        if (hits[at + part]! <= most) continue;
        most = hits[at + part]!;
        promising = hits[at + ABREAST]! * ABREAST + part;
      }
    }
    if (promising === NOBODY) return;
    this.#consider(view, rowOf[promising]!);
    for (let at = 0; at < count * HIT; at += HIT) {
      for (let part = 0; part < ABREAST; part++) {
        if (hits[at + part]! * PART < this.#best - SLACK) continue;
        this.#consider(view, rowOf[hits[at + ABREAST]! * ABREAST + part]!);
      }
    }
  }

  /** Puts on the list all tiles within reach of what was found. @returns how many */
  #listTiles(grade: number): number {
    const { firstTile, tiles } = this.#grades[grade]!;
    const { list } = this.#rows;
    const away = this.#away;
    const radius = this.#radius;
    // No row of a tile is nearer than its middle is, less the radius.
    const reach = Math.sqrt(Math.max(0, 2 - 2 * this.#best)) + SLACK;
    let listed = 0;
    for (let tile = 0; tile < tiles; tile++) {
      const limit = reach + radius[firstTile + tile]!;
      if (away[tile]! <= limit * limit) list[listed++] = (firstTile + tile) * GROUPS_OF_TILE;
    }
    return listed;
  }

  /** Notes how far the middles of a grade's tiles are at least, and puts the nearest on the list. @returns how many */
  #probeTiles(view: number, grade: number): number {
    const { middles, middleGroups, firstTile, tiles } = this.#grades[grade]!;
    const { list, hits } = this.#middles;
    const { list: probed } = this.#rows;
    const square = this.#square;
    const aways = this.#away;
    if (tiles === 0) return 0;
    list[0] = middles;
    this.#ask(this.#middles, view);
    // Below every dot product: each group is a find, in order.
    this.#middles.run(1, middleGroups, LEAST);
    let count = 0;
    for (let tile = 0; tile < tiles; tile++) {
      const away = 1 + square[firstTile + tile]! - 2 * (hits[(tile >> 2) * HIT + (tile & 3)]! * PART + SLACK);
      aways[tile] = away;
      if (count === PROBED && away >= aways[probed[PROBED - 1]!]!) continue;
      if (count < PROBED) count++;
      let place = count - 1;
      for (; place > 0 && away < aways[probed[place - 1]!]!; place--) probed[place] = probed[place - 1]!;
      probed[place] = tile;
    }
    for (let place = 0; place < count; place++) probed[place] = (firstTile + probed[place]!) * GROUPS_OF_TILE;
    return count;
  }

  #ask({ query }: ScanKernel, view: number): void {
    for (let c = 0; c < SHORT; c++) query[c] = this.#queries[view * SHORT + c]!;
  }

  /** NOTHING for nobody and for what is left out. */
  #dot(view: number, row: number): number {
    const { rows, dimension, itemOf } = this.#references;
    if (row === NOBODY || itemOf[row] === this.#leaveOut) return NOTHING;
    const embeddings = this.#embeddings;
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

function kernelOf(rows: Int16Array): ScanKernel {
  const kernel = makeScanKernel(Math.max(1, rows.length / ABREAST / SHORT), SHORT);
  kernel.rows.set(rows);
  return kernel;
}
