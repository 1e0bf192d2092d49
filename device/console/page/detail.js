import { make } from "./dom.js";
import * as format from "./format.js";
import { kindOf, mark, nameOf, paint } from "./marks.js";
import { cut, referenceUrl, viewsUrl } from "./picture.js";
import { far, reasons, tellingView } from "./why.js";

/** @import { Verdict } from "../../contract/messages.ts" */
/** @import { ItemDetail, Why } from "../view.ts" */

const STAGES = /** @type {const} */ ({ vision: "found and followed", embed: "embedded", grade: "graded" });

/**
 * Everything about one item: why it got its grade, its views, the references nearest to them, times.
 *
 * @param {ItemDetail} detail
 * @param {readonly string[]} grades best first
 */
export function describe(detail, grades) {
  const { verdict } = detail;
  const article = make("article.detail");
  paint(article, kindOf(verdict), grades);
  article.append(head(detail, grades), words(detail));
  if (detail.views.length > 0) article.append(views(detail, grades));
  if (detail.why !== null) article.append(table(detail.why, grades));
  article.append(facts(verdict));
  return article;
}

/**
 * @param {ItemDetail} detail
 * @param {readonly string[]} grades
 */
function head({ verdict, enrolled }, grades) {
  const kind = kindOf(verdict);
  const about = [`lane ${verdict.lane}`, `item ${verdict.seq}`];
  if (verdict.cup !== null) about.push(`cup ${verdict.cup}`);
  if (verdict.sizeMm !== null) about.push(`${format.count(verdict.sizeMm)} mm`);
  const line = make("p.what", {}, mark(kind, grades), make("b", {}, nameOf(kind)));
  if (verdict.late) line.append(make("span.badge.late", {}, "late"));
  if (enrolled !== null) line.append(make("span.badge", {}, `enrolled as ${enrolled}`));
  return make("div", {}, line, make("p.small", {}, about.join(", ")));
}

/** @param {ItemDetail} detail */
function words(detail) {
  const { verdict, views: told, pictured, why } = detail;
  const box = make("div.why");
  if (why !== null && why.gallery !== verdict.gallery) {
    const now = why.grade ?? why.outcome;
    box.append(
      make("p.since", {}, "The references have changed since. By those enrolled now: ", make("b", {}, now), "."),
    );
  }
  box.append(make("ul", {}, ...reasons(detail).map((line) => make("li", {}, line))));
  const notes = [];
  if (told.length > 0 && told.length < verdict.views)
    notes.push(`This is by ${told.length} of its ${verdict.views} views.`);
  if (pictured.length < told.length) notes.push(`${pictured.length} of ${told.length} views are kept as pictures.`);
  if (notes.length > 0) box.append(make("p.small", {}, notes.join(" ")));
  return box;
}

/**
 * @param {ItemDetail} detail
 * @param {readonly string[]} grades
 */
function views(detail, grades) {
  const { verdict, views: all, pictured, why } = detail;
  const url = viewsUrl(verdict.item);
  const compared = make("div.compared", {
    role: "group",
    "aria-label": "Beside its nearest references",
    tabindex: "-1",
  });
  const like = why === null ? -1 : why.grades.findIndex(({ grade }) => grade === why.like);
  const open = new Set(why?.grades[Math.max(0, like)]?.uncovered);
  const buttons = pictured.map((index, at) => {
    const near = all[index]?.nearest[0];
    const label = `view ${index + 1}`;
    const button = make(
      "button.view",
      { type: "button", "aria-pressed": "false" },
      cut(url, pictured.length, at, label),
      make("span.small", {}, near === undefined ? label : `${index + 1}: ${near.grade} ${far(near.distance)}`),
    );
    if (open.has(index)) {
      button.classList.add("open");
      button.append(make("span.hidden", {}, ", not covered"));
    }
    button.addEventListener("click", () => choose(index));
    return button;
  });
  /** @param {number} index */
  function choose(index) {
    for (const [at, button] of buttons.entries()) button.setAttribute("aria-pressed", String(pictured[at] === index));
    compared.replaceChildren(...beside(detail, index, url, grades));
  }
  choose(tellingView(detail) ?? 0);
  const title = make(
    "h3",
    {},
    "Its views",
    make("span.small", {}, " in the order in which they were taken; broken line: not covered"),
  );
  return make("section", { "aria-label": "Views" }, title, make("div.views", {}, ...buttons), compared);
}

