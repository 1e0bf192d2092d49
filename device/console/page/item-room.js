import { Answer } from "./answer.js";
import { ask } from "./ask.js";
import { describe } from "./detail.js";
import { make, say, wordsOf } from "./dom.js";

/** @import { StationStatus } from "../view.ts" */

/** One item, wherever it was found: on its lane, on the map, by a link. */
export class ItemRoom {
  /** @type {string | undefined} */
  #id;
  /** @type {readonly string[]} */
  #grades = [];
  /** @type {string | undefined} */
  #gallery;
  #title = make("h2", { tabindex: "-1" }, "Item");
  #said = make("p.said", { role: "status" });
  #wrong = make("p.said.wrong", { role: "alert" });
  #body = make("div.body");
  #answer = new Answer({ title: "Was it wrong? Enroll it as", answer: (grade) => void this.#enroll(grade) });

  /** @param {HTMLElement} element */
  constructor(element) {
    const back = make("button.back", { type: "button" }, "Back");
    back.addEventListener("click", () => {
      if (history.length > 1 && document.body.dataset.walked === "yes") history.back();
      else location.hash = "#line";
    });
    this.#answer.element.hidden = true;
    element.append(
      make("div.bar-top", {}, back, this.#title),
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
      this.#body.replaceChildren(make("p.small", {}, "Asking the board …"));
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
  status({ gallery }) {
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
      say(this.#title, `Item ${detail.verdict.seq} of lane ${detail.verdict.lane}`);
      this.#body.replaceChildren(describe(detail, this.#grades));
      this.#answer.element.hidden = detail.views.length === 0;
    } catch (error) {
      if (id === this.#id) say(this.#wrong, `This item cannot be shown: ${wordsOf(error)}`);
    }
  }

  #gone() {
    say(this.#title, "Not kept any more");
    this.#answer.element.hidden = true;
    this.#body.replaceChildren(
      make(
        "p",
        {},
        "The board keeps the newest items of its lanes, and those in the unknown queue; this one was let go.",
      ),
    );
  }

  /** @param {string} grade */
  async #enroll(grade) {
    const id = this.#id;
    say(this.#wrong, "");
    say(this.#said, `Enrolling it as ${grade} …`);
    try {
      const done = await ask("/api/enroll", { change: { grade, items: [id] } });
      if (id === this.#id)
        say(
          this.#said,
          `Enrolled as ${grade}. ${done?.references ?? 0} fruit are enrolled; the next one is judged by them.`,
        );
    } catch (error) {
      if (id !== this.#id) return;
      say(this.#said, "");
      say(this.#wrong, `Not enrolled: ${wordsOf(error)}`);
    }
  }
}
