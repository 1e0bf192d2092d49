import { type CoverRule, CoverScratch, coverItem } from "./cover.ts";
import { nearestByLabel } from "./distance.ts";
import type { ReferenceViews } from "./references.ts";

export interface FitOptions {
  /** Share of good fruit that may be turned away, 0..1. */
  readonly alpha: number;
  readonly spare: number;
}

export const FIT_DEFAULTS: FitOptions = { alpha: 0.05, spare: 0.1 };

/** A reach for galleries that give none: half the distance of embeddings that have nothing in common (sqrt 2). */
const FALLBACK_REACH = 0.7;
/** No reach is tighter: views of one and the same fruit differ by as much. */
const LEAST_REACH = 0.15;
/** Views beyond this are thinned out evenly: leaving one out compares each with each. */
const MAX_VIEWS = 3000;

/** A rule made from the references themselves, and what it was made of. */
export interface Fitted {
  readonly rule: CoverRule;
  /** (grades) strains of items left out, ascending: the scores that p-values are counted in. */
  readonly scores: readonly Float64Array[];
}

/**
 * Makes the rule by leaving one item out: how far are views of an item from the references without it?
 *
 * The limits are split-conformal quantiles of the left-out items' strains: with n items of a grade, the
 * ceil((n + 1)(1 - alpha))-th smallest; with fewer than that needs, the largest one and a little more.
 *
 * @see Vovk, Gammerman, Shafer 2005; Angelopoulos, Bates 2021, "A gentle introduction to conformal prediction"
 */
export function fitCover(references: ReferenceViews, options: FitOptions = FIT_DEFAULTS): Fitted {
  const { grades } = references;
  const reach = fitReach(references, options.alpha);
  const labels = labelViews(references, reach);
  const rule = { labels, reach, spare: options.spare };
  const scores: number[][] = Array.from({ length: grades }, () => []);
  const views = viewsByItem(references);
  const scratch = new CoverScratch(grades, Math.max(1, ...views.map(({ count }) => count)));
  for (const [item, { from, count }] of views.entries()) {
    const { dimension, rows } = references;
    const embeddings = rows.subarray(from * dimension, (from + count) * dimension);
    const grade = references.itemGrade[item]!;
    const fit = coverItem(embeddings, count, references, rule, item, scratch);
    const strain = fit.strain[grade]!;
    // The only item of the best grade has nobody to be compared with.
    if (Number.isFinite(strain)) scores[grade]!.push(strain);
  }
  const sorted = scores.map((values) => Float64Array.from(values).sort());
  const limit = Float64Array.from(sorted, (values) => conformalLimit(values, options.alpha));
  return { rule: { ...rule, limit }, scores: sorted };
}

/** Share of good fruit of a grade that would lie at least as far; never under 1 / (n + 1). Null without scores. */
export function conformalP(scores: Float64Array, strain: number): number | null {
  if (scores.length === 0) return null;
  let atLeast = 0;
  for (const score of scores) if (score >= strain) atLeast++;
  return (atLeast + 1) / (scores.length + 1);
}

/** An item may be strained a little beyond the worst left-out one where there are too few to say more. */
const FEW_ITEMS_MARGIN = 1.1;

function conformalLimit(scores: Float64Array, alpha: number): number {
  if (scores.length === 0) return 1;
  const rank = Math.ceil((scores.length + 1) * (1 - alpha));
  if (rank <= scores.length) return scores[rank - 1]!;
  return scores.at(-1)! * FEW_ITEMS_MARGIN;
}

/** (grades) quantile of the distances of left-out views to the references of their grade and better. */
function fitReach(references: ReferenceViews, alpha: number): Float64Array {
  const { grades, count, gradeOf, itemOf, rows, dimension } = references;
  const distances: number[][] = Array.from({ length: grades }, () => []);
  const nearest = new Float64Array(grades);
  const step = Math.max(1, Math.ceil(count / MAX_VIEWS));
  for (let r = 0; r < count; r += step) {
    nearestByLabel(rows, r * dimension, references, gradeOf, itemOf[r]!, nearest);
    const grade = gradeOf[r]!;
    const cover = Math.min(...nearest.subarray(0, grade + 1));
    if (Number.isFinite(cover)) distances[grade]!.push(cover);
  }
  const reach = new Float64Array(grades);
  let before: number | undefined;
  for (let g = 0; g < grades; g++) {
    const own = distances[g]!.sort((a, b) => a - b);
    // Views of a grade's own kind; where a grade has one item alone, what the better grades need has to serve.
    reach[g] =
      own.length === 0
        ? (before ?? FALLBACK_REACH)
        : Math.max(LEAST_REACH, own[Math.ceil((1 - alpha) * own.length) - 1]!);
    before = reach[g]!;
  }
  return reach;
}

/** (count) the best grade within whose reach each view lies; its own where there is none better. */
function labelViews(references: ReferenceViews, reach: Float64Array): Uint8Array {
  const { grades, count, gradeOf, itemOf, rows, dimension } = references;
  const labels = new Uint8Array(gradeOf);
  const nearest = new Float64Array(grades);
  for (let r = 0; r < count; r++) {
    const grade = gradeOf[r]!;
    if (grade === 0) continue;
    nearestByLabel(rows, r * dimension, references, gradeOf, itemOf[r]!, nearest);
    let better = Number.POSITIVE_INFINITY;
    for (let g = 0; g < grade; g++) {
      better = Math.min(better, nearest[g]!);
      if (better <= reach[g]!) {
        labels[r] = g;
        break;
      }
    }
  }
  return labels;
}

function viewsByItem(references: ReferenceViews): { from: number; count: number }[] {
  const views: { from: number; count: number }[] = [];
  for (let r = 0; r < references.count; r++) {
    const item = references.itemOf[r]!;
    const entry = views[item];
    if (entry === undefined) views[item] = { from: r, count: 1 };
    else entry.count++;
  }
  return views;
}
