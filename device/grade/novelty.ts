import type { ItemDescriptors } from "./descriptors.ts";
import type { ReferenceViews } from "./references.ts";
import { nearestByGrade } from "./search/distance.ts";
import { indexOf } from "./search/nearest-index.ts";
import { conformalLimit, FALLBACK_LIMIT, LEAST_LIMIT, spreadOut } from "./thresholds.ts";

/*
 * Does an item as a whole resemble an enrolled one? Covering every view asks about the worst of them, which varies much
 * between sound fruit of one variety; their mean hardly varies, but differs for what is another kind of thing.
 *
 * Measured with the covering views alone and with both, the same share of good fruit to be called unknown, on two models:
 * of strangers on the simulated line 0.55 and 0.73 are found with 10 items per grade (0.73 and 1), 0.59 and 1 with 30.
 * Alone it told five other fruits from nine apples left out at an area under the curve of 0.69 (0.84), covering at 0.56
 * (0.71).
 */
export interface Novelty {
  /** Descriptors of the items in place of views. */
  readonly descriptors: ReferenceViews;
  /** Squared length of the mean of endlessly many views of one item, 0..1: how alike an item's views are. */
  readonly alike: number;
  /** Largest distance at which an item still counts as known. */
  readonly limit: number;
  /** Work space. */
  readonly nearest: Float64Array;
}

/**
 * @param alpha share of good fruit that may be called unknown as a stranger, 0..1
 */
export function fitNovelty(items: ItemDescriptors, dimension: number, alpha: number): Novelty {
  const { descriptors, lengths, views } = items;
  const count = views.length;
  const flat = {
    dimension,
    grades: 1,
    rows: Float32Array.from(descriptors),
    count,
    gradeOf: new Uint8Array(count),
    itemOf: Uint32Array.from(views, (_, item) => item),
    items: count,
    itemGrade: new Uint8Array(count),
  };
  const novelty = {
    descriptors: { ...flat, index: indexOf(flat) },
    alike: alikeness(lengths, views),
    nearest: new Float64Array(1),
  };
  const scores: number[] = [];
  for (const item of spreadOut(count)) {
    const own = novelty.descriptors.rows.subarray(item * dimension, (item + 1) * dimension);
    const distance = noveltyDistance(own, views[item]!, novelty, item);
    if (Number.isFinite(distance)) scores.push(distance);
  }
  const limit = scores.length === 0 ? FALLBACK_LIMIT : conformalLimit(Float64Array.from(scores).sort(), alpha);
  return { ...novelty, limit: Math.max(LEAST_LIMIT, limit) };
}

/**
 * Distance to the nearest item, as far as the number of views lets expect it of all of them: the mean of few views is
 * farther from everything, for it has their noise.
 *
 * @param descriptor (dimension) unit mean of the views
 * @param views 1 or more
 * @param leaveOut item that does not count, or NO_ITEM
 * @returns 0..2; Infinity where there is no other item
 */
export function noveltyDistance(
  descriptor: Float32Array,
  views: number,
  { descriptors, alike, nearest }: Pick<Novelty, "descriptors" | "alike" | "nearest">,
  leaveOut: number,
): number {
  nearestByGrade(descriptor, 1, descriptors, leaveOut, nearest);
  const distance = nearest[0]!;
  if (!Number.isFinite(distance)) return Number.POSITIVE_INFINITY;
  // |mean of n|² = alike + (1 - alike) / n, of which all but the first is noise.
  const cosine = (1 - distance ** 2 / 2) * Math.sqrt((alike + (1 - alike) / views) / alike);
  return Math.sqrt(Math.max(0, 2 - 2 * cosine));
}

/** From items with more views than one; 1 where there is none: then nothing can be said, and nothing is corrected. */
function alikeness(lengths: Float64Array, views: Int32Array): number {
  let sum = 0;
  let count = 0;
  for (const [item, n] of views.entries()) {
    if (n < 2) continue;
    sum += (n * lengths[item]! ** 2 - 1) / (n - 1);
    count++;
  }
  return count === 0 ? 1 : Math.min(1, Math.max(0.05, sum / count));
}
