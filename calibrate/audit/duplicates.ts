import type { Reference } from "../../device/grade/gallery.ts";
import type { ItemDescriptors } from "../../device/grade/prototypes.ts";
import type { Finding } from "./findings.ts";

/** Views nearer than this are the same picture, perhaps saved anew; neighbouring frames of a turning fruit differ more. */
const SAME_VIEW = 0.03;
/** So many of the smaller item's views must be found again. */
const SHARE = 0.8;
/** Items whose means are farther apart than this are not compared view by view. */
const NEAR_ITEMS = 0.3;

/** Items that are there twice: within a grade they count double, under two grades one of them is wrong. */
export function findDuplicates(
  references: readonly Reference[],
  { descriptors }: ItemDescriptors,
  grades: readonly string[],
): Finding[] {
  const findings: Finding[] = [];
  const dimension = references.length === 0 ? 0 : descriptors.length / references.length;
  const least = 1 - NEAR_ITEMS ** 2 / 2;
  for (let a = 0; a < references.length; a++) {
    for (let b = a + 1; b < references.length; b++) {
      let dot = 0;
      for (let d = 0; d < dimension; d++) dot += descriptors[a * dimension + d]! * descriptors[b * dimension + d]!;
      // One of many views, enrolled again alone, is farther from the mean of all; such pairs are few and small.
      const few = Math.min(references[a]!.views, references[b]!.views) === 1;
      if (dot < least && !(few && dot > 0.5)) continue;
      const same = sharedViews(references[a]!, references[b]!, dimension);
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

function sharedViews(a: Reference, b: Reference, dimension: number): Shared | undefined {
  const [small, large] = a.views <= b.views ? [a, b] : [b, a];
  const least = 1 - SAME_VIEW ** 2 / 2;
  let [count, nearest] = [0, -2];
  let views: [number, number] = [0, 0];
  for (let v = 0; v < small.views; v++) {
    let [best, at] = [-2, 0];
    for (let w = 0; w < large.views; w++) {
      let dot = 0;
      for (let d = 0; d < dimension; d++)
        dot += small.embeddings[v * dimension + d]! * large.embeddings[w * dimension + d]!;
      if (dot > best) [best, at] = [dot, w];
    }
    if (best >= least) count++;
    if (best > nearest) [nearest, views] = [best, small === a ? [v, at] : [at, v]];
  }
  return count >= SHARE * small.views ? { count, of: small.views, views } : undefined;
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
      advice: "remove one: limits become too tight where an item is compared with itself",
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
