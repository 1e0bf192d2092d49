import { ask } from "./ask.js";
import { make, say } from "./dom.js";
import * as format from "./format.js";
import { kindOf, mark, nameOf, paint, shapeOf } from "./marks.js";
import { referenceUrl, viewsUrl } from "./picture.js";

const SVG = "http://www.w3.org/2000/svg";
/** Fruit that passed and are still on the map. */
const ITEMS = 40;
/** A finger in a glove is meant to hit a point this far away. */
const REACH_PX = 40;
const EDGE_PX = 28;

/** References and the latest items in the plane in which the references differ most. */
export class MapRoom {
  #open = false;
  #grades = [];
  #gallery;
  #map;
  /** Oldest first. */
  #items = [];
  #points = new Map();
  #chosen;
  #due;
  #title = make("h2", { tabindex: "-1" }, "Map");
  #about = make("p.small");
  #wrong = make("p.said.wrong", { role: "alert" });
  #legend = make("ul.legend", { "aria-label": "Marks" });
  #svg = svg("svg", { role: "group", "aria-label": "Map of fruit; arrow keys go from one to the next" });
  #references = svg("g");
  #latest = svg("g");
  #card = make("div.card");
  #none = make(
    "div.none",
    {},
    make("p.what", {}, "No map yet"),
    make("p", {}, "It is drawn as soon as fruit are enrolled."),
  );
  #field;

  constructor(element) {
    this.#svg.append(this.#references, this.#latest);
    this.#field = make("div.field", {}, this.#svg);
    element.append(
      make("div.bar-top", {}, this.#title),
      this.#wrong,
      this.#none,
      this.#legend,
      make("div.map", {}, this.#field, this.#card),
      this.#about,
    );
    this.#choose(undefined);
    new ResizeObserver(() => this.#draw()).observe(this.#field);
    this.#svg.addEventListener("pointermove", (event) => {
      if (event.pointerType === "mouse") this.#pick(event);
    });
    this.#svg.addEventListener("pointerdown", (event) => this.#pick(event));
    this.#svg.addEventListener("focusin", (event) => this.#choose(event.target.dataset.key));
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

  status({ gallery }) {
    this.#grades = gallery.grades;
    const hash = gallery.hash.slice(0, 16);
    if (hash === this.#gallery) return;
    this.#gallery = hash;
    if (this.#open) void this.#load();
  }

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
      say(this.#wrong, `The map cannot be shown: ${error.message}`);
    }
  }

  #draw() {
    const map = this.#map;
    this.#none.hidden = map !== undefined;
    this.#field.parentElement.hidden = map === undefined;
    this.#legend.hidden = map === undefined;
    if (map === undefined) return;
    const { width, height } = this.#field.getBoundingClientRect();
    if (width === 0) return;
    this.#svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const place = placing([...map.references, ...this.#items], width, height);
    const focused = this.#svg.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
    const before = this.#points;
    this.#points = new Map();
    for (const reference of map.references) {
      const kind = `grade:${reference.grade}`;
      const label = `reference, ${reference.grade}`;
      const point = { key: `r ${reference.id}`, kind, label, id: reference.id, item: false };
      this.#put(point, place(reference), 9, before);
    }
    const newest = this.#items.length - 1;
    for (const [index, { verdict, ...spot }] of this.#items.entries()) {
      const kind = kindOf(verdict);
      const label = `${nameOf(kind)}, item ${verdict.seq} of lane ${verdict.lane}`;
      const point = { key: `i ${verdict.item}`, kind, label, id: verdict.item, item: true, verdict };
      const g = this.#put(point, place(spot), index === newest ? 18 : 14, before);
      g.style.opacity = String(0.35 + 0.65 * ((index + 1) / this.#items.length));
      g.classList.toggle("newest", index === newest);
    }
    const all = [...this.#points.values()];
    arrangeIn(
      this.#references,
      all.filter(({ item }) => !item),
    );
    arrangeIn(
      this.#latest,
      all.filter(({ item }) => item),
    );
    if (focused !== undefined) this.#points.get(focused)?.g.focus();
    const first = this.#points.get(this.#chosen) ?? all.at(-1);
    for (const { g } of all) g.setAttribute("tabindex", g === first?.g ? "0" : "-1");
    if (this.#chosen !== undefined && !this.#points.has(this.#chosen)) this.#choose(undefined);
    this.#tell(map);
  }

  /** Points that stay are moved, so that the eye can follow them. */
  #put(point, { x, y }, size, before) {
    const look = `${point.kind} ${this.#grades.join(" ")}`;
    const there = before.get(point.key);
    const g = there?.look === look ? there.g : this.#make(point);
    g.style.transform = `translate(${x}px, ${y}px)`;
    g.style.setProperty("--size", String(size / 24));
    this.#points.set(point.key, { ...point, x, y, g, look });
    return g;
  }

  #make({ key, kind, label, item }) {
    const g = svg("g", { role: "img", "aria-label": label, class: item ? "point passed" : "point" });
    g.dataset.key = key;
    paint(g, kind, this.#grades);
    if (item) g.append(svg("circle", { r: "15", class: "ring" }));
    const line = !kind.startsWith("grade:");
    g.append(
      svg("path", { d: shapeOf(kind, this.#grades), transform: "translate(-12 -12)", class: line ? "line" : "full" }),
    );
    return g;
  }

  #tell({ references, enrolled, explained }) {
    const counts = new Map(this.#grades.map((grade) => [`grade:${grade}`, 0]));
    for (const { grade } of references) counts.set(`grade:${grade}`, (counts.get(`grade:${grade}`) ?? 0) + 1);
    for (const { verdict } of this.#items) if (verdict.outcome !== "graded") counts.set(verdict.outcome, undefined);
    const key = JSON.stringify([...counts]);
    if (this.#legend.dataset.key !== key) {
      this.#legend.dataset.key = key;
      this.#legend.replaceChildren(
        ...[...counts].map(([kind, count]) => {
          const li = make("li", {}, mark(kind, this.#grades), make("span", {}, nameOf(kind)));
          if (count !== undefined) li.append(make("span.small", {}, `${format.count(count)} enrolled`));
          paint(li, kind, this.#grades);
          return li;
        }),
      );
    }
    const part =
      references.length < enrolled ? ` An even part of the ${format.count(enrolled)} enrolled is shown.` : "";
    const share = format.percent(explained.reduce((sum, one) => sum + one, 0));
    say(
      this.#about,
      `Small marks are enrolled fruit, ringed ones have just passed; what lies near each other is alike. The plane shows ${share} of how the references differ.${part}`,
    );
  }

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

  #choose(key) {
    if (key !== undefined && key === this.#chosen) return;
    this.#points.get(this.#chosen)?.g.classList.remove("chosen");
    this.#chosen = key;
    const point = this.#points.get(key);
    if (point === undefined) {
      this.#chosen = undefined;
      this.#card.replaceChildren(make("p.small", {}, "Point at a mark, or reach it with the arrow keys, to see it."));
      return;
    }
    point.g.classList.add("chosen");
    for (const { g } of this.#points.values()) g.setAttribute("tabindex", g === point.g ? "0" : "-1");
    const url = point.item ? viewsUrl(point.id) : referenceUrl(point.id);
    const name = make("p.what", {}, mark(point.kind, this.#grades), make("b", {}, nameOf(point.kind)));
    paint(name, point.kind, this.#grades);
    const image = make("img", { src: url, alt: `Views of ${point.label}`, decoding: "async" });
    image.addEventListener("error", () => image.remove(), { once: true });
    const about = point.item
      ? make("a.go", { href: `#item/${encodeURIComponent(point.id)}` }, "Why this grade?")
      : make("p.small", {}, "enrolled");
    const which = point.item ? `item ${point.verdict.seq} of lane ${point.verdict.lane}` : "";
    this.#card.replaceChildren(name, make("p.small", {}, which), image, about);
  }

  #key(event) {
    const from = this.#points.get(this.#chosen);
    const towards = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.key === "Enter" && from?.item) location.hash = `#item/${encodeURIComponent(from.id)}`;
    if (towards === undefined || from === undefined) return;
    event.preventDefault();
    let best;
    let least = Number.POSITIVE_INFINITY;
    for (const point of this.#points.values()) {
      const along = (point.x - from.x) * towards[0] + (point.y - from.y) * towards[1];
      const across = Math.abs((point.x - from.x) * towards[1]) + Math.abs((point.y - from.y) * towards[0]);
      const cost = along + 2 * across;
      if (along <= 0.5 || cost >= least) continue;
      best = point;
      least = cost;
    }
    best?.g.focus();
  }
}

/** Both axes in one scale: distances are to be compared by eye. */
function placing(points, width, height) {
  const xs = points.map(({ x }) => x);
  const ys = points.map(({ y }) => y);
  const [left, right, low, high] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const room = (px) => Math.max(1, px - 2 * EDGE_PX);
  const scale = Math.min(room(width) / Math.max(right - left, 1e-3), room(height) / Math.max(high - low, 1e-3));
  return ({ x, y }) => ({
    x: Math.round((width / 2 + (x - (left + right) / 2) * scale) * 10) / 10,
    y: Math.round((height / 2 - (y - (low + high) / 2) * scale) * 10) / 10,
  });
}

function arrangeIn(parent, points) {
  const wanted = new Set(points.map(({ g }) => g));
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  for (const { g } of points) if (g.parentNode !== parent) parent.append(g);
}

function svg(name, attributes = {}) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}
