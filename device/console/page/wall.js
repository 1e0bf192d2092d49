import { at, keyed, make, say } from "./dom.js";
import { follow } from "./feed.js";
import * as format from "./format.js";
import { kindOf, mark, nameOf, outcomes, paint } from "./marks.js";
import { inWords, ofLane, toneOf } from "./reasons.js";
import { t } from "./words.js";

/** @import { ItemMessage, LaneStatus, PageEvents, StationStatus } from "../view.ts" */

/** What counts as now. */
const NOW_MS = 60_000;

/** Fruit of the last minute by lane: when they came, and what they are. @type {Map<string, { at: number, kind: string }[]>} */
const recent = new Map();
/** @type {Map<string, Band>} */
const bands = new Map();
const list = keyed(at("lanes"), (id) => {
  const band = new Band(id);
  bands.set(id, band);
  return band.element;
});
/** @type {string | undefined} */
let page;

follow({
  event: {
    snapshot: begin,
    status: show,
    item: count,
  },
  lost() {
    document.body.dataset.link = "lost";
    showState("bad", t("state.lost"));
  },
});

/** @param {PageEvents["snapshot"]} snapshot */
function begin(snapshot) {
  if (page !== undefined && page !== snapshot.page) location.reload();
  page = snapshot.page;
  delete document.body.dataset.link;
  recent.clear();
  for (const items of Object.values(snapshot.items)) for (const item of [...items].reverse()) count(item);
  show(snapshot.status);
}

/** @param {ItemMessage} item */
function count(item) {
  const items = recent.get(item.lane) ?? [];
  recent.set(item.lane, items);
  items.push({ at: Date.parse(item.decidedAt), kind: kindOf(item) });
}

/** @param {StationStatus} status */
function show(status) {
  say(at("device"), status.device);
  const { causes } = status;
  const general = causes.filter(({ lane, camera }) => lane === undefined && camera === undefined);
  const tone = status.state === "stopped" ? "idle" : toneOf(causes);
  const words = general.length === 0 ? t(`state.${status.state}`) : general.map(inWords).join("; ");
  showState(tone, words);
  document.title = `${status.device} – ${t("wall.title")}`;
  const [number, label] = at("unknown").children;
  if (number !== undefined) say(number, format.count(status.queue.items));
  if (label !== undefined) say(label, t("wall.unknown"));
  const lanes = new Map(status.lanes.map((lane) => [lane.id, lane]));
  at("lanes").style.setProperty("--lanes", String(lanes.size));
  list([...lanes.keys()]);
  for (const [id, band] of bands) {
    const lane = lanes.get(id);
    if (lane === undefined) bands.delete(id);
    else band.status(lane, status);
  }
}

/**
 * @param {string} tone
 * @param {string} words
 */
function showState(tone, words) {
  at("state").dataset.tone = tone;
  const place = at("state").querySelector(".words");
  if (place !== null) say(place, words);
}

/** One lane, to be read from two metres. */
class Band {
  element;
  #words = make("span.words");
  #rate = make("b");
  #late = make("b");
  #lateBox;
  #now;
  #all;

  /** @param {string} id */
  constructor(id) {
    const title = `lane-${id}`;
    this.#lateBox = make("p.band-figure", {}, this.#late, make("span", {}, t("wall.late")));
    this.#now = new Shares(t("wall.now"));
    this.#all = new Shares(t("wall.since-start"));
    this.element = make(
      "section.band",
      { "aria-labelledby": title, "data-tone": "idle" },
      make("p.band-state", {}, make("span.sign", { "aria-hidden": "true" }), this.#words),
      make("h2", { id: title }, id),
      make("p.band-figure", {}, this.#rate, make("span", {}, t("wall.per-minute"))),
      this.#lateBox,
      this.#now.element,
      this.#all.element,
    );
  }

  /**
   * @param {LaneStatus} lane
   * @param {StationStatus} status
   */
  status(lane, { causes, gallery, state }) {
    const mine = ofLane(causes, lane);
    this.element.dataset.tone = lane.paused || state === "stopped" ? "idle" : toneOf(mine);
    const words = lane.paused ? t("lane.paused") : mine.map(inWords).join("; ");
    say(this.#words, words === "" ? t("lane.fine") : words);
    say(this.#rate, format.rate(lane.perMinute));
    say(this.#late, format.count(lane.late));
    this.#lateBox.dataset.tone = lane.late > 0 ? "bad" : "";
    const since = Date.now() - NOW_MS;
    const items = (recent.get(lane.id) ?? []).filter((item) => item.at >= since);
    recent.set(lane.id, items);
    const now = new Map(gallery.grades.map((grade) => [`grade:${grade}`, 0]));
    for (const { kind } of items) now.set(kind, (now.get(kind) ?? 0) + 1);
    this.#now.show(now, gallery.grades);
    const all = new Map(gallery.grades.map((grade) => [`grade:${grade}`, 0]));
    for (const [grade, number] of Object.entries(lane.grades)) all.set(`grade:${grade}`, number);
    for (const outcome of outcomes) all.set(outcome, lane.outcomes[outcome]);
    this.#all.show(all, gallery.grades);
  }
}

/** Shares of each kind of fruit, as a row of names with percentages over a bar. */
class Shares {
  element;
  #bar = make("div.share", { "aria-hidden": "true" });
  #names = make("ul");

  /** @param {string} title */
  constructor(title) {
    this.element = make(
      "div.shares",
      { role: "group", "aria-label": title },
      make("p", {}, title),
      this.#bar,
      this.#names,
    );
  }

  /**
   * @param {ReadonlyMap<string, number>} counts
   * @param {readonly string[]} grades
   */
  show(counts, grades) {
    const kinds = [...counts].filter(([kind, number]) => kind !== "empty" && number > 0);
    const whole = kinds.reduce((sum, [, number]) => sum + number, 0);
    this.#bar.replaceChildren(
      ...kinds.map(([kind, number]) => {
        const part = make("span");
        paint(part, kind, grades);
        part.style.setProperty("flex-grow", String(number));
        return part;
      }),
    );
    if (whole === 0) return this.#names.replaceChildren(make("li", {}, t("wall.no-fruit")));
    this.#names.replaceChildren(
      ...kinds.map(([kind, number]) => {
        const li = make(
          "li",
          {},
          mark(kind, grades),
          make("span", {}, nameOf(kind)),
          make("b.percent", {}, format.percent(number / whole)),
        );
        paint(li, kind, grades);
        return li;
      }),
    );
  }
}
