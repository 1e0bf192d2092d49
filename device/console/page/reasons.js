import { language, t } from "./words.js";

/** @import { ReasonShown } from "../view.ts" */

/**
 * A reason of the state. The board speaks English; other languages have a text by the reason's code, with its lane or
 * camera, and what was found beside it.
 *
 * @param {ReasonShown} reason
 */
export function inWords({ code, lane, camera, message }) {
  if (language === "en") return message;
  const where = lane ?? camera;
  return `${t(`reason.${code}`)}${where === undefined ? "" : ` (${where})`}`;
}

/**
 * Those that are about a lane: its own, and its camera's.
 *
 * @param {readonly ReasonShown[]} reasons
 * @param {{ readonly id: string, readonly camera: string }} lane
 */
export function ofLane(reasons, { id, camera }) {
  return reasons.filter((reason) => reason.lane === id || (reason.lane === undefined && reason.camera === camera));
}

/** @param {ReasonShown} reason */
export const isBad = ({ code }) => BAD.has(code);

/** Reasons with which fruit pass without a right verdict in time. @type {ReadonlySet<ReasonShown["code"]>} */
const BAD = new Set(
  /** @type {const} */ ([
    "camera-away",
    "camera-silent",
    "blind",
    "dark",
    "frozen",
    "embedding",
    "views-waiting",
    "verdicts-late",
    "journal-disk",
    "verdicts-swallowed",
    "offline",
    "no-camera",
  ]),
);

/**
 * Green, amber or red: whether the line grades, grades with a trouble, or lets fruit pass.
 *
 * @param {readonly ReasonShown[]} reasons
 */
export function toneOf(reasons) {
  if (reasons.length === 0) return "good";
  return reasons.some(isBad) ? "bad" : "warn";
}
