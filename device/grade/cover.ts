import { nearestByGrade } from "./distance.ts";
import type { ReferenceViews } from "./references.ts";

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
  /** (grades, capacity). */
  readonly distances: Float64Array;
  readonly order: Float64Array;
  readonly cover: Cover;

  constructor(grades: number, capacity: number) {
    this.capacity = capacity;
    this.nearest = new Float64Array(capacity * grades);
    this.distances = new Float64Array(grades * capacity);
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
  const { grades } = references;
  const { nearest, distances, order, capacity, cover } = space;
  nearestByGrade(embeddings, count, references, leaveOut, nearest);
  for (let v = 0; v < count; v++) {
    let better = Number.POSITIVE_INFINITY;
    for (let g = 0; g < grades; g++) {
      better = Math.min(better, nearest[v * grades + g]!);
      distances[g * capacity + v] = better;
    }
  }
  const spared = Math.floor(SPARE * count);
  for (let g = 0; g < grades; g++) {
    const from = g * capacity;
    for (let v = 0; v < count; v++) order[v] = distances[from + v]!;
    const worst = order.subarray(0, count).sort()[count - 1 - spared]!;
    let view = 0;
    while (distances[from + view] !== worst) view++;
    cover.distance[g] = worst;
    cover.view[g] = view;
  }
  return cover;
}
