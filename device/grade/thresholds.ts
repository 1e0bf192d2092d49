import { CoverSpace, coverItem } from "./cover.ts";
import { type ReferenceViews, viewsOfItem } from "./references.ts";

/** Share of good fruit that may be called unknown. */
export const DEFAULT_ALPHA = 0.05;

/** Where a grade has too few items for a quantile, so much beyond its worst left-out item still counts. */
const FEW_ITEMS_MARGIN = 1.1;
/** A limit for galleries that give none: half the distance of embeddings that have nothing in common (sqrt 2). */
export const FALLBACK_LIMIT = 0.7;
/** No limit is tighter: two pictures of one view differ by as much. */
export const LEAST_LIMIT = 0.1;
/** Leaving each item out compares each with each; beyond this an evenly spread part of the items must do. */
const MAX_ITEMS = 400;

export interface Thresholds {
  /** (grades) largest cover distance at which an item still belongs to the grade, 0..2. */
  readonly limit: Float64Array;
  /** (grades) cover distances of items left out, ascending: what p-values are counted in. */
  readonly scores: readonly Float64Array[];
}

/**
 * How far is an item from the references of its grade and better when it is not among them? The limit is the
 * split-conformal quantile of these distances: with n items the ceil((n + 1)(1 - alpha))-th smallest; where n is too
 * small for that, the largest and a little more.
 *
 * @param alpha share of good fruit that may be called unknown, 0..1
 * @see Vovk, Gammerman, Shafer 2005; Angelopoulos, Bates 2021, "A gentle introduction to conformal prediction"
 */
export function fitThresholds(references: ReferenceViews, alpha: number = DEFAULT_ALPHA): Thresholds {
  const { grades, items, itemGrade, dimension, rows } = references;
  const views = viewsOfItem(references);
  const space = new CoverSpace(grades, Math.max(1, ...views.map(({ count }) => count)));
  const scores: number[][] = Array.from({ length: grades }, () => []);
  for (const item of spreadOut(items)) {
    const { from, count } = views[item]!;
    const embeddings = rows.subarray(from * dimension, (from + count) * dimension);
    const grade = itemGrade[item]!;
    const distance = coverItem(embeddings, count, references, item, space).distance[grade]!;
    // The only item of the best grade has nobody to be compared with.
    if (Number.isFinite(distance)) scores[grade]!.push(distance);
  }
  const sorted = scores.map((values) => Float64Array.from(values).sort());
  const pooled = Float64Array.from(scores.flat()).sort();
  const limit = Float64Array.from(sorted, (values) => {
    // What other grades need has to serve where a grade has no pair of items of its own.
    const usable = values.length > 0 ? values : pooled;
    return usable.length === 0 ? FALLBACK_LIMIT : Math.max(LEAST_LIMIT, conformalLimit(usable, alpha));
  });
  // What a better grade covers this one covers too: its own items, however alike, cannot make its limit the tighter one.
  for (let g = 1; g < grades; g++) limit[g] = Math.max(limit[g]!, limit[g - 1]!);
  return { limit, scores: sorted };
}

/** The items that are left out one by one: all, or an even part of them. */
export function spreadOut(items: number): number[] {
  const step = Math.max(1, Math.ceil(items / MAX_ITEMS));
  return Array.from({ length: Math.ceil(items / step) }, (_, index) => index * step);
}

/**
 * @param scores of good fruit, ascending, one or more
 * @returns a value that at most the share alpha of further good fruit exceeds
 */
export function conformalLimit(scores: Float64Array, alpha: number): number {
  const rank = Math.ceil((scores.length + 1) * (1 - alpha));
  return rank <= scores.length ? scores[Math.max(0, rank - 1)]! : scores.at(-1)! * FEW_ITEMS_MARGIN;
}

/** Share of good fruit that would lie at least as far; never under 1 / (n + 1). Null without scores. */
export function conformalP(scores: Float64Array, distance: number): number | null {
  if (scores.length === 0) return null;
  let atLeast = 0;
  for (const score of scores) if (score >= distance) atLeast++;
  return (atLeast + 1) / (scores.length + 1);
}
