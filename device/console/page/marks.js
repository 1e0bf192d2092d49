import { t } from "./words.js";

/** @import { Verdict } from "../../contract/messages.ts" */

/**
 * What a grade looks like: a hue and a shape by its rank, never colour alone. Best to worst goes from teal over gold to
 * vermilion, which people who see no red or green tell apart too.
 */
const HUES = [178, 95, 38];
const SHAPES = [
  "M12 2a10 10 0 1 1 0 20a10 10 0 0 1 0-20z",
  "M4 4h16v16H4z",
  "M12 2.5L23 21.5H1z",
  "M12 1L23 12L12 23L1 12z",
  "M12 1.5L22.5 9.1L18.5 21.5h-13L1.5 9.1z",
  "M7 2.5h10L22.5 12L17 21.5H7L1.5 12z",
];
/**
 * An outcome that is no grade.
 *
 * @typedef {Exclude<Verdict["outcome"], "graded">} Ungraded
 */

/** @type {Readonly<Record<Ungraded, string>>} */
const OUTCOMES = {
  unknown: "M7.5 8.5a4.5 4.5 0 1 1 6.6 4c-1.5.8-2.1 1.6-2.1 3.2M12 19.2v.6",
  unsure: "M4 9.5q4-4 8 0t8 0M4 15.5q4-4 8 0t8 0",
  foreign: "M12 3l9 16h-18zM12 9v5M12 16.6v.4",
  empty: "M5 12h14",
  "no-image": "M6 6l12 12M18 6L6 18",
};
export const outcomes = /** @type {Ungraded[]} */ (Object.keys(OUTCOMES));

/**
 * @param {string} kind
 * @returns {kind is Ungraded}
 */
function isUngraded(kind) {
  return Object.hasOwn(OUTCOMES, kind);
}

/**
 * The key under which an item is counted: its grade, or its outcome where it has none.
 *
 * @param {Pick<Verdict, "outcome" | "grade">} verdict
 */
export const kindOf = ({ outcome, grade }) => (outcome === "graded" ? `grade:${grade}` : outcome);

/** The name of a kind in words. @param {string} kind */
export const nameOf = (kind) => (isUngraded(kind) ? t(`outcome.${kind}`) : kind.slice("grade:".length));

/**
 * Gives an element the kind's colour.
 *
 * @param {HTMLElement | SVGElement} element
 * @param {string} kind
 * @param {readonly string[]} grades best first
 */
export function paint(element, kind, grades) {
  element.dataset.kind = isUngraded(kind) ? kind : "grade";
  if (!isUngraded(kind)) element.style.setProperty("--hue", String(hueOf(rankOf(kind, grades), grades.length)));
}

/**
 * The kind's sign as a picture beside its name.
 *
 * @param {string} kind
 * @param {readonly string[]} grades best first
 */
export function mark(kind, grades) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", isUngraded(kind) ? "mark line" : "mark");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", shapeOf(kind, grades));
  svg.append(path);
  return svg;
}

/**
 * The outline of a kind's sign, 24 wide and high.
 *
 * @param {string} kind
 * @param {readonly string[]} grades best first
 * @returns {string}
 */
export const shapeOf = (kind, grades) =>
  isUngraded(kind) ? OUTCOMES[kind] : (SHAPES[rankOf(kind, grades) % SHAPES.length] ?? "");

/**
 * A grade that the gallery has no more stands behind all others.
 *
 * @param {string} kind
 * @param {readonly string[]} grades
 */
function rankOf(kind, grades) {
  const rank = grades.indexOf(kind.slice("grade:".length));
  return rank === -1 ? grades.length : rank;
}

/**
 * @param {number} rank
 * @param {number} ranks
 */
function hueOf(rank, ranks) {
  const at = ranks < 2 ? 0 : Math.min(1, rank / (ranks - 1)) * (HUES.length - 1);
  const low = Math.min(HUES.length - 2, Math.floor(at));
  const [from = 0, to = 0] = HUES.slice(low);
  return Math.round(from + (to - from) * (at - low));
}
