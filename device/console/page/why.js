/** @import { GradeReason, ItemDetail, ViewDetail } from "../view.ts" */

/** Distances as people compare them. @param {number} distance */
export const far = (distance) => distance.toFixed(2);

/** One view in so many may stay uncovered; more lines than this nobody reads. */
const MAX_LINES = 4;

/**
 * Why an item got its grade, in the words of the line.
 *
 * @param {ItemDetail} detail
 * @returns {string[]} one sentence each
 */
export function reasons({ verdict, views, why }) {
  if (verdict.outcome === "empty") return ["No fruit was seen in this cup."];
  if (views.length === 0) return ["No view of it could be used, so there is nothing to compare."];
  if (why === null) {
    return ["Nothing is enrolled yet, so every fruit is unknown. Say what it is: it becomes the first reference."];
  }
  const names = why.grades.map(({ grade }) => grade);
  const like = Math.max(0, names.indexOf(why.like));
  const given = why.grade === null ? -1 : names.indexOf(why.grade);
  const lines = [];
  if (why.outcome === "unsure") {
    lines.push(
      `As a whole it is as much like ${why.rival ?? "another grade"} as like ${why.like}, and they would be graded differently.`,
    );
  } else if (like > 0 && given !== -1) {
    lines.push(`As a whole it is most like ${why.like}, so it is given nothing better.`);
  }
  if (why.strangeness > 1) {
    const times = why.strangeness < 1.05 ? "a little farther" : `${why.strangeness.toFixed(1)} times as far`;
    lines.push(
      `As a whole it is like nothing enrolled: ${times} away ${times.startsWith("a") ? "than" : "as"} fruit may be.`,
    );
  }
  for (const [rank, reason] of why.grades.entries()) {
    if (rank < like) continue;
    if (rank === given) break;
    const line = refused(reason, names.slice(0, rank + 1), views);
    if (line !== undefined) lines.push(line);
  }
  const reason = why.grades[given];
  if (reason !== undefined) lines.push(covered(reason, names.slice(0, given + 1), views));
  return lines.slice(0, MAX_LINES);
}

/**
 * The view that tells most of those with a picture: the farthest that no reference covers, else the farthest of all.
 *
 * @param {ItemDetail} detail
 */
export function tellingView({ views, pictured, why }) {
  if (why === null) return pictured[Math.floor(pictured.length / 2)];
  const names = why.grades.map(({ grade }) => grade);
  const like = Math.max(0, names.indexOf(why.like));
  const rank = why.grades.findIndex(({ uncovered }, index) => index >= like && uncovered.length > 0);
  const at = rank === -1 ? like : rank;
  const open = pictured.filter((view) => why.grades[at]?.uncovered.includes(view));
  return farthest(open.length > 0 ? open : pictured, names.slice(0, at + 1), views);
}

/**
 * The nearest reference of one of the grades.
 *
 * @param {ViewDetail | undefined} view
 * @param {readonly string[]} names
 */
export function nearestOf(view, names) {
  return view?.nearest.find(({ grade }) => names.includes(grade));
}

/**
 * @param {GradeReason} reason
 * @param {readonly string[]} names this grade and all better ones
 * @param {readonly ViewDetail[]} views
 */
function refused({ grade, limit, uncovered }, names, views) {
  if (uncovered.length === 0) return undefined;
  const view = farthest(uncovered, names, views) ?? 0;
  const near = nearestOf(views[view], names);
  const others = uncovered.length > 1 ? ` and ${uncovered.length - 1} more` : "";
  const nearest = near === undefined ? "there is none" : `the nearest is ${near.grade} ${far(near.distance)}`;
  return `Not ${grade}: no reference covers view ${view + 1}${others}: ${nearest}, limit ${far(limit)}.`;
}

/**
 * @param {GradeReason} reason
 * @param {readonly string[]} names this grade and all better ones
 * @param {readonly ViewDetail[]} views
 */
function covered({ grade, limit, uncovered }, names, views) {
  const within = views.map((_, index) => index).filter((index) => !uncovered.includes(index));
  const or = names.length > 1 ? " or better" : "";
  const but = uncovered.length === 0 ? "every view" : `every view but ${uncovered.map((view) => view + 1).join(", ")}`;
  const view = farthest(within, names, views);
  const near = view === undefined ? undefined : nearestOf(views[view], names);
  const farthestIs =
    view === undefined || near === undefined
      ? ""
      : `; the farthest, view ${view + 1}, is ${far(near.distance)} from ${near.grade}`;
  return `${upper(grade)}: a reference of ${grade}${or} covers ${but} (limit ${far(limit)})${farthestIs}.`;
}

/**
 * @param {readonly number[]} indices
 * @param {readonly string[]} names
 * @param {readonly ViewDetail[]} views
 */
function farthest(indices, names, views) {
  /** @param {number} index */
  const at = (index) => nearestOf(views[index], names)?.distance ?? Number.POSITIVE_INFINITY;
  return [...indices].sort((a, b) => at(b) - at(a))[0];
}

/** @param {string} text */
const upper = (text) => text.charAt(0).toUpperCase() + text.slice(1);
