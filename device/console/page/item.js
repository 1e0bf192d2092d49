import { make } from "./dom.js";
import * as format from "./format.js";
import { kindOf, mark, nameOf, paint } from "./marks.js";
import { t } from "./words.js";

/** @import { ItemMessage } from "../view.ts" */

/** Share of the bar's width left of the threshold: a margin of 0 stands here, 1 at the right end. */
const ZERO = 0.3;

/**
 * One item of the strip. It is made once and never changes: a verdict is final.
 *
 * @param {ItemMessage} item
 * @param {readonly string[]} grades
 */
export function tile(item, grades) {
  const kind = kindOf(item);
  const link = make("a", { href: `#item/${encodeURIComponent(item.item)}`, tabindex: "-1" });
  const li = make("li.item", {}, link);
  paint(li, kind, grades);
  const name = nameOf(kind);
  link.append(
    picture(item, kind, grades),
    make("p.grade", { title: name }, mark(kind, grades), make("span", {}, name)),
  );
  if (item.margin !== null) link.append(marginBar(item.margin));
  link.append(measures(item));
  return li;
}

/**
 * @param {ItemMessage} item
 * @param {string} kind
 * @param {readonly string[]} grades
 */
function picture({ thumb, late, cup }, kind, grades) {
  const frame = make("div.picture");
  if (thumb === null) {
    frame.append(mark(kind, grades));
  } else {
    const image = make("img", { src: thumb, alt: "", width: "96", height: "96", decoding: "async" });
    // Kept by the daemon for so many items only; the words stay.
    image.addEventListener("error", () => image.replaceWith(mark(kind, grades)), { once: true });
    frame.append(image);
  }
  if (late) frame.append(make("p.late", {}, t("late")));
  if (cup !== null) frame.append(make("p.cup", {}, t("cup", { cup })));
  return frame;
}

/** @param {number} margin */
function marginBar(margin) {
  const at = ZERO + Math.max(-1, Math.min(1, margin)) * (margin < 0 ? ZERO : 1 - ZERO);
  const fill = make("span.fill");
  fill.style.setProperty("left", `${Math.min(at, ZERO) * 100}%`);
  fill.style.setProperty("width", `${Math.abs(at - ZERO) * 100}%`);
  const title = t("margin.title");
  return make("div.bar", { "aria-hidden": "true", title }, fill);
}

/** @param {ItemMessage} item */
function measures({ sizeMm, margin }) {
  const size = sizeMm === null ? "" : t("detail.mm", { mm: format.count(sizeMm) });
  const line = make("p.measures.small", {}, make("span", {}, size));
  if (margin !== null) line.append(make("span", {}, make("span.hidden", {}, `${t("margin")} `), format.margin(margin)));
  return line;
}
