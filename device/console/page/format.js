const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const oneDigit = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const calendar = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

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
export const margin = (value) => (value < 0 ? `−${Math.abs(value).toFixed(2)}` : value.toFixed(2));

/** Time of day here, of an RFC 3339 time or a Date. @param {string | Date} time */
export const timeOfDay = (time) => clock.format(typeof time === "string" ? new Date(time) : time);

/** Date and time here. @param {string} time */
export const day = (time) => `${calendar.format(new Date(time))}, ${timeOfDay(time)}`;

/** A span in its two largest units: `3 d 4 h`, `12 min 5 s`. @param {number} seconds */
export function span(seconds) {
  /** @type {[number, string][]} */
  const parts = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [Math.floor(seconds) % 60, "s"],
  ];
  const first = parts.findIndex(([value]) => value > 0);
  if (first === -1) return "0 s";
  return parts
    .slice(first, first + 2)
    .map(([value, unit]) => `${value} ${unit}`)
    .join(" ");
}

/** How long ago, for ages that matter when they are long. @param {number | null} ms */
export function age(ms) {
  if (ms === null) return "none yet";
  return ms < 1000 ? `${whole.format(ms)} ms` : span(ms / 1000);
}
