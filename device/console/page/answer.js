import { make, say } from "./dom.js";
import { mark, paint } from "./marks.js";
import { t } from "./words.js";

/** Grades that a digit answers. */
const DIGITS = 9;
/** As the daemon takes them. */
const LONGEST = 40;
/** Value of the choice that puts a new grade after all others. */
const LAST = "/last";

let made = 0;

/**
 * What somebody answers. `before`: a grade that is new takes its place before this one, null: after all.
 *
 * @typedef {{ grade: string, before?: string | null }} Answered
 */

/** Says what an item is: a button per grade, a new name, and where wanted a way to let it go. */
export class Answer {
  /** @type {HTMLElement} */
  element;
  /** @type {readonly string[]} */
  #grades = [];
  #dead = false;
  #buttons = make("div.choices");
  #waiting = make("p.small.waits", { role: "status" });
  #name = /** @type {HTMLInputElement} */ (
    make("input", {
      name: "grade",
      maxlength: String(LONGEST),
      autocomplete: "off",
      autocapitalize: "none",
      spellcheck: "false",
      required: "",
    })
  );
  #place = /** @type {HTMLSelectElement} */ (make("select", { name: "place" }));
  #placeRow;
  /** @type {(answered: Answered) => void} */
  #answer;

  /**
   * @param {{ title: string, answer: (answered: Answered) => void, dismiss?: () => void }} options
   */
  constructor({ title, answer, dismiss }) {
    this.#answer = answer;
    const field = `new-grade-${++made}`;
    this.#name.id = field;
    this.#place.id = `${field}-place`;
    this.#placeRow = make(
      "div.place",
      { hidden: "" },
      make("label", { for: this.#place.id }, t("answer.place")),
      this.#place,
    );
    const form = make(
      "form.newgrade",
      {},
      make("label", { for: field }, t("answer.new")),
      make("div.pair", {}, this.#name, make("button", { type: "submit" }, t("answer.enroll"))),
      this.#placeRow,
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const grade = this.#name.value.trim();
      if (grade === "" || this.#dead) return;
      const { value } = this.#place;
      const before = this.#grades.length === 0 ? undefined : value === LAST ? null : value;
      this.#name.value = "";
      this.#place.value = "";
      answer(before === undefined ? { grade } : { grade, before });
    });
    this.element = make(
      "div.answer",
      { role: "group", "aria-label": title },
      make("p.ask", {}, title),
      this.#buttons,
      this.#waiting,
      form,
    );
    if (dismiss !== undefined) {
      const button = make(
        "button.dismiss",
        { type: "button", title: t("answer.dismiss.title") },
        t("answer.dismiss"),
        make("kbd", { "aria-hidden": "true" }, t("answer.del")),
      );
      button.setAttribute("aria-keyshortcuts", "Delete");
      button.addEventListener("click", () => {
        if (!this.#dead) dismiss();
      });
      this.element.append(button);
    }
  }

  /** @param {readonly string[]} grades best first */
  grades(grades) {
    if (grades.join("\n") === this.#grades.join("\n") && this.#buttons.childElementCount === grades.length) return;
    this.#grades = grades;
    this.#placeRow.hidden = grades.length === 0;
    this.#place.required = grades.length > 0;
    this.#place.replaceChildren(
      make("option", { value: "" }, t("answer.place.ask")),
      ...grades.map((grade) => make("option", { value: grade }, t("answer.place.before", { grade }))),
      make("option", { value: LAST }, t("answer.place.last")),
    );
    this.#buttons.replaceChildren(
      ...grades.map((grade, index) => {
        const kind = `grade:${grade}`;
        const button = make("button.choice", { type: "button" }, mark(kind, grades), make("span", {}, grade));
        paint(button, kind, grades);
        if (index < DIGITS) {
          button.append(make("kbd", { "aria-hidden": "true" }, String(index + 1)));
          button.setAttribute("aria-keyshortcuts", String(index + 1));
        }
        button.addEventListener("click", () => {
          if (!this.#dead) this.#answer({ grade });
        });
        return button;
      }),
    );
    this.#sayDead();
  }

  /**
   * Answers are disabled until the picture of their fruit is shown: otherwise a quick hand labels fruit nobody saw.
   *
   * @param {boolean} dead
   * @param {string} why
   */
  dead(dead, why = "") {
    this.#dead = dead;
    say(this.#waiting, why);
    this.#sayDead();
  }

  get isDead() {
    return this.#dead;
  }

  #sayDead() {
    this.element.classList.toggle("dead", this.#dead);
    for (const button of this.element.querySelectorAll("button")) {
      if (this.#dead) button.setAttribute("aria-disabled", "true");
      else button.removeAttribute("aria-disabled");
    }
  }

  /** The grade that a key stands for. @param {string} key */
  gradeOf(key) {
    return /^[1-9]$/.test(key) ? this.#grades[Number(key) - 1] : undefined;
  }
}
