/**
 * The texts of the page in the language that the server chose for it, as `<html lang>` says.
 *
 * @import { Words } from "./words/en.js"
 */

/** @typedef {Exclude<keyof Words, `${string}.few` | `${string}.many`>} Key */

export const language = document.documentElement.lang;

/** @type {{ default: Words }} */
const { default: words } = await import(`./words/${language}.js`);
const plural = new Intl.PluralRules(language);

/**
 * A text, with what stands in braces filled in.
 *
 * @param {Key} key
 * @param {Readonly<Record<string, string | number>>} values
 */
export function t(key, values = {}) {
  return filled(words[key], values);
}

/**
 * A text that hangs on a number: `KEY.one`, `KEY.few`, `KEY.many` or `KEY.other`, by the rules of the language. In the
 * text the number is `{n}`.
 *
 * @param {string} key
 * @param {number} number
 * @param {string} shown the number as it is written
 */
export function counted(key, number, shown) {
  const forms = /** @type {Readonly<Record<string, string | undefined>>} */ (words);
  const text = forms[`${key}.${plural.select(number)}`] ?? forms[`${key}.other`] ?? "{n}";
  return filled(text, { n: shown });
}

/**
 * A text whose key is made at run time; undefined where there is none.
 *
 * @param {string} key
 * @returns {string | undefined}
 */
export function textOf(key) {
  return Object.hasOwn(words, key) ? words[/** @type {Key} */ (key)] : undefined;
}

/**
 * @param {string} text
 * @param {Readonly<Record<string, string | number>>} values
 */
function filled(text, values) {
  return text.replaceAll(/\{(\w+)\}/g, (whole, name) => (Object.hasOwn(values, name) ? String(values[name]) : whole));
}
