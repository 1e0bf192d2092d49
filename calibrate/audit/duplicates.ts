import type { ItemDescriptors } from "../../device/grade/descriptors.ts";
import type { Reference } from "../../device/grade/gallery.ts";
import type { Finding } from "./findings.ts";
import { type Qualities, thumbDifference, type ViewQuality } from "./quality.ts";

/**
 * Thumbs that differ less than this, of 255, are of one picture. Measured: saved anew as JPEG of quality 70, 0.4 to 3.3;
 * the next frame of a turning apple 3.4 and more, whose embedding may be the nearer one.
 */
const SAME_PICTURE = 2.5;
/** Smooth fruit all look alike: the same picture must be nearer than the item's own next view, by this share. */
const NEARER = 0.5;
/** Rounding of an equal picture. */
const EQUAL = 0.2;
/** A picture saved anew is this near. */
const NEAR_VIEW = 0.4;
/** Without pictures only what is as good as equal is the same. */
const SAME_EMBEDDING = 0.005;
/** So many of the smaller item's views must be found again. */
const SHARE = 0.8;
/** Items whose means are farther apart than this are not compared view by view. */
const NEAR_ITEMS = 0.3;

/** Items that are there twice: within a grade they count double, under two grades one of them is wrong. */
export function findDuplicates(
  references: readonly Reference[],
  { descriptors }: ItemDescriptors,
  grades: readonly string[],
  qualities: Qualities,
): Finding[] {
  const findings: Finding[] = [];
  const dimension = references.length === 0 ? 0 : descriptors.length / references.length;
  const least = 1 - NEAR_ITEMS ** 2 / 2;
  const within = new Map(
    references.map(({ id, views }) => {
      const pictures = qualities.get(id);
      return [id, Float64Array.from({ length: views }, (_, view) => sameWithin(pictures, view))];
    }),
  );
  for (let a = 0; a < references.length; a++) {
    for (let b = a + 1; b < references.length; b++) {
      let dot = 0;
      for (let d = 0; d < dimension; d++) dot += descriptors[a * dimension + d]! * descriptors[b * dimension + d]!;
      // One of many views, enrolled again alone, is farther from the mean of all; such pairs are few and small.
      const few = Math.min(references[a]!.views, references[b]!.views) === 1;
      if (dot < least && !(few && dot > 0.5)) continue;
      const same = sharedViews(references[a]!, references[b]!, { dimension, qualities, within });
      if (same !== undefined) findings.push(findingOf(references[a]!, references[b]!, same, grades));
    }
  }
  return findings;
}

interface Shared {
  readonly count: number;
  readonly of: number;
  /** A view of the first and the one of the second that is the same. */
  readonly views: readonly [number, number];
}

interface Comparing {
  readonly dimension: number;
  readonly qualities: Qualities;
  /** Of each reference (views), as {@link sameWithin} says. */
  readonly within: ReadonlyMap<string, Float64Array>;
}

function sharedViews(a: Reference, b: Reference, { dimension, qualities, within }: Comparing): Shared | undefined {
  const [small, large] = a.views <= b.views ? [a, b] : [b, a];
  const [some, others] = [qualities.get(small.id), qualities.get(large.id)];
  const own = within.get(large.id)!;
  let [count, least] = [0, Number.POSITIVE_INFINITY];
  let views: [number, number] = [0, 0];
  for (let v = 0; v < small.views; v++) {
    let [best, at] = [Number.POSITIVE_INFINITY, 0];
    for (let w = 0; w < large.views; w++) {
      const distance = distanceOf(small, v, large, w, dimension);
      const [one, other] = [some?.[v]?.thumb, others?.[w]?.thumb];
      const seen = one !== undefined && other !== undefined;
      // Below 1 it is the same picture.
      const apart = !seen
        ? distance / SAME_EMBEDDING
        : distance > NEAR_VIEW
          ? Number.POSITIVE_INFINITY
          : thumbDifference(one, other) / own[w]!;
      if (apart < best) [best, at] = [apart, w];
    }
    if (best < 1) count++;
    if (best < least) [least, views] = [best, small === a ? [v, at] : [at, v]];
  }
  return count >= SHARE * small.views ? { count, of: small.views, views } : undefined;
}

/** Thumbs that differ less from this view's are of the same picture. */
function sameWithin(pictures: readonly ViewQuality[] | undefined, view: number): number {
  const own = pictures?.[view];
  if (own === undefined) return SAME_PICTURE;
  const next = pictures!.filter((_, other) => other !== view).map(({ thumb }) => thumbDifference(own.thumb, thumb));
  return Math.min(SAME_PICTURE, Math.max(EQUAL, NEARER * Math.min(...next)));
}

function distanceOf(a: Reference, v: number, b: Reference, w: number, dimension: number): number {
  let dot = 0;
  for (let d = 0; d < dimension; d++) dot += a.embeddings[v * dimension + d]! * b.embeddings[w * dimension + d]!;
  return Math.sqrt(Math.max(0, 2 - 2 * dot));
}

function findingOf(a: Reference, b: Reference, { count, of, views }: Shared, grades: readonly string[]): Finding {
  const pictures = of === 1 ? "the same picture" : `${count} of ${of} views the same`;
  if (a.grade === b.grade) {
    return {
      kind: "duplicate",
      severity: "advice",
      grade: a.grade,
      items: [a.id, b.id],
      views,
      found: `${a.origin} and ${b.origin} are enrolled twice as ${a.grade}: ${pictures}`,
      advice: "remove one: an item compared with itself makes the limits too tight",
    };
  }
  const better = grades.indexOf(a.grade) <= grades.indexOf(b.grade) ? a : b;
  return {
    kind: "same-fruit",
    severity: "problem",
    grade: better.grade,
    items: [a.id, b.id],
    views,
    found: `the same fruit has two grades: ${a.origin} is ${a.grade}, ${b.origin} is ${b.grade}, ${pictures}`,
    advice: "remove or relabel the one that is wrong",
  };
}
