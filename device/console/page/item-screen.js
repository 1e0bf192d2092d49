import { Answer } from "./answer.js";
import { ask } from "./ask.js";
import { describe } from "./detail.js";
import { make, say, wordsOf } from "./dom.js";
import { Undo } from "./undo.js";
import { t } from "./words.js";

/** @import { Answered } from "./answer.js" */
/** @import { StationStatus } from "../view.ts" */

/** One item, wherever it was found: on its lane, on the map, by a link. */
export class ItemScreen {
  /** @type {string | undefined} */
  #id;
  /** @type {readonly string[]} */
  #grades = [];
  /** @type {string | undefined} */
  #gallery;
  #title = make("h2", { tabindex: "-1" }, t("page.item"));
  #said = make("p.said", { role: "status" });
  #wrong = make("p.said.wrong", { role: "alert" });
  #body = make("div.body");
  #answer = new Answer({ title: t("item.ask"), answer: (answered) => void this.#enroll(answered) });

  #undo = new Undo((text, wrong) => {
    say(this.#said, wrong ? "" : text);
    say(this.#wrong, wrong ? text : "");
  });

  /** @param {HTMLElement} element */
  constructor(element) {
    const back = make("button.back", { type: "button" }, t("item.back"));
    back.addEventListener("click", () => {
      if (history.length > 1 && document.body.dataset.walked === "yes") history.back();
      else location.hash = "#line";
    });
    this.#answer.element.hidden = true;
    element.append(
      make("div.bar-top", {}, back, this.#title, this.#undo.element),
      this.#said,
      this.#wrong,
      this.#body,
      this.#answer.element,
    );
  }

  get title() {
    return this.#title;
  }

  /** @param {string} id */
  open(id) {
    if (id !== this.#id) {
      this.#id = id;
      say(this.#said, "");
      say(this.#wrong, "");
      this.#body.replaceChildren(make("p.small", {}, t("item.asking")));
      this.#answer.element.hidden = true;
    }
    void this.#load();
  }

  close() {
    this.#id = undefined;
    this.#body.replaceChildren();
  }

  /** The board was away. */
  again() {
    if (this.#id === undefined) return;
    say(this.#wrong, "");
    void this.#load();
  }

  /** @param {StationStatus} status */
  status({ gallery, lastAct }) {
    this.#undo.show(lastAct);
    this.#grades = gallery.grades;
    this.#answer.grades(gallery.grades);
    if (this.#id !== undefined && this.#gallery !== undefined && gallery.hash !== this.#gallery) void this.#load();
    this.#gallery = gallery.hash;
  }

  async #load() {
    const id = this.#id;
    if (id === undefined) return;
    try {
      const detail = await ask("/api/item/", { id });
      if (id !== this.#id) return;
      if (detail === undefined) return this.#gone();
      say(this.#title, t("item.title", { seq: detail.verdict.seq, lane: detail.verdict.lane }));
      this.#body.replaceChildren(describe(detail, this.#grades));
      this.#answer.element.hidden = detail.views.length === 0;
    } catch (error) {
      if (id === this.#id) say(this.#wrong, t("item.failed", { why: wordsOf(error) }));
    }
  }

  #gone() {
    say(this.#title, t("item.gone"));
    this.#answer.element.hidden = true;
    this.#body.replaceChildren(make("p", {}, t("item.gone.about")));
  }

  /** @param {Answered} answered */
  async #enroll({ grade, before }) {
    const id = this.#id;
    say(this.#wrong, "");
    say(this.#said, t("item.enrolling", { grade }));
    try {
      const done = await ask("/api/enroll", { change: { grade, items: [id], newGradeBefore: before } });
      if (id === this.#id) say(this.#said, t("item.enrolled", { grade, n: done?.references ?? 0 }));
    } catch (error) {
      if (id !== this.#id) return;
      say(this.#said, "");
      say(this.#wrong, t("item.not-enrolled", { why: wordsOf(error) }));
    }
  }
}
