import { cholesky, invertLower, multiplyLower } from "./matrix.ts";
import { type ReferenceViews, viewsOfItem } from "./references.ts";

/**
 * Nearest prototype of an item: its descriptor is the unit mean of its views, a grade's prototype the mean of its
 * items' descriptors, and distances are taken in the space in which items vary alike in every direction within their
 * grades. What varies from fruit to fruit of one grade, such as the variety, so counts for little.
 *
 * @see Snell, Swersky, Zemel 2017 (prototypes); Friedman 1989, "Regularized discriminant analysis"
 */
export interface Prototypes {
  readonly dimension: number;
  readonly grades: number;
  /** (dimension, dimension) lower triangle, or (dimension) a diagonal: makes variation within grades alike. */
  readonly whitening: Float64Array;
  /** (grades, dimension) whitened; NaN for a grade without items. */
  readonly means: Float64Array;
  /** (dimension) work space. */
  readonly whitened: Float64Array;
}

/** Share of the mean variance that is added to each component's own: few items say little about each. */
const FLOOR = 0.2;
/** Longer embeddings are weighted component by component: their covariance would take seconds. */
const MAX_FULL = 512;

/**
 * The covariance within grades is shrunk towards its own diagonal, by the share D / (D + n) for n items beyond one per
 * grade: with few items each component is weighted by itself, with many also how they vary together is known.
 *
 * Measured as balanced accuracy of items not enrolled, against the diagonal alone, on two models: simulated line, all
 * items enrolled 0.80 and 0.91 (0.71 and 0.82), 10 per grade 0.72 and 0.84 (0.71 and 0.81); photographs of 163 apples
 * left out 0.99 and 0.98 (0.97 and 0.94), 10 per grade 0.96 and 0.94 (the same).
 */
export function fitPrototypes(references: ReferenceViews, { descriptors }: ItemDescriptors): Prototypes {
  const { dimension, grades, items, itemGrade } = references;
  const means = new Float64Array(grades * dimension);
  const counts = new Float64Array(grades);
  for (let item = 0; item < items; item++) {
    const grade = itemGrade[item]!;
    counts[grade]!++;
    for (let d = 0; d < dimension; d++) means[grade * dimension + d]! += descriptors[item * dimension + d]!;
  }
  for (let g = 0; g < grades; g++) {
    // A grade without an item is infinitely far from everything.
    for (let d = 0; d < dimension; d++) {
      means[g * dimension + d] = counts[g] === 0 ? Number.NaN : means[g * dimension + d]! / counts[g]!;
    }
  }
  const spread = new Float64Array(items * dimension);
  for (let item = 0; item < items; item++) {
    const from = itemGrade[item]! * dimension;
    for (let d = 0; d < dimension; d++) {
      spread[item * dimension + d] = descriptors[item * dimension + d]! - means[from + d]!;
    }
  }
  const free = items - counts.filter((count) => count > 0).length;
  const prototypes: Prototypes = {
    dimension,
    grades,
    whitening: whiteningOf(spread, items, dimension, free),
    means,
    whitened: new Float64Array(dimension),
  };
  for (let g = 0; g < grades; g++) {
    const mean = means.subarray(g * dimension, (g + 1) * dimension);
    whiten(mean, prototypes);
    mean.set(prototypes.whitened);
  }
  return prototypes;
}

/** What is known of the items of a gallery as wholes. */
export interface ItemDescriptors {
  /** (items, dimension) unit rows. */
  readonly descriptors: Float64Array;
  /** (items) length of the mean of the views, 0..1: 1 where they are all the same. */
  readonly lengths: Float64Array;
  /** (items) how many views each has. */
  readonly views: Int32Array;
}

/**
 * @param embeddings (count, dimension) row-major
 * @param out (dimension) their mean, of unit length
 * @returns length of their mean, 0..1
 */
export function describeItem(embeddings: Float32Array, count: number, out: Float64Array): number {
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
  return length / count;
}

export function describeItems(references: ReferenceViews): ItemDescriptors {
  const { dimension, items, rows } = references;
  const descriptors = new Float64Array(items * dimension);
  const lengths = new Float64Array(items);
  const views = new Int32Array(items);
  for (const [item, { from, count }] of viewsOfItem(references).entries()) {
    const own = rows.subarray(from * dimension, (from + count) * dimension);
    lengths[item] = describeItem(own, count, descriptors.subarray(item * dimension, (item + 1) * dimension));
    views[item] = count;
  }
  return { descriptors, lengths, views };
}

/**
 * @param descriptor (dimension) as {@link describeItem} gives it
 * @param out (grades) squared distances in the whitened space, written in place; Infinity for a grade without items
 */
export function prototypeDistances(descriptor: Float64Array, prototypes: Prototypes, out: Float64Array): void {
  const { dimension, grades, means, whitened } = prototypes;
  whiten(descriptor, prototypes);
  for (let g = 0; g < grades; g++) {
    let sum = 0;
    for (let d = 0; d < dimension; d++) sum += (whitened[d]! - means[g * dimension + d]!) ** 2;
    out[g] = Number.isNaN(sum) ? Number.POSITIVE_INFINITY : sum;
  }
}

function whiten(vector: Float64Array, { whitening, whitened, dimension }: Prototypes): void {
  if (whitening.length === dimension) {
    for (let d = 0; d < dimension; d++) whitened[d] = whitening[d]! * vector[d]!;
  } else {
    multiplyLower(whitening, vector, whitened);
  }
}

/**
 * @param spread (items, dimension) descriptors less their grade's mean
 * @param free items beyond one per grade
 */
function whiteningOf(spread: Float64Array, items: number, dimension: number, free: number): Float64Array {
  const variance = new Float64Array(dimension);
  for (let at = 0; at < spread.length; at++) variance[at % dimension]! += spread[at]! ** 2 / Math.max(1, free);
  let mean = 0;
  for (const value of variance) mean += value / dimension;
  // One item per grade has no variance at all: every component then counts the same.
  if (!(mean > 0)) return new Float64Array(dimension).fill(1);
  const target = variance.map((value) => value / mean + FLOOR);
  if (dimension > MAX_FULL) return target.map((value) => 1 / Math.sqrt(value));
  const shrinkage = dimension / (dimension + free);
  const matrix = new Float64Array(dimension * dimension);
  for (let item = 0; item < items; item++) {
    const row = spread.subarray(item * dimension, (item + 1) * dimension);
    for (let i = 0; i < dimension; i++) {
      const value = ((1 - shrinkage) * row[i]!) / (free * mean);
      if (value === 0) continue;
      for (let j = 0; j <= i; j++) matrix[i * dimension + j]! += value * row[j]!;
    }
  }
  for (let d = 0; d < dimension; d++) matrix[d * dimension + d]! += shrinkage * target[d]!;
  return invertLower(cholesky(matrix, dimension), dimension);
}
