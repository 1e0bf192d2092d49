import { keyed, make, say, wordsOf } from "./dom.js";
import * as format from "./format.js";
import { judge } from "./light.js";
import { fetchLook } from "./look.js";
import { kindOf, nameOf } from "./marks.js";
import { Measuring } from "./measuring.js";
import { t } from "./words.js";

/** @import { ItemMessage, StationStatus } from "../view.ts" */
/** @import { Shown } from "./look.js" */

/** Between two pictures. */
const PAUSE_MS = 250;
/** How far back one can step. */
const KEPT = 40;
/** Decided fruit whose grades are still written beside them. */
const DECIDED = 60;

/** What the cameras see now, with what is seen in it; still, and back through the last seconds, when somebody asks. */
export class CameraScreen {
  #open = false;
  /** @type {string | undefined} */
  #camera;
  /** Newest last. @type {Shown[]} */
  #kept = [];
  /** Which of them is shown while it stands still; undefined: the newest. @type {number | undefined} */
  #still;
  /** Grades by the ends of the items' names and their lane. @type {Map<string, string>} */
  #decided = new Map();
  #title = make("h2", { tabindex: "-1" }, t("camera.title"));
  #wrong = make("p.said.wrong", { role: "alert" });
  #names = make("div.choices.cameras", { role: "group", "aria-label": t("system.cameras") });
  #canvas = /** @type {HTMLCanvasElement} */ (make("canvas.live", { role: "img", "aria-label": t("camera.picture") }));
  #time = make("p.small");
  #freeze = make("button.freeze", { type: "button", "aria-pressed": "false" }, t("camera.freeze"));
  #back = make("button", { type: "button" }, t("camera.back"));
  #forth = make("button", { type: "button" }, t("camera.forth"));
  #meters = make("dl.pairs.meters");
  #measuring;
  #list;
  #meterList;

