import type { ReferenceViews } from "./references.ts";

/**
 * Nearest prototype of an item: its descriptor is the unit mean of its views, a grade's prototype the mean of its
 * items' descriptors; each component counts by how little it varies within the grades. What varies from fruit to fruit
 * of one grade, such as the variety, so counts for little.
 *
 * @see Snell, Swersky, Zemel 2017 (prototypes); Dudoit, Fridlyand, Speed 2002 (diagonal discriminant analysis)
 */
export interface Prototypes {
  readonly dimension: number;
  readonly grades: number;
  /** (grades, dimension). */
  readonly means: Float64Array;
  /** (dimension) one over the variance within grades, shrunk. */
  readonly weights: Float64Array;
}

/** Share of the mean variance that is added to each component's own: few items say little about each. */
const SHRINKAGE = 0.5;

/**
 * @param leaveOut item that does not count, or NO_ITEM
 */
export function fitPrototypes(references: ReferenceViews, leaveOut: number): Prototypes {
  const { dimension, grades, items, itemGrade } = references;
  const descriptors = itemDescriptors(references);
  const means = new Float64Array(grades * dimension);
  const counts = new Float64Array(grades);
  for (let item = 0; item < items; item++) {
    if (item === leaveOut) continue;
    const grade = itemGrade[item]!;
    counts[grade]!++;
    for (let d = 0; d < dimension; d++) means[grade * dimension + d]! += descriptors[item * dimension + d]!;
  }
  for (let g = 0; g < grades; g++) {
    // A grade left without an item is infinitely far from everything.
    for (let d = 0; d < dimension; d++) {
      means[g * dimension + d] = counts[g] === 0 ? Number.NaN : means[g * dimension + d]! / counts[g]!;
    }
  }
  const variance = new Float64Array(dimension);
  for (let item = 0; item < items; item++) {
    if (item === leaveOut) continue;
    const from = itemGrade[item]! * dimension;
    for (let d = 0; d < dimension; d++) variance[d]! += (descriptors[item * dimension + d]! - means[from + d]!) ** 2;
  }
  let mean = 0;
  for (const value of variance) mean += value / dimension;
  // One item per grade has no variance at all: every component then counts the same.
  const weights = variance.map((value) => (mean === 0 ? 1 : mean / (value + SHRINKAGE * mean)));
  return { dimension, grades, means, weights };
}

/**
 * @param embeddings (count, dimension) row-major
 * @param out (dimension) their mean, of unit length
 */
export function describeItem(embeddings: Float32Array, count: number, out: Float64Array): void {
  const dimension = out.length;
  out.fill(0);
  for (let v = 0, at = 0; v < count; v++) {
    for (let d = 0; d < dimension; d++, at++) out[d]! += embeddings[at]!;
  }
  let square = 0;
  for (let d = 0; d < dimension; d++) square += out[d]! ** 2;
  const length = Math.sqrt(square);
  // Views that cancel out have no direction; the zero vector is as far from every prototype.
  if (length > 0) for (let d = 0; d < dimension; d++) out[d]! /= length;
}

/**
 * @param descriptor (dimension) as {@link describeItem} gives it
 * @param out (grades) weighted squared distances, written in place; Infinity for a grade without items
 */
export function prototypeDistances(descriptor: Float64Array, prototypes: Prototypes, out: Float64Array): void {
  const { dimension, grades, means, weights } = prototypes;
  for (let g = 0; g < grades; g++) {
    let sum = 0;
    for (let d = 0; d < dimension; d++) sum += weights[d]! * (descriptor[d]! - means[g * dimension + d]!) ** 2;
    out[g] = Number.isNaN(sum) ? Number.POSITIVE_INFINITY : sum;
  }
}

function itemDescriptors(references: ReferenceViews): Float64Array {
  const { dimension, items, rows, count, itemOf } = references;
  const all = new Float64Array(items * dimension);
  for (let from = 0; from < count; ) {
    const item = itemOf[from]!;
    let to = from;
    while (to < count && itemOf[to] === item) to++;
    describeItem(
      rows.subarray(from * dimension, to * dimension),
      to - from,
      all.subarray(item * dimension, (item + 1) * dimension),
    );
    from = to;
  }
  return all;
}
