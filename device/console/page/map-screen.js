import { ask } from "./ask.js";
import { make, say, targetOf, wordsOf } from "./dom.js";
import * as format from "./format.js";
import { kindOf, mark, nameOf, paint, shapeOf } from "./marks.js";
import { referenceUrl, viewsUrl } from "./picture.js";
import { t } from "./words.js";

/** @import { Verdict } from "../../contract/messages.ts" */
/** @import { ItemMessage, MapShown, Point, StationStatus } from "../view.ts" */

/**
 * A mark on the map: a reference, or with `verdict` an item that passed.
 *
 * @typedef {{ key: string, kind: string, label: string, id: string, verdict?: Verdict }} Mark
 * @typedef {Mark & Point & { g: SVGElement, look: string }} Placed
 */

const SVG = "http://www.w3.org/2000/svg";
/** Fruit that passed and are still on the map. */
const ITEMS = 40;
/** A finger in a glove is meant to hit a point this far away. */
const REACH_PX = 40;
const EDGE_PX = 28;

/** References and the latest items in the plane in which the references differ most. */
export class MapScreen {
  #open = false;
  /** @type {readonly string[]} */
  #grades = [];
  /** @type {string | undefined} */
  #gallery;
  /** @type {MapShown | undefined} */
  #map;
  /** Oldest first. @type {(Point & { verdict: Verdict })[]} */
  #items = [];
  /** @type {Map<string, Placed>} */
  #points = new Map();
  /** @type {string | undefined} */
  #chosen;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #due;
  #title = make("h2", { tabindex: "-1" }, t("map.title"));
  #about = make("p.small");
  #wrong = make("p.said.wrong", { role: "alert" });
  #legend = make("ul.legend", { "aria-label": t("map.marks") });
  #svg = svg("svg", { role: "group", "aria-label": t("map.label") });
  #references = svg("g");
  #latest = svg("g");
  #card = make("div.card");
  #none = make("div.none", {}, make("p.what", {}, t("map.none")), make("p", {}, t("map.none.about")));
  #field;
  #whole;

  /** @param {HTMLElement} element */
  constructor(element) {
    this.#svg.append(this.#references, this.#latest);
    this.#field = make("div.field", {}, this.#svg);
    this.#whole = make("div.map", {}, this.#field, this.#card);
    element.append(
      make("div.bar-top", {}, this.#title),
      this.#wrong,
      this.#none,
      this.#legend,
      this.#whole,
      this.#about,
    );
    this.#choose(undefined);
    new ResizeObserver(() => this.#draw()).observe(this.#field);
    this.#svg.addEventListener("pointermove", (event) => {
      if (event.pointerType === "mouse") this.#pick(event);
    });
    this.#svg.addEventListener("pointerdown", (event) => this.#pick(event));
    this.#svg.addEventListener("focusin", (event) => this.#choose(keyOf(targetOf(event))));
    this.#svg.addEventListener("keydown", (event) => this.#key(event));
  }

  get title() {
    return this.#title;
  }

  open() {
    this.#open = true;
    void this.#load();
  }

