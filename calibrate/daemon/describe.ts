import type { Verdict } from "../../device/contract/messages.ts";

/** Describes a verdict for people: the grade, or why there is none, and the nearest grade with its distance. */
export function describeVerdict({ outcome, grade, grades, sizeMm, views }: Verdict): string {
  const nearest = nearestGrade(grades);
  const size = sizeMm === null ? "" : `${sizeMm.toFixed(1)} mm`;
  const near =
    nearest === undefined ? "nothing to compare with" : `nearest ${nearest.grade} at ${nearest.distance.toFixed(3)}`;
  return `${(grade ?? outcome).padEnd(12)} ${size.padStart(9)}  ${String(views).padStart(3)} views  ${near}`;
}

/**
 * The best grade with the smallest distance. A distance is that to a grade together with all better ones, so it
 * falls from grade to grade until the one that holds the nearest references.
 */
export function nearestGrade(grades: Verdict["grades"]): { grade: string; distance: number } | undefined {
  let best: { grade: string; distance: number } | undefined;
  for (const { grade, distance } of grades) {
    if (distance !== null && (best === undefined || distance < best.distance)) best = { grade, distance };
  }
  return best;
}
