// @ts-check
/** The language that the pages are shown in: what the browser wishes for, unless another one was chosen here. */

import { BASE } from "./base.js";
import { createStoredText } from "./storage.js";

/** @typedef {"en" | "de"} Language */
/** @typedef {{ language: Language, locale: string }} Choice The locale is for dates and numbers. */

/** Those that there is a catalogue of. The first is for whoever wishes for none of them. @type {Language[]} */
export const LANGUAGES = ["en", "de"];

const remembered = createStoredText(() => localStorage, "language");

/** What the server knows it by. It makes pages in that language, too, so that none of their words change once scripts run. */
const COOKIE = "booking_language";
const COOKIE_SECONDS = 31_536_000;
/** How the address of a page names one. */
export const QUERY_NAME = "lang";

/** @type {Choice} */
let current = { language: "en", locale: "en" };

export const language = () => current.language;
export const locale = () => current.locale;

/** @param {Choice} choice */
export function useLanguage(choice) {
  current = choice;
}

/** For this visit and those to come. It is in force once the page is loaded anew. @param {Language} wanted */
export function rememberLanguage(wanted) {
  remembered.set(wanted);
  tellServer(wanted);
}

/** What the address says, else what was chosen here, else what the browser says. */
export function chosenLanguage() {
  const named = new URLSearchParams(globalThis.location?.search).get(QUERY_NAME);
  return pickLanguage(navigator.languages ?? [], LANGUAGES.find((one) => one === named) ?? kept());
}

/** Some have chosen before there was a cookie, and some browsers keep cookies for a week. */
export function keepLanguage() {
  const chosen = LANGUAGES.find((one) => one === remembered.get());
  if (chosen && cookie() === null) tellServer(chosen);
}

const kept = () => cookie() ?? remembered.get();

/** Null where there is none, or where there are no cookies. */
function cookie() {
  try {
    const pairs = document.cookie.split(/; */).map((pair) => pair.split("="));
    return pairs.find(([name]) => name === COOKIE)?.[1] ?? null;
  } catch {
    return null;
  }
}

/** @param {Language} wanted */
function tellServer(wanted) {
  try {
    // biome-ignore lint/suspicious/noDocumentCookie: there is nothing else in the browsers of before
    document.cookie = `${COOKIE}=${wanted}; Path=${BASE || "/"}; Max-Age=${COOKIE_SECONDS}; SameSite=Lax`;
  } catch {
    // Then these pages alone know it.
  }
}

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
