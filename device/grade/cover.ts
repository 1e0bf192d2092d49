import type { ReferenceViews } from "./references.ts";
import { distanceOf, nearestByGrade, searchOf } from "./search/distance.ts";
import { type NearestSearch, NOTHING } from "./search/nearest-search.ts";

/*
 * The item rule "cover every view": an item belongs to a grade when the references of that grade and of all better ones
 * cover its views, that is, when each view has such a reference within a calibrated distance. A reject looks sound from
 * its clean side; its faulty side is what must be covered.
 */

/** Share of an item's views that may stay uncovered, for a smear or a stem. */
export const SPARE = 0.1;

/** How far an item is from the grades; arrays are used again from item to item. */
export interface Cover {
  /** (grades) distance of the worst view that counts to the references of the grade and better, 0..2 or Infinity. */
  readonly distance: Float64Array;
  /** (grades) index of that view. */
  readonly view: Int32Array;
}

/** Work space for items of at most `capacity` views. */
export class CoverSpace {
  readonly capacity: number;
  /** (capacity, grades). */
  readonly nearest: Float64Array;
  /** (capacity) distance of each view to the references of the grades looked at so far, or the dot product. */
  readonly best: Float64Array;
  /** (capacity) how many grades were searched through for each view. */
  readonly searched: Int32Array;
  readonly order: Float64Array;
  readonly cover: Cover;

  constructor(grades: number, capacity: number) {
    this.capacity = capacity;
    this.nearest = new Float64Array(capacity * grades);
    this.best = new Float64Array(capacity);
    this.searched = new Int32Array(capacity);
    this.order = new Float64Array(capacity);
    this.cover = { distance: new Float64Array(grades), view: new Int32Array(grades) };
  }
}

/**
 * @param embeddings (count, dimension) row-major, unit rows
 * @param count 1..space.capacity
 * @param leaveOut item of the references that does not count, or NO_ITEM
 * @returns the space's own cover, good until the next call
 */
export function coverItem(
  embeddings: Float32Array,
  count: number,
  references: ReferenceViews,
  leaveOut: number,
  space: CoverSpace,
): Cover {
  const search = searchOf(references);
  if (search !== undefined) {
    search.begin(embeddings, count, leaveOut);
    return coverBySearch(search, count, references.grades, space);
  }
  nearestByGrade(embeddings, count, references, leaveOut, space.nearest);
  return coverByAll(count, references.grades, space);
}

/** From the distances of all views to all grades. */
function coverByAll(count: number, grades: number, space: CoverSpace): Cover {
  const { nearest, best, order, cover } = space;
  best.fill(Number.POSITIVE_INFINITY, 0, count);
  for (let g = 0; g < grades; g++) {
    for (let v = 0; v < count; v++) best[v] = Math.min(best[v]!, nearest[v * grades + g]!);
    const worst = sorted(best, count, order)[count - 1 - sparedOf(count)]!;
    cover.distance[g] = worst;
    cover.view[g] = best.indexOf(worst);
  }
  return cover;
}

/**
 * Only the views that may be the worst are searched for: of most others a near reference is soon found, and it does not
 * matter how near the nearest is.
 */
function coverBySearch(search: NearestSearch, count: number, grades: number, space: CoverSpace): Cover {
  const { best: dots, searched, order, cover } = space;
  dots.fill(NOTHING, 0, count);
  searched.fill(0, 0, count);
  for (let g = 0; g < grades; g++) {
    for (let v = 0; v < count; v++) dots[v] = Math.max(dots[v]!, search.probe(v, g));
    let worst: number;
    for (;;) {
      worst = sorted(dots, count, order)[sparedOf(count)]!;
      const view = unsure(dots, searched, count, g, worst);
      if (view === undefined) break;
      for (; searched[view]! <= g; searched[view]!++) dots[view] = search.search(view, searched[view]!, dots[view]!);
    }
    cover.distance[g] = distanceOf(worst);
    cover.view[g] = dots.indexOf(worst);
  }
  return cover;
}

/** @returns the view that is farthest, of those not nearer than `worst` for whom nearer references may be left; or none */
function unsure(dots: Float64Array, searched: Int32Array, count: number, grade: number, worst: number) {
  let found: number | undefined;
  for (let v = 0; v < count; v++) {
    if (searched[v]! > grade || dots[v]! > worst) continue;
    if (found === undefined || dots[v]! < dots[found]!) found = v;
  }
  return found;
}

function sparedOf(count: number): number {
  return Math.floor(SPARE * count);
}

/** @param order work space @returns the first `count` values, ascending */
function sorted(values: Float64Array, count: number, order: Float64Array): Float64Array {
  for (let at = 0; at < count; at++) order[at] = values[at]!;
  return order.subarray(0, count).sort();
}
