import { language, t } from "./words.js";

const whole = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });
const oneDigit = new Intl.NumberFormat(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const twoDigits = new Intl.NumberFormat(language, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const calendar = new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, { day: "numeric", month: "short" });
const clock = new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});

/** @param {number} value */
export const count = (value) => whole.format(value);

/** Milliseconds with two figures that matter. @param {number} value */
export const millis = (value) => (value < 10 ? oneDigit.format(value) : whole.format(value));

/** @param {number} value */
export const rate = (value) => (value < 100 ? oneDigit.format(value) : whole.format(value));

/** @param {number} share */
export const percent = (share) =>
  `${share > 0 && share < 0.095 ? oneDigit.format(share * 100) : whole.format(share * 100)} %`;

/** Always with its sign's place, so that columns of margins stand still. @param {number} value */
export const margin = (value) => (value < 0 ? `−${distance(-value)}` : distance(value));

/** Distances and p-values, as people compare them. @param {number} value */
export const distance = (value) => twoDigits.format(value);

/** Time of day here, of an RFC 3339 time or a Date. @param {string | Date} time */
export const timeOfDay = (time) => clock.format(typeof time === "string" ? new Date(time) : time);

/** Date and time here. @param {string} time */
export const day = (time) => `${calendar.format(new Date(time))}, ${timeOfDay(time)}`;

/** A span in its two largest units: `3 d 4 h`, `12 min 5 s`. @param {number} seconds */
export function span(seconds) {
  /** @type {[number, string][]} */
  const parts = [
    [Math.floor(seconds / 86_400), t("unit.d")],
    [Math.floor(seconds / 3600) % 24, t("unit.h")],
    [Math.floor(seconds / 60) % 60, t("unit.min")],
    [Math.floor(seconds) % 60, t("unit.s")],
  ];
  const first = parts.findIndex(([value]) => value > 0);
  if (first === -1) return `0 ${t("unit.s")}`;
  return parts
    .slice(first, first + 2)
    .map(([value, unit]) => `${value} ${unit}`)
    .join(" ");
}

/** How long ago, for ages that matter when they are long. @param {number} ms */
export function age(ms) {
  return ms < 1000 ? `${whole.format(ms)} ${t("unit.ms")}` : span(ms / 1000);
}
