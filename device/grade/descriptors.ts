import { type ReferenceViews, viewsOfItem } from "./references.ts";

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
