import { make, say } from "./dom.js";
import { t } from "./words.js";

/** @typedef {{ x: number, y: number }} Point of the camera's frame, in its pixels */

/**
 * Set-up by looking: two points of a known length give the scale, two corners the lane's part of the frame; both as lines
 * for the configuration.
 */
export class Measuring {
  element;
  #canvas;
  #changed;
  #step = 1;
  /** @type {"scale" | "region" | undefined} */
  #mode;
  /** @type {Point[]} */
  #points = [];
  #length = /** @type {HTMLInputElement} */ (
    make("input", { type: "number", min: "1", max: "5000", step: "any", value: "100", id: "known-length" })
  );
  #yaml = make("pre.yaml", { hidden: "", tabindex: "0", "aria-label": t("measure.yaml") });
  #about = make("p.small", { role: "status" });
  /** @type {Map<"scale" | "region", HTMLElement>} */
  #buttons = new Map();

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {() => void} changed
   */
  constructor(canvas, changed) {
    this.#canvas = canvas;
    this.#changed = changed;
    for (const mode of /** @type {const} */ (["scale", "region"])) {
      const button = make("button", { type: "button", "aria-pressed": "false" }, t(`measure.${mode}`));
      button.addEventListener("click", () => this.#begin(this.#mode === mode ? undefined : mode));
      this.#buttons.set(mode, button);
    }
    canvas.addEventListener("pointerdown", (event) => this.#point(event));
    this.#length.addEventListener("input", () => this.#tell());
    this.element = make(
      "section.measuring",
      { "aria-label": t("measure.title") },
      make("h3", {}, t("measure.title")),
      make(
        "div.camera-bar",
        {},
        ...this.#buttons.values(),
        make("label", { for: "known-length" }, t("measure.length")),
        this.#length,
      ),
      this.#about,
      this.#yaml,
    );
  }

  /** @param {"scale" | "region" | undefined} mode */
  #begin(mode) {
    this.#mode = mode;
    this.#points = [];
    for (const [each, button] of this.#buttons) button.setAttribute("aria-pressed", String(each === mode));
    this.#tell();
    this.#changed();
  }

  /** @param {PointerEvent} event */
  #point(event) {
    if (this.#mode === undefined) return;
    const box = this.#canvas.getBoundingClientRect();
    const scale = (this.#canvas.width / box.width) * this.#step;
    if (this.#points.length === 2) this.#points = [];
    this.#points.push({ x: (event.clientX - box.left) * scale, y: (event.clientY - box.top) * scale });
    this.#tell();
    this.#changed();
  }

  #tell() {
    say(this.#about, this.#mode === undefined ? "" : t(`measure.${this.#mode}.how`));
    const yaml = this.#lines();
    this.#yaml.hidden = yaml === "";
    say(this.#yaml, yaml);
  }

  #lines() {
    const [a, b] = this.#points;
    if (a === undefined || b === undefined) return "";
    if (this.#mode === "region") {
      const [x, y] = [Math.min(a.x, b.x), Math.min(a.y, b.y)].map(Math.round);
      const [w, h] = [Math.abs(a.x - b.x), Math.abs(a.y - b.y)].map(Math.round);
      return `roi: { x: ${x}, y: ${y}, w: ${w}, h: ${h} }`;
    }
    const px = Math.hypot(a.x - b.x, a.y - b.y);
    const mm = Number(this.#length.value);
    return px < 1 || !(mm > 0) ? "" : `mmPerPx: ${(mm / px).toFixed(4)}`;
  }

  /**
   * @param {CanvasRenderingContext2D} pen
   * @param {number} step pixels of the frame for one of the picture
   */
  draw(pen, step) {
    this.#step = step;
    const [a, b] = this.#points;
    if (this.#mode === undefined || a === undefined) return;
    pen.strokeStyle = "#ff4fd8";
    pen.lineWidth = 2;
    for (const { x, y } of this.#points) pen.strokeRect(x / step - 4, y / step - 4, 8, 8);
    if (b === undefined) return;
    pen.beginPath();
    if (this.#mode === "region") pen.rect(a.x / step, a.y / step, (b.x - a.x) / step, (b.y - a.y) / step);
    else {
      pen.moveTo(a.x / step, a.y / step);
      pen.lineTo(b.x / step, b.y / step);
    }
    pen.stroke();
  }
}