  /** @param {HTMLElement} element */
  constructor(element) {
    this.#measuring = new Measuring(this.#canvas, () => this.#draw());
    this.#list = keyed(this.#names, (id) => {
      const button = make("button.camera-name", { type: "button" }, id);
      button.addEventListener("click", () => this.#choose(id));
      return button;
    });
    this.#meterList = keyed(this.#meters, () => make("div", {}, make("dt"), make("dd")));
    this.#freeze.addEventListener("click", () =>
      this.#hold(this.#still === undefined ? this.#kept.length - 1 : undefined),
    );
    this.#back.addEventListener("click", () => this.#step(-1));
    this.#forth.addEventListener("click", () => this.#step(1));
    element.append(
      make("div.bar-top", {}, this.#title),
      this.#wrong,
      this.#names,
      make("div.camera-bar", {}, this.#freeze, this.#back, this.#forth, this.#time),
      this.#canvas,
      this.#meters,
      this.#measuring.element,
    );
    this.#sayStill();
  }

  get title() {
    return this.#title;
  }

  /** @param {string} id */
  open(id) {
    if (id !== "") this.#camera = id;
    this.#open = true;
    void this.#run();
  }

  close() {
    this.#open = false;
    this.#kept = [];
    this.#still = undefined;
    this.#sayStill();
  }

  again() {}

  /** @param {StationStatus} status */
  status({ cameras }) {
    const ids = cameras.map(({ id }) => id);
    if (this.#camera === undefined || !ids.includes(this.#camera)) this.#camera = ids[0];
    this.#list(ids, (button, id) => button.setAttribute("aria-pressed", String(id === this.#camera)));
  }

  /** @param {ItemMessage} item */
  item(item) {
    this.#decided.set(`${item.lane} ${item.item.split("-").at(-1)}`, nameOf(kindOf(item)));
    for (const key of this.#decided.keys()) if (this.#decided.size > DECIDED) this.#decided.delete(key);
  }

  /** @param {string} id */
  #choose(id) {
    this.#camera = id;
    this.#kept = [];
    this.#hold(undefined);
  }

  async #run() {
    while (this.#open) {
      const camera = this.#camera;
      if (camera !== undefined && this.#still === undefined && !document.hidden) {
        try {
          const shown = await fetchLook(camera);
          if (camera === this.#camera && this.#open) this.#take(shown);
          say(this.#wrong, "");
        } catch (error) {
          say(this.#wrong, t("camera.failed", { why: wordsOf(error) }));
        }
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  /** @param {Shown} shown */
  #take(shown) {
    this.#kept.push(shown);
    for (const old of this.#kept.splice(0, this.#kept.length - KEPT)) old.image.close();
    if (this.#still === undefined) this.#draw();
  }

  /** @param {number | undefined} still */
  #hold(still) {
    this.#still = still === undefined || this.#kept.length === 0 ? undefined : still;
    this.#sayStill();
    this.#draw();
  }

  /** @param {1 | -1} by */
  #step(by) {
    const at = this.#still ?? this.#kept.length - 1;
    this.#hold(Math.max(0, Math.min(this.#kept.length - 1, at + by)));
  }

  #sayStill() {
    const still = this.#still !== undefined;
    this.#freeze.setAttribute("aria-pressed", String(still));
    say(this.#freeze, t(still ? "camera.frozen" : "camera.freeze"));
  }

  #draw() {
    const shown = this.#kept[this.#still ?? this.#kept.length - 1];
    if (shown === undefined) return;
    const { image, seen } = shown;
    const { step } = seen;
    if (this.#canvas.width !== image.width) this.#canvas.width = image.width;
    if (this.#canvas.height !== image.height) this.#canvas.height = image.height;
    const pen = this.#canvas.getContext("2d", { willReadFrequently: true });
    if (pen === null) return;
    pen.drawImage(image, 0, 0);
    shown.light ??= judge(pen.getImageData(0, 0, image.width, image.height));
    say(this.#time, format.timeOfDay(seen.exposedAt));
    this.#meterList(Object.keys(shown.light), (div, name) => {
      const { value, advice } = /** @type {import("./light.js").Light} */ (shown.light)[name] ?? {
        value: "",
        advice: "",
      };
      const [dt, dd] = div.children;
      if (dt !== undefined) say(dt, name);
      if (dd !== undefined) say(dd, advice === "" ? value : `${value}: ${advice}`);
      div.dataset.tone = advice === "" ? "" : "warn";
    });
    pen.font = `600 ${Math.max(12, Math.round(image.width / 45))}px system-ui, sans-serif`;
    pen.lineWidth = 2;
    for (const { id, region, direction, marks } of seen.lanes) {
      const { x, y, w, h } = region ?? { x: 0, y: 0, w: image.width * step, h: image.height * step };
      pen.strokeStyle = "#ffd24a";
      pen.strokeRect(x / step + 1, y / step + 1, w / step - 2, h / step - 2);
      write(pen, `${id} ${direction === "right" ? "→" : "←"}`, x / step + 6, y / step + 4);
      for (const { item, box, sizeMm } of marks) {
        pen.strokeStyle = "#ffffff";
        pen.strokeRect(box.x / step, box.y / step, box.w / step, box.h / step);
        const size = sizeMm === null ? "" : ` ${t("detail.mm", { mm: format.count(sizeMm) })}`;
        const grade = this.#decided.get(`${id} ${item}`);
        write(
          pen,
          `${item}${size}${grade === undefined ? "" : ` ${grade}`}`,
          box.x / step + 2,
          above(pen, box.y / step),
        );
      }
    }
    this.#measuring.draw(pen, step);
  }
}

/**
 * Where a text begins that stands on a box, so that it hides nothing of the fruit; at the edge it stands inside.
 *
 * @param {CanvasRenderingContext2D} pen
 * @param {number} top of the box
 */
const above = (pen, top) => Math.max(2, top - heightOf(pen) - 6);

/** @param {CanvasRenderingContext2D} pen */
const heightOf = (pen) => Number.parseInt(pen.font.split(" ")[1] ?? "14", 10);

/**
 * White on black, to be read over any fruit.
 *
 * @param {CanvasRenderingContext2D} pen
 * @param {string} text
 * @param {number} x
 * @param {number} y
 */
function write(pen, text, x, y) {
  const height = heightOf(pen);
  pen.textBaseline = "top";
  pen.fillStyle = "rgb(0 0 0 / 65%)";
  pen.fillRect(x - 2, y - 1, pen.measureText(text).width + 4, height + 4);
  pen.fillStyle = "#ffffff";
  pen.fillText(text, x, y);
}
