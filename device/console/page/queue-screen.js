import { Answer } from "./answer.js";
import { ask } from "./ask.js";
import { describe } from "./detail.js";
import { keyed, make, say, targetOf, wordsOf } from "./dom.js";
import * as format from "./format.js";
import { kindOf, nameOf, paint } from "./marks.js";
import { viewsUrl } from "./picture.js";
import { Undo } from "./undo.js";
import { counted, t } from "./words.js";

/** @import { Verdict } from "../../contract/messages.ts" */
/** @import { Answered } from "./answer.js" */
/** @import { StationStatus } from "../view.ts" */

/** Nobody sees a fruit and knows what it is in less. */
const SEEN_MS = 300;
/** Pictures of waiting items that are shown at once. */
const SHOWN = 24;

/** Items that wait for somebody who knows their grade: one large, the others in a row. */
export class QueueScreen {
  #open = false;
  #seen = "";
  #total = 0;
  /** @type {readonly Verdict[]} */
  #items = [];
  /** Answered and not yet confirmed. @type {Set<string>} */
  #busy = new Set();
  /** @type {string | undefined} */
  #chosen;
  /** @type {string | undefined} */
  #shown;
  /** Chosen together, where several are answered at once. @type {Set<string> | undefined} */
  #picked;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #seenSoon;
  #several = make("button.several", { type: "button", "aria-pressed": "false" }, t("queue.several"));
  #undo = new Undo((text, wrong) => {
    say(this.#said, wrong ? "" : text);
    say(this.#wrong, wrong ? text : "");
  });
  /** @type {readonly string[]} */
  #grades = [];
  /** @type {string | undefined} */
  #gallery;
  #title = make("h2", { tabindex: "-1" }, t("queue.title"));
  #count = make("span");
  #about = make("p.small", {}, this.#count, make("span.keys", {}, t("queue.keys")));
  #said = make("p.said", { role: "status" });
  #wrong = make("p.said.wrong", { role: "alert" });
  #row = make("ol.row", { "aria-label": t("queue.row") });
  #body = make("div.body");
  #face = /** @type {HTMLImageElement} */ (make("img.face", { alt: "", decoding: "async" }));
  #asked;
  #none = make("div.none", {}, make("p.what", {}, t("queue.empty")), make("p", {}, t("queue.empty.about")));
  #answer;
  #list;

