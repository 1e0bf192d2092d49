import { make, say } from "./dom.js";
import * as format from "./format.js";
import { inWords, isBad } from "./reasons.js";
import { t } from "./words.js";

/** @import { ReasonShown } from "../view.ts" */

const EVERY_MS = 2000;
const BEEP = { hertz: 880, seconds: 0.25, loudness: 0.3 };
/** Alarms that the list keeps. */
const KEPT = 20;
const SOUND_KEY = "gradeline-sound";

/**
 * One alarm for each reason that lets fruit pass without a right verdict. It sounds, where sound is on, until somebody
 * acknowledges it. The list keeps when it began and ended.
 */
export class Alarms {
  element = make("section.alarms", { "aria-label": t("alarm.title"), hidden: "" });
  sound = make("button.sound", { type: "button", "aria-pressed": "false" }, t("alarm.sound"));
  #now = make("p.alarm", { role: "alert", hidden: "" });
  #acknowledge = make("button", { type: "button", hidden: "" }, t("alarm.acknowledge"));
  #list = make("ol.plain.small");
  /** Newest first. @type {{ key: string, words: string, from: Date, to: Date | undefined, seen: boolean }[]} */
  #alarms = [];
  /** @type {AudioContext | undefined} */
  #audio;

  constructor() {
    this.element.append(make("div.alarm-bar", {}, this.#now, this.#acknowledge), this.#list);
    this.#acknowledge.addEventListener("click", () => {
      for (const alarm of this.#alarms) alarm.seen = true;
      this.#draw();
    });
    this.sound.addEventListener("click", () => this.#turn(this.sound.getAttribute("aria-pressed") !== "true"));
    if (localStorage.getItem(SOUND_KEY) === "on") this.#turn(true);
    setInterval(() => this.#beep(), EVERY_MS);
  }

  /** @param {readonly ReasonShown[]} reasons */
  status(reasons) {
    const bad = new Map(reasons.filter(isBad).map((reason) => [keyOf(reason), inWords(reason)]));
    for (const alarm of this.#alarms) if (alarm.to === undefined && !bad.has(alarm.key)) alarm.to = new Date();
    for (const [key, words] of bad) {
      const runs = this.#alarms.find((alarm) => alarm.key === key && alarm.to === undefined);
      if (runs !== undefined) runs.words = words;
      else this.#alarms.unshift({ key, words, from: new Date(), to: undefined, seen: false });
    }
    this.#alarms.length = Math.min(this.#alarms.length, KEPT);
    this.#draw();
  }

  #draw() {
    const waiting = this.#alarms.filter(({ seen }) => !seen);
    this.element.hidden = this.#alarms.length === 0;
    this.#now.hidden = waiting.length === 0;
    this.#acknowledge.hidden = waiting.length === 0;
    say(this.#now, waiting.map(({ words }) => words).join("; "));
    const key = JSON.stringify(this.#alarms);
    if (this.#list.dataset.key === key) return;
    this.#list.dataset.key = key;
    this.#list.replaceChildren(
      ...this.#alarms.map(({ words, from, to }) => {
        const end = to === undefined ? t("alarm.runs") : format.timeOfDay(to);
        return make("li", {}, `${format.timeOfDay(from)} – ${end}: ${words}`);
      }),
    );
  }

  /** @param {boolean} on */
  #turn(on) {
    this.sound.setAttribute("aria-pressed", String(on));
    localStorage.setItem(SOUND_KEY, on ? "on" : "off");
    if (on) this.#audio ??= new AudioContext();
  }

  #beep() {
    const on = this.sound.getAttribute("aria-pressed") === "true";
    if (!on || this.#audio === undefined || this.#alarms.every(({ seen }) => seen)) return;
    const tone = this.#audio.createOscillator();
    const volume = this.#audio.createGain();
    tone.frequency.value = BEEP.hertz;
    volume.gain.value = BEEP.loudness;
    tone.connect(volume).connect(this.#audio.destination);
    tone.start();
    tone.stop(this.#audio.currentTime + BEEP.seconds);
  }
}

/** @param {ReasonShown} reason */
const keyOf = ({ code, lane, camera }) => JSON.stringify([code, lane, camera]);