/**
 * A view, large, and the enrolled view of each grade that is most like it.
 *
 * @param {ItemDetail} detail
 * @param {number} index
 * @param {string} url
 * @param {readonly string[]} grades
 */
function beside({ views: all, pictured, why }, index, url, grades) {
  const at = pictured.indexOf(index);
  const own = make(
    "figure",
    {},
    cut(url, pictured.length, at, `view ${index + 1}`),
    make("figcaption", {}, `view ${index + 1}`),
  );
  const limits = new Map(why?.grades.map(({ grade, limit }) => [grade, limit]));
  const others = (all[index]?.nearest ?? []).slice(0, 4).map(({ reference, grade, view, views: of, distance }) => {
    const kind = `grade:${grade}`;
    const limit = limits.get(grade);
    const inside = limit !== undefined && distance <= limit;
    const words = limit === undefined ? "" : inside ? `within ${far(limit)}` : `over the limit ${far(limit)}`;
    const figure = make(
      "figure",
      {},
      cut(referenceUrl(reference), of, view, `nearest reference of ${grade}`),
      make(
        "figcaption",
        {},
        mark(kind, grades),
        make("b", {}, `${grade} ${far(distance)}`),
        make("span.small", {}, words),
      ),
    );
    paint(figure, kind, grades);
    if (!inside) figure.classList.add("over");
    return figure;
  });
  return others.length === 0 ? [own] : [own, make("p.versus", { "aria-hidden": "true" }, "nearest"), ...others];
}

/**
 * @param {Why} why
 * @param {readonly string[]} grades
 */
function table({ grades: all }, grades) {
  const head = ["grade", "distance", "limit", "p-value", "not covered"];
  const rows = all.map(({ grade, distance, limit, pValue, uncovered }) => {
    const name = make("th", { scope: "row" }, mark(`grade:${grade}`, grades), ` ${grade}`);
    paint(name, `grade:${grade}`, grades);
    return make(
      "tr",
      {},
      name,
      make("td", {}, distance === null ? "–" : far(distance)),
      make("td", {}, far(limit)),
      make("td", {}, pValue === null ? "–" : pValue.toFixed(2)),
      make("td", {}, uncovered.length === 0 ? "none" : uncovered.map((view) => view + 1).join(", ")),
    );
  });
  const about = "each with all better ones; p-value: the share of good fruit as far";
  return make(
    "section",
    { "aria-label": "Grades" },
    make("h3", {}, "By grade", make("span.small", {}, ` ${about}`)),
    make(
      "div.scroll",
      { tabindex: "0", role: "group", "aria-label": "By grade" },
      make(
        "table",
        {},
        make("thead", {}, make("tr", {}, ...head.map((name) => make("th", { scope: "col" }, name)))),
        make("tbody", {}, ...rows),
      ),
    ),
  );
}

/** @param {Verdict} verdict */
function facts(verdict) {
  const { exposedAt, decidedAt, gateAt, late, ms } = verdict;
  const spare = (Date.parse(gateAt) - Date.parse(decidedAt)) / 1000;
  /** @type {Record<string, string>} */
  const list = {
    exposed: format.timeOfDay(exposedAt),
    decided: format.timeOfDay(decidedAt),
    "at the gate": `${format.timeOfDay(gateAt)}, ${late ? `decided ${Math.abs(spare).toFixed(2)} s too late` : `${spare.toFixed(2)} s after the decision`}`,
    views: verdict.cameras === undefined ? String(verdict.views) : `${verdict.views} of ${verdict.cameras.join(", ")}`,
    margin: verdict.margin === null ? "–" : format.margin(verdict.margin),
    item: verdict.item,
    model: verdict.model,
    gallery: verdict.gallery,
  };
  if (verdict.recipe !== null) list.recipe = String(verdict.recipe);
  for (const stage of /** @type {(keyof typeof STAGES)[]} */ (Object.keys(STAGES))) {
    const time = ms[stage];
    if (typeof time === "number") list[STAGES[stage]] = `${format.millis(time)} ms`;
  }
  const entries = Object.entries(list).map(([name, value]) =>
    make("div", {}, make("dt", {}, name), make("dd", {}, value)),
  );
  return make(
    "section",
    { "aria-label": "Times" },
    make("h3", {}, "Times and names"),
    make("dl.pairs", {}, ...entries),
  );
}
