import { arrange, keyed, make, say, targetOf } from "./dom.js";
import * as format from "./format.js";
import { tile } from "./item.js";
import { mark, nameOf, outcomes, paint } from "./marks.js";
import { inWords, ofLane, toneOf } from "./reasons.js";
import { t } from "./words.js";

/** @import { CameraStatus, GalleryStatus, ItemMessage, LaneStatus, ReasonShown } from "../view.ts" */

const SHOWN = 16;
/** A strip that moves with every fruit of a quick lane cannot be read: so long it rests at least. */
const CALM_MS = 400;
const STILL_MS = 2000;
const still = matchMedia("(prefers-reduced-motion: reduce)");

/** One row of fruit: what it counts, and its latest items, newest first. */
export class Lane {
  element;
  /** @type {ItemMessage[]} */
  #items = [];
  /** @type {Map<string, HTMLElement>} */
  #tiles = new Map();
  /** @type {readonly string[]} */
  #grades = [];
  #held = false;
  /** A pointer is over the items. */
  #resting = false;
  #missed = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #due;
  #drawnAt = Number.NEGATIVE_INFINITY;
  #parts;
  #tally;

  /** @param {string} id */
  constructor(id) {
    const title = `lane-${id}`;
    const parts = {
      about: make("p.small"),
      band: make(
        "p.lane-state",
        { "data-tone": "idle" },
        make("span.sign", { "aria-hidden": "true" }),
        make("span.words"),
      ),
      paused: make("p.badge", { hidden: "" }, t("lane.paused")),
      enrolls: make("p.badge.enrolls", { hidden: "" }),
      rate: make("p.rate"),
      hold: make("button.hold", { type: "button", "aria-pressed": "false" }, t("lane.hold")),
      share: make("div.share", { "aria-hidden": "true" }),
      tally: make("ul.tally", { "aria-label": t("lane.counts", { lane: id }) }),
      strip: make("ol.strip", { "aria-label": t("lane.latest", { lane: id }) }),
      empty: make("div.none"),
    };
    this.#parts = parts;
    this.element = make(
      "section.lane",
      { "aria-labelledby": title },
      parts.band,
      make(
        "div.head",
        {},
        make("div.title", {}, make("h2", { id: title }, id), parts.about),
        parts.paused,
        parts.enrolls,
        parts.rate,
        parts.hold,
      ),
      parts.share,
      parts.tally,
      parts.empty,
      parts.strip,
    );
    this.#tally = keyed(parts.tally, () => make("li"));
    parts.hold.addEventListener("click", () => this.#hold(!this.#held));
    parts.strip.addEventListener("keydown", (event) => this.#key(event));
    // Who reads an item with the keyboard must not lose it under the focus.
    parts.strip.addEventListener("focusin", (event) => {
      if (targetOf(event).matches(":focus-visible")) this.#hold(true);
    });
    // What somebody is about to hit must not move away under the pointer.
    parts.strip.addEventListener("pointerenter", () => this.#rest(true));
    for (const end of ["pointerleave", "pointercancel"]) parts.strip.addEventListener(end, () => this.#rest(false));
  }

  /**
   * Begins anew with what the daemon has kept, newest first.
   *
   * @param {readonly ItemMessage[]} items
   * @param {readonly string[]} grades
   */
  reset(items, grades) {
    this.#grades = grades;
    this.#items = items.slice(0, SHOWN);
    this.#tiles.clear();
    this.#missed = 0;
    this.#held = false;
    this.#sayHold();
    this.#draw();
  }

  /** @param {ItemMessage} item */
  add(item) {
    this.#items.unshift(item);
    this.#items.length = Math.min(this.#items.length, SHOWN);
    if (this.#held) {
      this.#missed++;
      this.#sayHold();
    } else {
      // Made before it is shown, so that its picture is here by then.
      this.#tiles.set(item.item, tile(item, this.#grades));
      if (!this.#resting) this.#drawSoon();
    }
  }

  /**
   * @param {LaneStatus} lane
   * @param {CameraStatus | undefined} camera
   * @param {GalleryStatus} gallery
   * @param {readonly ReasonShown[]} causes what is wrong with the whole line
   */
  status(lane, camera, gallery, causes) {
    const { about, band, paused, enrolls, rate } = this.#parts;
    const mine = ofLane(causes, lane);
    band.dataset.tone = lane.paused ? "idle" : toneOf(mine);
    const words = band.querySelector(".words");
    const why = lane.paused ? t("lane.paused") : mine.map(inWords).join("; ");
    if (words !== null) say(words, why === "" ? t("lane.fine") : why);
    say(about, t("lane.about", { conveyor: t(`lane.${lane.conveyor}`), camera: lane.camera }));
    paused.hidden = !lane.paused;
    this.element.classList.toggle("resting", lane.paused);
    const [before = "", after = ""] = t("lane.per-minute").split("{rate}");
    rate.replaceChildren(before, make("b", {}, format.rate(lane.perMinute)), after);
    const { enrolling } = lane;
    const passed = enrolling === null ? "" : t("lane.enrolling", enrolling);
    say(enrolls, passed);
    enrolls.hidden = passed === "";
    this.#grades = gallery.grades;
    this.#count(lane);
    this.#advise(lane, camera, gallery);
  }

  /** @param {LaneStatus} lane */
  #count(lane) {
    /** @type {Map<string, number>} */
    const counts = new Map(this.#grades.map((grade) => [`grade:${grade}`, 0]));
    // Grades that only an earlier gallery had are still part of the count.
    for (const [grade, count] of Object.entries(lane.grades)) counts.set(`grade:${grade}`, count);
    for (const outcome of outcomes) {
      const count = lane.outcomes[outcome];
      if (count > 0 || outcome === "unknown") counts.set(outcome, count);
    }
    const kinds = [...counts.keys()];
    const fruit = lane.items - lane.outcomes.empty;
    this.#tally([...kinds, ...(lane.late > 0 ? ["late"] : [])], (li, kind) => {
      if (kind === "late") return fill(li, "late", [make("span", {}, t("late"))], lane.late, lane.items);
      paint(li, kind, this.#grades);
      const sign = [mark(kind, this.#grades), make("span", {}, nameOf(kind))];
      fill(li, "", sign, counts.get(kind) ?? 0, kind === "empty" ? lane.items : fruit);
    });
    this.#parts.share.replaceChildren(
      ...kinds
        .filter((kind) => kind !== "empty" && (counts.get(kind) ?? 0) > 0)
        .map((kind) => {
          const part = make("span");
          paint(part, kind, this.#grades);
          part.style.setProperty("flex-grow", String(counts.get(kind)));
          return part;
        }),
    );
  }

  /**
   * Says what to do where nothing has come yet.
   *
   * @param {LaneStatus} lane
   * @param {CameraStatus | undefined} camera
   * @param {GalleryStatus} gallery
   */
  #advise(lane, camera, gallery) {
    const { empty, strip } = this.#parts;
    empty.hidden = this.#items.length > 0;
    strip.hidden = this.#items.length === 0;
    if (!empty.hidden) {
      const [title = "", ...lines] = advice(lane, camera, gallery);
      const key = [title, ...lines].join("\n");
      if (empty.dataset.key !== key) {
        empty.dataset.key = key;
        empty.replaceChildren(make("p.what", {}, title), ...lines.map((line) => make("p", {}, line)));
      }
    }
  }

  #drawSoon() {
    const next = this.#drawnAt + (still.matches ? STILL_MS : CALM_MS);
    this.#due ??= setTimeout(() => this.#draw(), Math.max(0, next - performance.now()));
  }

  /** @param {boolean} resting */
  #rest(resting) {
    this.#resting = resting;
    if (!resting) {
      if (!this.#held) this.#drawSoon();
      return;
    }
    clearTimeout(this.#due);
    this.#due = undefined;
  }

  #draw() {
    clearTimeout(this.#due);
    this.#due = undefined;
    this.#drawnAt = performance.now();
    /** @type {Map<string, HTMLElement>} */
    const shown = new Map();
    for (const item of this.#items) {
      shown.set(item.item, this.#tiles.get(item.item) ?? tile(item, this.#grades));
    }
    this.#tiles = shown;
    const { strip, empty } = this.#parts;
    arrange(strip, [...shown.values()]);
    strip.hidden = shown.size === 0;
    empty.hidden = shown.size > 0;
    // One item is in the order of focus; arrow keys reach the others.
    for (const [index, li] of [...shown.values()].entries()) linkOf(li).tabIndex = index === 0 ? 0 : -1;
    strip.scrollLeft = 0;
  }

  /** @param {boolean} held */
  #hold(held) {
    if (held === this.#held) return;
    this.#held = held;
    if (held) {
      clearTimeout(this.#due);
      this.#due = undefined;
      this.#missed = this.#items.filter(({ item }) => !this.#tiles.get(item)?.isConnected).length;
    } else {
      this.#missed = 0;
      this.#draw();
    }
    this.#sayHold();
  }

  #sayHold() {
    const { hold } = this.#parts;
    hold.setAttribute("aria-pressed", String(this.#held));
    hold.title = t(this.#held ? "lane.held.title" : "lane.hold.title");
    const held = this.#missed === 0 ? t("lane.held") : t("lane.held-newer", { n: format.count(this.#missed) });
    say(hold, this.#held ? held : t("lane.hold"));
    this.element.classList.toggle("held", this.#held);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const tiles = Array.from(this.#parts.strip.children, linkOf);
    const at = tiles.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const to = new Map([
      ["ArrowRight", at + 1],
      ["ArrowLeft", at - 1],
      ["Home", 0],
      ["End", tiles.length - 1],
    ]).get(event.key);
    if (event.key === "Escape") {
      this.#parts.hold.focus();
      this.#hold(false);
    } else if (to !== undefined && at !== -1) {
      event.preventDefault();
      tiles[Math.max(0, Math.min(tiles.length - 1, to))]?.focus();
    }
  }
}

/** The link that an item of the strip is. @param {Element} li */
function linkOf(li) {
  return /** @type {HTMLElement} */ (li.firstElementChild);
}

/**
 * @param {Element} li
 * @param {string} extra class
 * @param {readonly (string | Node)[]} sign
 * @param {number} count
 * @param {number} whole
 */
function fill(li, extra, sign, count, whole) {
  li.className = extra;
  const share = whole > 0 ? format.percent(count / whole) : "";
  li.replaceChildren(make("span.name", {}, ...sign), make("b", {}, format.count(count)), make("span.small", {}, share));
}

/**
 * @param {LaneStatus} lane
 * @param {CameraStatus | undefined} camera
 * @param {GalleryStatus} gallery
 * @returns {string[]} title and lines
 */
function advice(lane, camera, gallery) {
  if (gallery.items === 0) {
    return [
      t("lane.untaught"),
      t("lane.untaught.pass"),
      t("lane.untaught.files", { command: "gradeline-calibrate enroll GRADE PATH…" }),
    ];
  }
  if (lane.paused) return [t("lane.paused.title"), t("lane.paused.how")];
  if (camera?.state !== "ok") {
    const why = camera?.reason ?? t("lane.no-picture.why");
    return [t("lane.no-picture", { camera: lane.camera }), why, t("lane.no-picture.how")];
  }
  if (lane.items > 0) return [t("lane.none-since"), t("lane.none-since.how")];
  return [
    t("lane.none"),
    t("lane.none.start", { camera: lane.camera, fps: format.rate(camera.fps) }),
    t("lane.none.check"),
  ];
}
