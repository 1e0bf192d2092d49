import { make } from "./dom.js";

/**
 * One view cut out of a picture of all views: one request brings them all.
 *
 * @param {string} url picture with `count` views, as many in a row as rows, or one row less
 * @param {number} count
 * @param {number} index which one, from 0
 * @param {string} label
 */
export function cut(url, count, index, label) {
  const columns = Math.max(1, Math.ceil(Math.sqrt(count)));
  const rows = Math.max(1, Math.ceil(count / columns));
  const element = make("div.cut", { role: "img", "aria-label": label });
  const { style } = element;
  style.backgroundImage = `url("${url}")`;
  style.backgroundSize = `${columns * 100}% ${rows * 100}%`;
  style.backgroundPosition = `${part(index % columns, columns)} ${part(Math.floor(index / columns), rows)}`;
  return element;
}

/**
 * @param {number} at
 * @param {number} of
 */
const part = (at, of) => `${of < 2 ? 0 : (at / (of - 1)) * 100}%`;

/** @param {string} id */
export const viewsUrl = (id) => `/views/${encodeURIComponent(id)}`;

/** @param {string} id */
export const referenceUrl = (id) => `/reference/${encodeURIComponent(id)}`;