  /** @param {HTMLElement} element */
  constructor(element) {
    this.#answer = new Answer({
      title: t("queue.ask"),
      answer: (answered) => void this.#say(answered),
      dismiss: () => void this.#say(null),
    });
    this.#asked = make("div.asked", {}, this.#face, this.#answer.element);
    this.#face.addEventListener("load", () => this.#faceCame());
    this.#face.addEventListener("error", () => {
      // Asked for again when the item is shown again.
      this.#face.removeAttribute("src");
      this.#answer.dead(true, t("answer.no-picture"));
    });
    this.#several.addEventListener("click", () => this.#pickSeveral(this.#picked === undefined));
    this.#list = keyed(this.#row, (id) => this.#card(id));
    element.append(
      make("div.bar-top", {}, this.#title, this.#about, this.#several, this.#undo.element),
      this.#said,
      this.#wrong,
      this.#none,
      this.#row,
      this.#asked,
      this.#body,
    );
    element.addEventListener("keydown", (event) => this.#key(event));
    this.#draw();
  }

  get title() {
    return this.#title;
  }

  open() {
    this.#open = true;
    this.#seen = "";
    void this.#load();
  }

  close() {
    this.#open = false;
    this.#shown = undefined;
    this.#body.replaceChildren();
  }

  /** The board was away. */
  again() {
    if (!this.#open) return;
    say(this.#wrong, "");
    this.#shown = undefined;
    void this.#load();
  }

  /** @param {StationStatus} status */
  status({ gallery, queue, lastAct }) {
    this.#undo.show(lastAct);
    this.#grades = gallery.grades;
    this.#answer.grades(gallery.grades);
    if (!this.#open) return;
    const now = `${queue.items} ${queue.newest}`;
    if (now !== this.#seen) {
      this.#seen = now;
      void this.#load();
    }
    if (this.#gallery !== gallery.hash) {
      this.#gallery = gallery.hash;
      this.#shown = undefined;
      this.#draw();
    }
  }

  async #load() {
    try {
      const queue = await ask("/api/queue");
      if (queue === undefined) return;
      const { total, items } = queue;
      this.#total = total;
      this.#items = items;
      for (const id of this.#busy) if (!items.some(({ item }) => item === id)) this.#busy.delete(id);
      this.#draw();
    } catch (error) {
      say(this.#wrong, t("queue.failed", { why: wordsOf(error) }));
    }
  }

  #waiting() {
    return this.#items.filter(({ item }) => !this.#busy.has(item));
  }

  #draw() {
    const waiting = this.#waiting();
    if (!waiting.some(({ item }) => item === this.#chosen)) this.#chosen = waiting[0]?.item;
    const total = Math.max(0, this.#total - this.#busy.size);
    say(this.#count, total === 0 ? "" : counted("queue.waiting", total, format.count(total)));
    this.#about.hidden = total === 0;
    this.#none.hidden = waiting.length > 0;
    this.#row.hidden = waiting.length === 0;
    this.#several.hidden = waiting.length < 2;
    if (waiting.length < 2) this.#picked = undefined;
    for (const id of this.#picked ?? []) if (!waiting.some(({ item }) => item === id)) this.#picked?.delete(id);
    this.#sayPicked();
    this.#asked.hidden = waiting.length === 0;
    const byId = new Map(waiting.slice(0, SHOWN).map((verdict) => [verdict.item, verdict]));
    // The chosen one may lie farther back once newer ones have come.
    const chosen = waiting.find(({ item }) => item === this.#chosen);
    if (chosen !== undefined) byId.set(chosen.item, chosen);
    this.#list([...byId.keys()], (li, id) => {
      const verdict = byId.get(id);
      const button = li.firstElementChild;
      if (verdict === undefined || button === null) return;
      paint(li, kindOf(verdict), this.#grades);
      if (this.#picked === undefined) button.removeAttribute("aria-pressed");
      else button.setAttribute("aria-pressed", String(this.#picked.has(id)));
      if (id === this.#chosen) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
      const { lane, seq, outcome } = verdict;
      button.setAttribute("aria-label", t("map.passed", { kind: nameOf(outcome), seq, lane }));
    });
    if (!this.#open) return;
    this.#keepInSight();
    void this.#describe();
  }

  /** Newer ones push the chosen one along; only the row moves, never the page under somebody who reads. */
  #keepInSight() {
    const li = this.#row.querySelector("[aria-current]")?.parentElement;
    if (!li) return;
    const { offsetLeft: left, offsetWidth: width } = li;
    const { scrollLeft, clientWidth } = this.#row;
    if (left < scrollLeft || left + width > scrollLeft + clientWidth) {
      this.#row.scrollLeft = left - (clientWidth - width) / 2;
    }
  }

  /** @param {string} id */
  #card(id) {
    const url = `/thumb/${encodeURIComponent(id)}`;
    const image = make("img", { src: url, alt: "", width: "96", height: "96", loading: "lazy", decoding: "async" });
    const button = make("button.waiting", { type: "button" }, image);
    button.addEventListener("click", () => this.#choose(id));
    return make("li", {}, button);
  }

  /** @param {string} id */
  #choose(id) {
    this.#chosen = id;
    if (this.#picked?.has(id)) this.#picked.delete(id);
    else this.#picked?.add(id);
    this.#draw();
  }

  async #describe() {
    const id = this.#chosen;
    if (id === this.#shown) return;
    this.#shown = id;
    this.#showFace(id);
    if (id === undefined) return this.#body.replaceChildren();
    try {
      const detail = await ask("/api/item/", { id });
      if (id !== this.#shown) return;
      this.#body.replaceChildren(
        detail === undefined ? make("p", {}, t("queue.gone")) : describe(detail, this.#grades),
      );
    } catch (error) {
      if (id !== this.#shown) return;
      this.#body.replaceChildren(make("p", {}, t("item.failed", { why: wordsOf(error) })));
    }
  }

  /** The fruit beside the question, all its views at once. @param {string | undefined} id */
  #showFace(id) {
    const url = id === undefined ? undefined : viewsUrl(id);
    if (url === undefined) this.#face.removeAttribute("src");
    else if (this.#face.getAttribute("src") !== url) {
      clearTimeout(this.#seenSoon);
      this.#answer.dead(true, t("answer.wait"));
      this.#face.classList.add("loading");
      this.#face.src = url;
    }
  }

  /** The picture of the chosen fruit is here; answers live as soon as somebody can have seen it. */
  #faceCame() {
    this.#face.classList.remove("loading");
    clearTimeout(this.#seenSoon);
    this.#seenSoon = setTimeout(() => this.#answer.dead(false), SEEN_MS);
  }

  /** @param {boolean} several */
  #pickSeveral(several) {
    this.#picked = several ? new Set() : undefined;
    this.#draw();
  }

  #sayPicked() {
    this.#several.setAttribute("aria-pressed", String(this.#picked !== undefined));
    const number = this.#picked?.size ?? 0;
    say(this.#several, number === 0 ? t("queue.several") : counted("queue.picked", number, format.count(number)));
  }

  /** @param {Answered | null} answered null: dismissed */
  async #say(answered) {
    const ids = [...(this.#picked ?? (this.#chosen === undefined ? [] : [this.#chosen]))];
    if (ids.length === 0 || this.#answer.isDead) return;
    const grade = answered?.grade ?? null;
    const inRow = this.#row.contains(document.activeElement);
    this.#move(1);
    for (const id of ids) this.#busy.add(id);
    this.#picked = undefined;
    say(this.#wrong, "");
    say(this.#said, grade === null ? t("queue.dismissing") : t("queue.enrolling", { grade }));
    this.#draw();
    // What had the focus may be gone with the item.
    if (inRow || document.activeElement === document.body) this.#focus();
    try {
      if (grade === null) await ask("/api/dismiss", { change: { items: ids } });
      else await ask("/api/enroll", { change: { grade, items: ids, newGradeBefore: answered?.before } });
      this.#items = this.#items.filter(({ item }) => !ids.includes(item));
      this.#total = Math.max(0, this.#total - ids.length);
      say(this.#said, grade === null ? t("queue.dismissed") : t("queue.enrolled", { grade }));
    } catch (error) {
      say(this.#said, "");
      const why = wordsOf(error);
      say(this.#wrong, grade === null ? t("queue.not-dismissed", { why }) : t("queue.not-enrolled", { grade, why }));
    }
    for (const id of ids) this.#busy.delete(id);
    this.#draw();
  }

  /** @param {1 | -1} by */
  #move(by) {
    const ids = this.#waiting().map(({ item }) => item);
    const at = ids.indexOf(this.#chosen ?? "");
    const to = ids[at + by] ?? (by > 0 ? ids[at - 1] : undefined);
    if (to !== undefined) this.#chosen = to;
  }

  #focus() {
    const chosen = /** @type {HTMLElement | null} */ (this.#row.querySelector("[aria-current]"));
    (chosen ?? this.#title).focus();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const target = targetOf(event);
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || target.closest("input, select")) return;
    const grade = this.#answer.gradeOf(event.key);
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : undefined;
    if (grade !== undefined) void this.#say({ grade });
    else if (event.key === "Delete") void this.#say(null);
    else if (by !== undefined && !target.closest(".scroll")) {
      this.#move(by);
      this.#draw();
      this.#focus();
    } else return;
    event.preventDefault();
  }
}
