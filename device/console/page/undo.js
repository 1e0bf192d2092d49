import { ask } from "./ask.js";
import { make, say, wordsOf } from "./dom.js";
import * as format from "./format.js";
import { counted, t } from "./words.js";

/** @import { ActShown } from "../view.ts" */

/** A button that takes back what was taught last, and says what that is. */
export class Undo {
  element = make("button.undo", { type: "button", hidden: "" });
  #busy = false;
  /** @type {(text: string, wrong: boolean) => void} */
  #told;

  /** @param {(text: string, wrong: boolean) => void} told says what came of it */
  constructor(told) {
    this.#told = told;
    this.element.addEventListener("click", () => void this.#undo());
  }

  /** @param {ActShown | null} act what can be taken back */
  show(act) {
    this.element.hidden = act === null;
    if (act !== null) say(this.element, t("undo.button", { act: inWords(act) }));
  }

  async #undo() {
    if (this.#busy) return;
    this.#busy = true;
    try {
      const act = await ask("/api/undo", { change: {} });
      if (act !== undefined) this.#told(t("undo.done", { act: inWords(act) }), false);
    } catch (error) {
      this.#told(t("undo.failed", { why: wordsOf(error) }), true);
    }
    this.#busy = false;
  }
}

/** @param {ActShown} act */
function inWords({ grade, items }) {
  const fruit = counted("undo.fruit", items, format.count(items));
  return grade === null ? t("undo.dismissed", { fruit }) : t("undo.enrolled", { fruit, grade });
}
