import { make } from "./dom.js";
import * as format from "./format.js";

/** @import { ShadowStatus } from "../view.ts" */

/** How the shadow recipe would have judged. */
export class Shadow {
  element;
  #body = make("div");
  /** @type {string | undefined} */
  #shown;

  constructor() {
    this.element = make("section.shadow", { hidden: "" }, make("h2", {}, "In the shadow"), this.#body);
  }

  /** @param {ShadowStatus | null} shadow */
  status(shadow) {
    this.element.hidden = shadow === null;
    const key = JSON.stringify(shadow);
    // Who reads a link with the keyboard must not lose it under the focus.
    if (key === this.#shown || this.#body.contains(document.activeElement)) return;
    this.#shown = key;
    this.#body.replaceChildren(...(shadow === null ? [] : told(shadow)));
  }
}

/** @param {ShadowStatus} shadow */
function told({ recipe, since, items, same, different, skipped, pairs, last, problem }) {
  const share = items === 0 ? "" : `, ${format.percent(different / items)}`;
  const left = skipped === 0 ? "" : `; ${format.count(skipped)} left out, the line goes first`;
  return [
    make("p", {}, make("b", {}, recipe)),
    make("p.small", {}, `since ${format.day(since)}`),
    make("p.small", {}, `${format.count(same)} the same, ${format.count(different)} different${share}${left}`),
    ...(problem === null ? [] : [make("p.small", {}, `It cannot decide: ${problem}`)]),
    ...(pairs.length === 0 ? [] : [table(pairs)]),
    ...(last.length === 0 ? [] : [make("p.small", {}, "The last that differ"), list(last)]),
  ];
}

/** @param {ShadowStatus["pairs"]} pairs */
function table(pairs) {
  const head = ["verdict", "would be", "items"].map((name) => make("th", { scope: "col" }, name));
  const rows = pairs.map(({ was, would, items }) =>
    make("tr", {}, make("th", { scope: "row" }, was), make("td", {}, would), make("td", {}, format.count(items))),
  );
  return make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows));
}

/** @param {ShadowStatus["last"]} last */
function list(last) {
  return make(
    "ul.plain",
    {},
    ...last.map(({ item, was, would }) =>
      make(
        "li.small",
        {},
        make("a", { href: `#item/${encodeURIComponent(item)}` }, item),
        make("span", {}, ` ${was}, would be ${would}`),
      ),
    ),
  );
}
