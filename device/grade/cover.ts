import { nearestByLabel } from "./distance.ts";
import type { ReferenceViews } from "./references.ts";

/**
 * The item rule "cover every view".
 *
 * A reject looks sound from its clean side, so an item is as good as its worst views: it has a grade when the
 * references of that grade and all better ones cover its views. A view is covered when such a reference is near, and
 * none that is seen only on worse items is nearer. A few views may stay uncovered, for a smear or a stem.
 */
export interface CoverRule {
  /** (count) best grade that each reference view looks like: the clean side of a reject counts as sound. */
  readonly labels: Uint8Array;
  /** (grades) distance within which references of the grade and better cover a view. */
  readonly reach: Float64Array;
  /** (grades) largest strain at which an item still has the grade; 1 says that its views are just covered. */
  readonly limit: Float64Array;
  /** Share of an item's views that may stay uncovered. */
  readonly spare: number;
}

/** How an item lies to the grades; arrays are used again from item to item. */
export interface Fit {
  /** (grades) distance of the deciding view to the references of the grade and better, 0..2. */
  readonly distance: Float64Array;
  /** (grades) strain: of the deciding view, its distance by the reach, or by that to worse references where larger. */
  readonly strain: Float64Array;
  /** (grades) index of the deciding view. */
  readonly view: Int32Array;
}

/** Scratch for items of at most `capacity` views; grows by making another one. */
export class CoverScratch {
  readonly capacity: number;
  readonly nearest: Float64Array;
  /** (grades, capacity). */
  readonly strains: Float64Array;
  readonly distances: Float64Array;
  readonly order: Float64Array;
  readonly fit: Fit;

  constructor(grades: number, capacity: number) {
    this.capacity = capacity;
    this.nearest = new Float64Array(grades);
    this.strains = new Float64Array(grades * capacity);
    this.distances = new Float64Array(grades * capacity);
    this.order = new Float64Array(capacity);
    this.fit = {
      distance: new Float64Array(grades),
      strain: new Float64Array(grades),
      view: new Int32Array(grades),
    };
  }
}

/**
 * @param embeddings (count, dimension) row-major, unit rows
 * @param count 1..scratch.capacity
 * @param leaveOut item of the references that does not count, or NO_ITEM
 * @returns the scratch's own fit, good until the next call
 */
export function coverItem(
  embeddings: Float32Array,
  count: number,
  references: ReferenceViews,
  rule: Pick<CoverRule, "labels" | "reach" | "spare">,
  leaveOut: number,
  scratch: CoverScratch,
): Fit {
  const { grades, dimension } = references;
  const { nearest, strains, distances, order, capacity, fit } = scratch;
  for (let v = 0; v < count; v++) {
    nearestByLabel(embeddings, v * dimension, references, rule.labels, leaveOut, nearest);
    let worse = Number.POSITIVE_INFINITY;
    for (let g = grades - 1; g >= 0; g--) {
      // From the worst grade up: what is seen on worse items only.
      strains[g * capacity + v] = worse;
      worse = Math.min(worse, nearest[g]!);
    }
    let better = Number.POSITIVE_INFINITY;
    for (let g = 0; g < grades; g++) {
      better = Math.min(better, nearest[g]!);
      const at = g * capacity + v;
      distances[at] = better;
      const worseThanG = strains[at]!;
      // Nothing of this grade or better is left to compare with: infinitely far, and not the quotient of two infinities.
      strains[at] = Number.isFinite(better) ? Math.max(better / rule.reach[g]!, better / worseThanG) : better;
    }
  }
  const spared = Math.floor(rule.spare * count);
  for (let g = 0; g < grades; g++) {
    const from = g * capacity;
    for (let v = 0; v < count; v++) order[v] = strains[from + v]!;
    const strain = order.subarray(0, count).sort()[count - 1 - spared]!;
    let view = 0;
    while (strains[from + view] !== strain) view++;
    fit.strain[g] = strain;
    fit.distance[g] = distances[from + view]!;
    fit.view[g] = view;
  }
  return fit;
}
