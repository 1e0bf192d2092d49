import { make } from "./dom.js";
import * as format from "./format.js";
import { kindOf, mark, nameOf, paint } from "./marks.js";
import { cut, referenceUrl, viewsUrl } from "./picture.js";
import { far, reasons, tellingView } from "./why.js";
import { t } from "./words.js";

/** @import { Verdict } from "../../contract/messages.ts" */
/** @import { ItemDetail, Why } from "../view.ts" */

const STAGES = /** @type {const} */ (["vision", "embed", "grade"]);

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
  const about = [t("detail.lane", { lane: verdict.lane }), t("detail.item", { seq: verdict.seq })];
  if (verdict.cup !== null) about.push(t("cup", { cup: verdict.cup }));
  if (verdict.sizeMm !== null) about.push(t("detail.mm", { mm: format.count(verdict.sizeMm) }));
  const line = make("p.what", {}, mark(kind, grades), make("b", {}, nameOf(kind)));
  if (verdict.late) line.append(make("span.badge.late", {}, t("late")));
  if (enrolled !== null) line.append(make("span.badge", {}, t("detail.enrolled", { grade: enrolled })));
  return make("div", {}, line, make("p.small", {}, about.join(", ")));
}

/** @param {ItemDetail} detail */
function words(detail) {
  const { verdict, views: told, pictured, why } = detail;
  const box = make("div.why");
  if (why !== null && why.gallery !== verdict.gallery) {
    const [before = "", after = ""] = t("detail.changed").split("{now}");
    box.append(make("p.since", {}, before, make("b", {}, nameOf(kindOf(why))), after));
  }
  box.append(make("ul", {}, ...reasons(detail).map((line) => make("li", {}, line))));
  const notes = [];
  if (told.length > 0 && told.length < verdict.views)
    notes.push(t("detail.some-views", { n: told.length, all: verdict.views }));
  if (pictured.length < told.length) notes.push(t("detail.some-pictures", { n: pictured.length, all: told.length }));
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
    "aria-label": t("detail.beside"),
    tabindex: "-1",
  });
  const like = why === null ? -1 : why.grades.findIndex(({ grade }) => grade === why.like);
  const open = new Set(why?.grades[Math.max(0, like)]?.uncovered);
  const buttons = pictured.map((index, at) => {
    const near = all[index]?.nearest[0];
    const label = t("detail.view", { n: index + 1 });
    const button = make(
      "button.view",
      { type: "button", "aria-pressed": "false" },
      cut(url, pictured.length, at, label),
      make(
        "span.small",
        {},
        near === undefined
          ? label
          : t("detail.view-near", { n: index + 1, grade: near.grade, distance: far(near.distance) }),
      ),
    );
    if (open.has(index)) {
      button.classList.add("open");
      button.append(make("span.hidden", {}, t("detail.uncovered")));
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
  const title = make("h3", {}, t("detail.views"), make("span.small", {}, ` ${t("detail.views.about")}`));
  const list = byCamera(detail, buttons);
  return make("section", { "aria-label": t("detail.views.label") }, title, list, compared);
}

/**
 * What each camera of the lane saw stands beside what the others saw; those that saw nothing have their place, too.
 *
 * @param {ItemDetail} detail
 * @param {readonly HTMLElement[]} buttons of the views with pictures
 */
function byCamera({ verdict, views: all, pictured }, buttons) {
  if (verdict.cameras === undefined || all.some(({ camera }) => camera === undefined))
    return make("div.views", {}, ...buttons);
  const columns = verdict.cameras.map((camera) => {
    const own = buttons.filter((_, at) => all[pictured[at] ?? 0]?.camera === camera);
    return column(camera, own.length === 0 ? [make("p.small", {}, "–")] : own);
  });
  const missing = (verdict.camerasMissing ?? []).map((camera) =>
    column(camera, [make("p.small", {}, t("detail.camera-missing"))]),
  );
  return make("div.by-camera", {}, ...columns, ...missing);
}

/**
 * @param {string} camera
 * @param {readonly HTMLElement[]} content
 */
function column(camera, content) {
  const name = t("detail.camera", { camera });
  return make(
    "div.camera-views",
    { role: "group", "aria-label": name },
    make("h4", {}, name),
    make("div.views", {}, ...content),
  );
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
  const name = t("detail.view", { n: index + 1 });
  const own = make("figure", {}, cut(url, pictured.length, at, name), make("figcaption", {}, name));
  const limits = new Map(why?.grades.map(({ grade, limit }) => [grade, limit]));
  const others = (all[index]?.nearest ?? []).slice(0, 4).map(({ reference, grade, view, views: of, distance }) => {
    const kind = `grade:${grade}`;
    const limit = limits.get(grade);
    const inside = limit !== undefined && distance <= limit;
    const words = limit === undefined ? "" : t(inside ? "detail.within" : "detail.over", { limit: far(limit) });
    const figure = make(
      "figure",
      {},
      cut(referenceUrl(reference), of, view, t("detail.nearest-of", { grade })),
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
  return others.length === 0
    ? [own]
    : [own, make("p.versus", { "aria-hidden": "true" }, t("detail.nearest")), ...others];
}

/**
 * @param {Why} why
 * @param {readonly string[]} grades
 */
function table({ grades: all }, grades) {
  const head = [
    t("detail.head.grade"),
    t("detail.head.distance"),
    t("detail.head.limit"),
    t("detail.head.p"),
    t("detail.head.uncovered"),
  ];
  const rows = all.map(({ grade, distance, limit, pValue, uncovered }) => {
    const name = make("th", { scope: "row" }, mark(`grade:${grade}`, grades), ` ${grade}`);
    paint(name, `grade:${grade}`, grades);
    return make(
      "tr",
      {},
      name,
      make("td", {}, distance === null ? "–" : far(distance)),
      make("td", {}, far(limit)),
      make("td", {}, pValue === null ? "–" : far(pValue)),
      make("td", {}, uncovered.length === 0 ? t("none") : uncovered.map((view) => view + 1).join(", ")),
    );
  });
  const about = t("detail.by-grade.about");
  return make(
    "section",
    { "aria-label": t("detail.grades") },
    make("h3", {}, t("detail.by-grade"), make("span.small", {}, ` ${about}`)),
    make(
      "div.scroll",
      { tabindex: "0", role: "group", "aria-label": t("detail.by-grade") },
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
    [t("detail.exposed")]: format.timeOfDay(exposedAt),
    [t("detail.decided")]: format.timeOfDay(decidedAt),
    [t("detail.gate")]: t(late ? "detail.gate.late" : "detail.gate.spare", {
      time: format.timeOfDay(gateAt),
      s: far(Math.abs(spare)),
    }),
    [t("detail.view-count")]:
      verdict.cameras === undefined
        ? String(verdict.views)
        : t("detail.view-count.of", { n: verdict.views, cameras: verdict.cameras.join(", ") }),
    [t("margin")]: verdict.margin === null ? "–" : format.margin(verdict.margin),
    [t("detail.name.item")]: verdict.item,
    [t("detail.name.model")]: verdict.model,
    [t("detail.name.gallery")]: verdict.gallery,
  };
  if (verdict.recipe !== null) list[t("detail.name.recipe")] = String(verdict.recipe);
  for (const stage of STAGES) {
    const time = ms[stage];
    if (typeof time === "number") list[t(`detail.stage.${stage}`)] = `${format.millis(time)} ${t("unit.ms")}`;
  }
  const entries = Object.entries(list).map(([name, value]) =>
    make("div", {}, make("dt", {}, name), make("dd", {}, value)),
  );
  return make(
    "section",
    { "aria-label": t("detail.times.label") },
    make("h3", {}, t("detail.times")),
    make("dl.pairs", {}, ...entries),
  );
}
