import type { Gallery } from "../../device/grade/gallery.ts";
import { LeavingOut, prototypeDistances } from "../../device/grade/prototypes.ts";
import type { ReferenceViews } from "../../device/grade/references.ts";
import { describeTellingItems, fitLens } from "../../device/grade/telling.ts";
import { nearestViews } from "../evaluate/neighbours.ts";
import type { Finding } from "./findings.ts";

/** A grade of fewer items has no middle to be far from. */
const LEAST_ITEMS = 3;
/** Another grade's prototype must be so much nearer, in squared distance, for a label to be doubted. */
const CLEARLY = 0.8;
/** Where fewer pairs than this are told apart the grades are not two. */
const ALIKE = 0.7;
/** Each part is left out together where there are many items: a prototype per item would take minutes. */
const MOST_FITS = 200;

/** Items that lie with another grade, and grades that lie with each other; each item judged without itself. */
export function findMisfits(gallery: Gallery, flat: ReferenceViews): Finding[] {
  const { grades, references } = gallery;
  const counts = grades.map((grade) => references.filter((reference) => reference.grade === grade).length);
  // Between one grade and itself there is nothing to mistake.
  if (counts.filter((count) => count >= LEAST_ITEMS).length < 2) return [];
  const distances = distancesWithout(flat, describeTellingItems(flat, fitLens(flat, gallery.emphasis)));
  const misplaced = references.flatMap((reference, item): Finding[] => {
    const own = flat.itemGrade[item]!;
    const row = distances.subarray(item * flat.grades, (item + 1) * flat.grades);
    let nearest = own;
    for (let g = 0; g < row.length; g++) if (counts[g]! >= LEAST_ITEMS && row[g]! < row[nearest]!) nearest = g;
    if (nearest === own || counts[own]! < LEAST_ITEMS || row[nearest]! > CLEARLY * row[own]!) return [];
    const other = grades[nearest]!;
    const beside = nearestOf(item, other, gallery);
    return [
      {
        kind: "mislabelled",
        severity: "problem",
        grade: reference.grade,
        items: [reference.id, ...(beside === undefined ? [] : [references[beside.reference]!.id])],
        views: [beside?.own ?? 0, ...(beside === undefined ? [] : [beside.view])],
        found: `${reference.origin} is ${reference.grade}, but lies with ${other}: ${ratio(row[own]!, row[nearest]!)} times as near`,
        advice: `look at it: relabel it to ${other}, or enroll more ${reference.grade} that look like it`,
      },
    ];
  });
  return [...misplaced, ...alikeGrades(gallery, flat, distances, counts)];
}

function alikeGrades(
  gallery: Gallery,
  flat: ReferenceViews,
  distances: Float64Array,
  counts: readonly number[],
): Finding[] {
  const { grades, references } = gallery;
  const findings: Finding[] = [];
  for (let a = 0; a < grades.length; a++) {
    for (let b = a + 1; b < grades.length; b++) {
      if (counts[a]! < LEAST_ITEMS || counts[b]! < LEAST_ITEMS) continue;
      const right = (own: number, other: number): number => {
        let hits = 0;
        for (let item = 0; item < references.length; item++) {
          if (flat.itemGrade[item] !== own) continue;
          if (distances[item * flat.grades + own]! < distances[item * flat.grades + other]!) hits++;
        }
        return hits / counts[own]!;
      };
      const share = (right(a, b) + right(b, a)) / 2;
      if (share >= ALIKE) continue;
      const worst = leastOwn(flat, distances, a, b);
      const beside = nearestOf(worst, grades[b]!, gallery);
      findings.push({
        kind: "alike-grades",
        severity: "problem",
        grade: grades[a]!,
        other: grades[b]!,
        items: [references[worst]!.id, ...(beside === undefined ? [] : [references[beside.reference]!.id])],
        views: [beside?.own ?? 0, ...(beside === undefined ? [] : [beside.view])],
        found: `${grades[a]} and ${grades[b]} can hardly be told apart: ${Math.round(share * 100)} % right between the two, 50 % is chance`,
        advice: "enroll more of both, check their labels, or merge them",
      });
    }
  }
  return findings;
}

/** The item of a grade that lies most with another one. */
function leastOwn({ grades, itemGrade }: ReferenceViews, distances: Float64Array, own: number, other: number): number {
  let [worst, most] = [itemGrade.indexOf(own), 0];
  for (const [item, grade] of itemGrade.entries()) {
    const share = distances[item * grades + own]! / distances[item * grades + other]!;
    if (grade === own && share > most) [worst, most] = [item, share];
  }
  return worst;
}

/**
 * @param descriptors (items, dimension) unit rows
 * @returns (items, grades) squared distances to the prototypes that were fitted without the item
 */
function distancesWithout(flat: ReferenceViews, descriptors: Float64Array): Float64Array {
  const { dimension, grades } = flat;
  const out = new Float64Array(flat.items * grades);
  const leaving = new LeavingOut(flat, descriptors);
  const folds = Math.min(flat.items, MOST_FITS);
  for (let fold = 0; fold < folds; fold++) {
    const left: number[] = [];
    for (let item = fold; item < flat.items; item += folds) left.push(item);
    const prototypes = leaving.without(left);
    for (const item of left) {
      const own = descriptors.subarray(item * dimension, (item + 1) * dimension);
      prototypeDistances(own, prototypes, out.subarray(item * grades, (item + 1) * grades));
    }
  }
  return out;
}

/** The view of an item that is nearest to another grade, and the one that it is nearest to. */
function nearestOf(
  item: number,
  grade: string,
  { references, dimension }: Gallery,
): { own: number; reference: number; view: number } | undefined {
  const { embeddings, views } = references[item]!;
  let best: { own: number; reference: number; view: number; distance: number } | undefined;
  for (let own = 0; own < views; own++) {
    const view = embeddings.subarray(own * dimension, (own + 1) * dimension);
    const [nearest] = nearestViews(view, references, (other, index) => index !== item && other.grade === grade, 1);
    if (nearest !== undefined && (best === undefined || nearest.distance < best.distance)) best = { own, ...nearest };
  }
  return best;
}

function ratio(own: number, other: number): string {
  return Math.min(99, Math.sqrt(own / other)).toFixed(1);
}
