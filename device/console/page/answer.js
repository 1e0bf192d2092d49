import { make } from "./dom.js";
import { mark, paint } from "./marks.js";
import { t } from "./words.js";

/** Grades that a digit answers. */
const DIGITS = 9;
/** As the daemon takes them. */
const LONGEST = 40;

let made = 0;

/** Says what an item is: a button per grade, a new name, and where wanted a way to let it go. */
export class Answer {
  /** @type {HTMLElement} */
  element;
  /** @type {readonly string[]} */
  #grades = [];
  #buttons = make("div.choices");
  #name = /** @type {HTMLInputElement} */ (
    make("input", {
      id: "new-grade",
      name: "grade",
      maxlength: String(LONGEST),
      autocomplete: "off",
      autocapitalize: "none",
      spellcheck: "false",
      required: "",
    })
  );
  /** @type {(grade: string) => void} */
  #answer;

  /**
   * @param {{ title: string, answer: (grade: string) => void, dismiss?: () => void }} options
   */
  constructor({ title, answer, dismiss }) {
    this.#answer = answer;
    const field = `new-grade-${++made}`;
    this.#name.id = field;
    const form = make(
      "form.newgrade",
      {},
      make("label", { for: field }, t("answer.new")),
      make("div.pair", {}, this.#name, make("button", { type: "submit" }, t("answer.enroll"))),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const grade = this.#name.value.trim();
      if (grade === "") return;
      this.#name.value = "";
      answer(grade);
    });
    this.element = make(
      "div.answer",
      { role: "group", "aria-label": title },
      make("p.ask", {}, title),
      this.#buttons,
      form,
    );
    if (dismiss !== undefined) {
      const button = make(
        "button.dismiss",
        { type: "button" },
        t("answer.dismiss"),
        make("kbd", { "aria-hidden": "true" }, t("answer.del")),
      );
      button.setAttribute("aria-keyshortcuts", "Delete");
      button.addEventListener("click", dismiss);
      this.element.append(button);
    }
  }

  /** @param {readonly string[]} grades best first */
  grades(grades) {
    if (grades.join("\n") === this.#grades.join("\n") && this.#buttons.childElementCount === grades.length) return;
    this.#grades = grades;
    this.#buttons.replaceChildren(
      ...grades.map((grade, index) => {
        const kind = `grade:${grade}`;
        const button = make("button.choice", { type: "button" }, mark(kind, grades), make("span", {}, grade));
        paint(button, kind, grades);
        if (index < DIGITS) {
          button.append(make("kbd", { "aria-hidden": "true" }, String(index + 1)));
          button.setAttribute("aria-keyshortcuts", String(index + 1));
        }
        button.addEventListener("click", () => this.#answer(grade));
        return button;
      }),
    );
  }

  /** The grade that a key stands for. @param {string} key */
  gradeOf(key) {
    return /^[1-9]$/.test(key) ? this.#grades[Number(key) - 1] : undefined;
  }
}
