// @ts-check
/** The language of the pages: the browser's preference, unless the visitor has chosen another one here. */

import { BASE } from "./base.js";
import { createStoredText } from "./storage.js";

/** @typedef {"en" | "de"} Language */
/** @typedef {{ language: Language, locale: string }} Choice The locale is for dates and numbers. */

/** The languages with a catalogue. The first is the default. @type {Language[]} */
export const LANGUAGES = ["en", "de"];

const remembered = createStoredText(() => localStorage, "language");

/** The server's cookie. It renders pages in that language, too, so that no word changes once scripts run. */
const COOKIE = "booking_language";
const COOKIE_SECONDS = 31_536_000;
/** The parameter of a page's address. */
export const QUERY_NAME = "lang";

/** @type {Choice} */
let current = { language: "en", locale: "en" };

export const language = () => current.language;
export const locale = () => current.locale;

/** @param {Choice} choice */
export function useLanguage(choice) {
  current = choice;
}

/** For this visit and later ones. It takes effect once the page is reloaded. @param {Language} wanted */
export function rememberLanguage(wanted) {
  remembered.set(wanted);
  tellServer(wanted);
}

/** The address's language, else the chosen one, else the browser's. */
export function chosenLanguage() {
  const named = new URLSearchParams(globalThis.location?.search).get(QUERY_NAME);
  return pickLanguage(navigator.languages ?? [], LANGUAGES.find((one) => one === named) ?? storedLanguage());
}

/** Some visitors have chosen before there was a cookie, and some browsers keep cookies for a week. */
export function keepLanguage() {
  const chosen = LANGUAGES.find((one) => one === remembered.get());
  if (chosen && cookie() === null) tellServer(chosen);
}

const storedLanguage = () => cookie() ?? remembered.get();

/** Null without one, or without cookies. */
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
    // biome-ignore lint/suspicious/noDocumentCookie: older browsers have no other API
    document.cookie = `${COOKIE}=${wanted}; Path=${BASE || "/"}; Max-Age=${COOKIE_SECONDS}; SameSite=Lax`;
  } catch {
    // Then only these pages know it.
  }
}

/**
 * @param {readonly string[]} wished Tags (BCP 47), in order of preference.
 * @param {string | null} chosen
 * @returns {Choice}
 */
export function pickLanguage(wished, chosen) {
  const known = wished.filter(isTag).flatMap((tag) => {
    const found = LANGUAGES.find((one) => tag.toLowerCase().split("-")[0] === one);
    return found ? [{ language: found, locale: tag }] : [];
  });
  const own = LANGUAGES.find((one) => one === chosen);
  // Formatted as in the visitor's region: "de-AT" if they prefer it, though English comes first.
  if (own) return known.find((one) => one.language === own) ?? { language: own, locale: own };
  return known[0] ?? { language: "en", locale: "en" };
}

/** Browsers may be set to an invalid tag, and formats would throw. @param {string} tag */
function isTag(tag) {
  try {
    return Intl.getCanonicalLocales(tag).length === 1;
  } catch {
    return false;
  }
}

/**
 * Creating a format is slow: it is created once, on first use, for each locale.
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
