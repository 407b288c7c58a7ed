// @ts-check
/** The language that the pages are shown in: what the browser wishes for, unless another one was chosen here. */

import { createStoredText } from "./storage.js";

/** @typedef {"en" | "de"} Language */
/** @typedef {{ language: Language, locale: string }} Choice The locale is for dates and numbers. */

/** Those that there is a catalogue of. The first is for whoever wishes for none of them. @type {Language[]} */
export const LANGUAGES = ["en", "de"];

const remembered = createStoredText(() => localStorage, "language");

/** @type {Choice} */
let current = { language: "en", locale: "en" };

export const language = () => current.language;
export const locale = () => current.locale;

/** @param {Choice} choice */
export function useLanguage(choice) {
  current = choice;
}

/** For this visit and those to come. It is in force once the page is loaded anew. @param {Language} wanted */
export const rememberLanguage = (wanted) => remembered.set(wanted);

/** What was chosen here, else what the browser says. */
export const chosenLanguage = () => pickLanguage(navigator.languages ?? [], remembered.get());

/**
 * @param {readonly string[]} wished Tags (BCP 47), the dearest first.
 * @param {string | null} chosen
 * @returns {Choice}
 */
export function pickLanguage(wished, chosen) {
  const known = wished.filter(isTag).flatMap((tag) => {
    const found = LANGUAGES.find((one) => tag.toLowerCase().split("-")[0] === one);
    return found ? [{ language: found, locale: tag }] : [];
  });
  const own = LANGUAGES.find((one) => one === chosen);
  // As it is written where the visitor is: "de-AT" if they know it, though English comes first.
  if (own) return known.find((one) => one.language === own) ?? { language: own, locale: own };
  return known[0] ?? { language: "en", locale: "en" };
}

/** Browsers may be set to what is none, and formats would throw at it. @param {string} tag */
function isTag(tag) {
  try {
    return Intl.getCanonicalLocales(tag).length === 1;
  } catch {
    return false;
  }
}

/**
 * Making a format is slow: it is made once, when it is first needed, for each locale.
 *
 * @template T
 * @param {(locale: string) => T} make
 * @returns {() => T}
 */
export function perLocale(make) {
  /** @type {Map<string, T>} */
  const made = new Map();
  return () => {
    const known = made.get(current.locale) ?? make(current.locale);
    made.set(current.locale, known);
    return known;
  };
}
