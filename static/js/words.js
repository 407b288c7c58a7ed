// @ts-check
/**
 * The texts of the pages, in their language: all of them come from its catalogue, `static/i18n`. Values are
 * inserted unchanged, so a text is for text nodes and attributes, and never for HTML.
 */

import { formatNumber } from "./format.js";
import { perLocale } from "./language.js";

/** @typedef {string | Record<string, string>} Message A text, or one for each plural form, chosen by `count`. */
/** @typedef {Record<string, Message>} Catalogue */

/** @type {Catalogue} */
let catalogue = {};

const plurals = perLocale((locale) => new Intl.PluralRules(locale));

/** @param {Catalogue} words */
export function useWords(words) {
  catalogue = words;
}

/**
 * The text of a key, with `{name}` in it replaced by the value of that name. Numbers are written as the locale
 * writes them.
 *
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export const t = (key, values = {}) => partsOf(key, values).join("");

/**
 * The same for texts with elements in them, as children of another element.
 *
 * @param {string} key
 * @param {Record<string, string | number | Node>} values
 * @returns {(string | Node)[]}
 */
export const tNodes = (key, values) => partsOf(key, values);

/**
 * @template {Node} N
 * @param {string} key
 * @param {Record<string, string | number | N>} values
 * @returns {(string | N)[]}
 */
function partsOf(key, values) {
  // Names are at odd positions.
  return textOf(key, values.count).split(/\{(\w+)\}/).map((part, at) => {
    const value = at % 2 === 0 ? part : (values[part] ?? `{${part}}`);
    return typeof value === "number" ? formatNumber(value) : value;
  });
}

/** @param {string} key @param {unknown} count */
function textOf(key, count) {
  const message = Object.hasOwn(catalogue, key) ? catalogue[key] : undefined;
  // A key shown in the page is a mistake that the tests find; a page without it would be worse.
  if (message === undefined) return key;
  if (typeof message === "string") return message;
  return message[plurals().select(Number(count))] ?? message.other ?? key;
}
