import { make } from "./dom.js";
import * as format from "./format.js";
import { t } from "./words.js";

/** @import { ShadowStatus } from "../view.ts" */

/** How the shadow recipe would have judged. */
export class Shadow {
  element;
  #body = make("div");
  /** @type {string | undefined} */
  #shown;

  constructor() {
    this.element = make("section.shadow", { hidden: "" }, make("h2", {}, t("shadow.title")), this.#body);
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
  const counts = { same: format.count(same), different: format.count(different) };
  const compared =
    items === 0
      ? t("shadow.same", counts)
      : t("shadow.same-share", { ...counts, share: format.percent(different / items) });
  const left = skipped === 0 ? "" : `; ${t("shadow.left", { n: format.count(skipped) })}`;
  return [
    make("p", {}, make("b", {}, recipe)),
    make("p.small", {}, t("system.since", { time: format.day(since) })),
    make("p.small", {}, `${compared}${left}`),
    ...(problem === null ? [] : [make("p.small", {}, t("shadow.problem", { why: problem }))]),
    ...(pairs.length === 0 ? [] : [table(pairs)]),
    ...(last.length === 0 ? [] : [make("p.small", {}, t("shadow.last")), list(last)]),
  ];
}

/** @param {ShadowStatus["pairs"]} pairs */
function table(pairs) {
  const head = [t("shadow.verdict"), t("shadow.would"), t("shadow.items")].map((name) =>
    make("th", { scope: "col" }, name),
  );
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
        make("span", {}, ` ${t("shadow.pair", { was, would })}`),
      ),
    ),
  );
}
