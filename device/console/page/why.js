import * as format from "./format.js";
import { t } from "./words.js";

/** @import { GradeReason, ItemDetail, ViewDetail } from "../view.ts" */

export const far = format.distance;

/** One view in so many may stay uncovered; more lines than this nobody reads. */
const MAX_LINES = 4;

/**
 * Why an item got its grade, in the words of the line.
 *
 * @param {ItemDetail} detail
 * @returns {string[]} one sentence each
 */
export function reasons({ verdict, views, why }) {
  if (verdict.outcome === "empty") return [t("why.empty")];
  if (views.length === 0) return [t("why.no-view")];
  if (why === null) return [t("why.untaught")];
  const names = why.grades.map(({ grade }) => grade);
  const like = Math.max(0, names.indexOf(why.like));
  const given = why.grade === null ? -1 : names.indexOf(why.grade);
  const lines = [];
  if (why.outcome === "unsure") {
    lines.push(t("why.unsure", { rival: why.rival ?? t("why.another"), like: why.like }));
  } else if (like > 0 && given !== -1) {
    lines.push(t("why.like", { like: why.like }));
  }
  if (why.strangeness > 1) {
    const little = why.strangeness < 1.05;
    lines.push(t(little ? "why.strange-little" : "why.strange", { times: why.strangeness.toFixed(1) }));
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
  const values = {
    grade,
    view: view + 1,
    n: uncovered.length - 1,
    near: near?.grade ?? "",
    distance: near === undefined ? "" : far(near.distance),
    limit: far(limit),
  };
  if (uncovered.length > 1) return t(near === undefined ? "why.refused.more.none" : "why.refused.more", values);
  return t(near === undefined ? "why.refused.none" : "why.refused", values);
}

/**
 * @param {GradeReason} reason
 * @param {readonly string[]} names this grade and all better ones
 * @param {readonly ViewDetail[]} views
 */
function covered({ grade, limit, uncovered }, names, views) {
  const within = views.map((_, index) => index).filter((index) => !uncovered.includes(index));
  const view = farthest(within, names, views);
  const near = view === undefined ? undefined : nearestOf(views[view], names);
  const better = names.length > 1 ? /** @type {const} */ (".better") : "";
  const but = uncovered.length > 0 ? /** @type {const} */ (".but") : "";
  const values = { Grade: upper(grade), grade, views: uncovered.map((each) => each + 1).join(", "), limit: far(limit) };
  if (view === undefined || near === undefined) return t(`why.covered${better}${but}`, values);
  const farthestIs = { view: view + 1, distance: far(near.distance), near: near.grade };
  return t(`why.covered${better}${but}.farthest`, { ...values, ...farthestIs });
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