  close() {
    this.#open = false;
    clearTimeout(this.#due);
    this.#due = undefined;
    this.#map = undefined;
    this.#items = [];
    this.#points.clear();
    this.#references.replaceChildren();
    this.#latest.replaceChildren();
    this.#choose(undefined);
  }

  /** The board was away: what passed meanwhile is asked for. */
  again() {
    if (this.#open) void this.#load();
  }

  /** @param {StationStatus} status */
  status({ gallery }) {
    this.#grades = gallery.grades;
    const hash = gallery.hash.slice(0, 16);
    if (hash === this.#gallery) return;
    this.#gallery = hash;
    if (this.#open) void this.#load();
  }

  /** @param {ItemMessage} item */
  item(item) {
    if (!this.#open || this.#map === undefined || item.spot === null || item.gallery !== this.#map.gallery) return;
    this.#items.push({ verdict: item, ...item.spot });
    if (this.#items.length > ITEMS) this.#items.shift();
    // One drawing for all that come in the same breath.
    this.#due ??= setTimeout(() => {
      this.#due = undefined;
      this.#draw();
    }, 200);
  }

  async #load() {
    try {
      const map = await ask("/api/map");
      if (!this.#open) return;
      this.#map = map ?? undefined;
      this.#items = (map?.items ?? []).slice(-ITEMS);
      say(this.#wrong, "");
      this.#draw();
    } catch (error) {
      say(this.#wrong, t("map.failed", { why: wordsOf(error) }));
    }
  }

  #draw() {
    const map = this.#map;
    this.#none.hidden = map !== undefined;
    this.#whole.hidden = map === undefined;
    this.#legend.hidden = map === undefined;
    if (map === undefined) return;
    const { width, height } = this.#field.getBoundingClientRect();
    if (width === 0) return;
    this.#svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const place = placing([...map.references, ...this.#items], width, height);
    const active = document.activeElement;
    const focused = active !== null && this.#svg.contains(active) ? keyOf(active) : undefined;
    const before = this.#points;
    this.#points = new Map();
    for (const reference of map.references) {
      const kind = `grade:${reference.grade}`;
      const label = t("map.reference", { grade: reference.grade });
      const point = { key: `r ${reference.id}`, kind, label, id: reference.id };
      this.#put(point, place(reference), 9, before);
    }
    const newest = this.#items.length - 1;
    for (const [index, { verdict, ...spot }] of this.#items.entries()) {
      const kind = kindOf(verdict);
      const { seq, lane } = verdict;
      const label = t("map.passed", { kind: nameOf(kind), seq, lane });
      const point = { key: `i ${verdict.item}`, kind, label, id: verdict.item, verdict };
      const g = this.#put(point, place(spot), index === newest ? 18 : 14, before);
      g.style.opacity = String(0.35 + 0.65 * ((index + 1) / this.#items.length));
      g.classList.toggle("newest", index === newest);
    }
    const all = [...this.#points.values()];
    arrangeIn(
      this.#references,
      all.filter(({ verdict }) => verdict === undefined),
    );
    arrangeIn(
      this.#latest,
      all.filter(({ verdict }) => verdict !== undefined),
    );
    if (focused !== undefined) this.#points.get(focused)?.g.focus();
    const first = this.#pointOf(this.#chosen) ?? all.at(-1);
    for (const { g } of all) g.setAttribute("tabindex", g === first?.g ? "0" : "-1");
    if (this.#chosen !== undefined && !this.#points.has(this.#chosen)) this.#choose(undefined);
    this.#tell(map);
  }

  /** @param {string | undefined} key */
  #pointOf(key) {
    return key === undefined ? undefined : this.#points.get(key);
  }

  /**
   * Points that stay are moved, so that the eye can follow them.
   *
   * @param {Mark} point
   * @param {Point} place
   * @param {number} size
   * @param {ReadonlyMap<string, Placed>} before
   */
  #put(point, { x, y }, size, before) {
    const look = `${point.kind} ${this.#grades.join(" ")}`;
    const there = before.get(point.key);
    const g = there !== undefined && there.look === look ? there.g : this.#make(point);
    g.style.transform = `translate(${x}px, ${y}px)`;
    g.style.setProperty("--size", String(size / 24));
    this.#points.set(point.key, { ...point, x, y, g, look });
    return g;
  }

  /** @param {Mark} mark */
  #make({ key, kind, label, verdict }) {
    const g = svg("g", { role: "img", "aria-label": label, class: verdict === undefined ? "point" : "point passed" });
    g.dataset.key = key;
    paint(g, kind, this.#grades);
    if (verdict !== undefined) g.append(svg("circle", { r: "15", class: "ring" }));
    const line = !kind.startsWith("grade:");
    g.append(
      svg("path", { d: shapeOf(kind, this.#grades), transform: "translate(-12 -12)", class: line ? "line" : "full" }),
    );
    return g;
  }

  /** @param {MapShown} map */
  #tell({ references, enrolled, explained }) {
    /** @type {Map<string, number | undefined>} */
    const counts = new Map(this.#grades.map((grade) => [`grade:${grade}`, 0]));
    for (const { grade } of references) counts.set(`grade:${grade}`, (counts.get(`grade:${grade}`) ?? 0) + 1);
    for (const { verdict } of this.#items) if (verdict.outcome !== "graded") counts.set(verdict.outcome, undefined);
    const key = JSON.stringify([...counts]);
    if (this.#legend.dataset.key !== key) {
      this.#legend.dataset.key = key;
      this.#legend.replaceChildren(
        ...[...counts].map(([kind, count]) => {
          const li = make("li", {}, mark(kind, this.#grades), make("span", {}, nameOf(kind)));
          if (count !== undefined) li.append(make("span.small", {}, t("map.enrolled", { n: format.count(count) })));
          paint(li, kind, this.#grades);
          return li;
        }),
      );
    }
    const part = references.length < enrolled ? ` ${t("map.part", { n: format.count(enrolled) })}` : "";
    const share = format.percent(explained.reduce((sum, one) => sum + one, 0));
    say(this.#about, `${t("map.about", { share })}${part}`);
  }

  /** @param {PointerEvent} event */
  #pick(event) {
    const box = this.#svg.getBoundingClientRect();
    const at = { x: event.clientX - box.left, y: event.clientY - box.top };
    let best;
    let reach = REACH_PX;
    for (const point of this.#points.values()) {
      const away = Math.hypot(point.x - at.x, point.y - at.y);
      if (away >= reach) continue;
      best = point.key;
      reach = away;
    }
    if (best !== undefined) this.#choose(best);
  }

  /** @param {string | undefined} key */
  #choose(key) {
    if (key !== undefined && key === this.#chosen) return;
    this.#pointOf(this.#chosen)?.g.classList.remove("chosen");
    this.#chosen = key;
    const point = this.#pointOf(key);
    if (point === undefined) {
      this.#chosen = undefined;
      this.#card.replaceChildren(make("p.small", {}, t("map.point")));
      return;
    }
    point.g.classList.add("chosen");
    for (const { g } of this.#points.values()) g.setAttribute("tabindex", g === point.g ? "0" : "-1");
    const { verdict } = point;
    const url = verdict !== undefined ? viewsUrl(point.id) : referenceUrl(point.id);
    const name = make("p.what", {}, mark(point.kind, this.#grades), make("b", {}, nameOf(point.kind)));
    paint(name, point.kind, this.#grades);
    const image = make("img", { src: url, alt: t("map.views-of", { label: point.label }), decoding: "async" });
    image.addEventListener("error", () => image.remove(), { once: true });
    const about =
      verdict !== undefined
        ? make("a.go", { href: `#item/${encodeURIComponent(point.id)}` }, t("map.why"))
        : make("p.small", {}, t("map.is-enrolled"));
    const which = verdict !== undefined ? t("item.of-lane", { seq: verdict.seq, lane: verdict.lane }) : "";
    this.#card.replaceChildren(name, make("p.small", {}, which), image, about);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const from = this.#pointOf(this.#chosen);
    const towards = TOWARDS.get(event.key);
    if (event.key === "Enter" && from?.verdict !== undefined) location.hash = `#item/${encodeURIComponent(from.id)}`;
    if (towards === undefined || from === undefined) return;
    event.preventDefault();
    /** @type {Placed | undefined} */
    let best;
    let least = Number.POSITIVE_INFINITY;
    for (const point of this.#points.values()) {
      const [right, down] = [point.x - from.x, point.y - from.y];
      const along = right * towards.x + down * towards.y;
      const across = Math.abs(right * towards.y) + Math.abs(down * towards.x);
      const cost = along + 2 * across;
      if (along <= 0.5 || cost >= least) continue;
      best = point;
      least = cost;
    }
    best?.g.focus();
  }
}

/** @type {ReadonlyMap<string, Point>} */
const TOWARDS = new Map([
  ["ArrowRight", { x: 1, y: 0 }],
  ["ArrowLeft", { x: -1, y: 0 }],
  ["ArrowUp", { x: 0, y: -1 }],
  ["ArrowDown", { x: 0, y: 1 }],
]);

/** @param {Element} element */
const keyOf = (element) => (element instanceof SVGElement ? element.dataset.key : undefined);

/**
 * Both axes in one scale: distances are to be compared by eye.
 *
 * @param {readonly Point[]} points
 * @param {number} width
 * @param {number} height
 * @returns {(point: Point) => Point}
 */
function placing(points, width, height) {
  const xs = points.map(({ x }) => x);
  const ys = points.map(({ y }) => y);
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const [low, high] = [Math.min(...ys), Math.max(...ys)];
  /** @param {number} px */
  const inner = (px) => Math.max(1, px - 2 * EDGE_PX);
  const scale = Math.min(inner(width) / Math.max(right - left, 1e-3), inner(height) / Math.max(high - low, 1e-3));
  return ({ x, y }) => ({
    x: Math.round((width / 2 + (x - (left + right) / 2) * scale) * 10) / 10,
    y: Math.round((height / 2 - (y - (low + high) / 2) * scale) * 10) / 10,
  });
}

/**
 * @param {SVGElement} parent
 * @param {readonly Placed[]} points
 */
function arrangeIn(parent, points) {
  /** @type {Set<Element>} */
  const wanted = new Set(points.map(({ g }) => g));
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  for (const { g } of points) if (g.parentNode !== parent) parent.append(g);
}

/**
 * @param {"svg" | "g" | "path" | "circle"} name
 * @param {Record<string, string>} attributes
 * @returns {SVGElement}
 */
function svg(name, attributes = {}) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return /** @type {SVGElement} */ (element);
}
