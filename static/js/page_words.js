// @ts-check
/** Translates the static words of the page, and offers other languages. */

import { el, setText } from "./dom.js";
import { LANGUAGES, language, QUERY_NAME, rememberLanguage } from "./language.js";
import { t } from "./words.js";

/** @import { Language } from "./language.js" */

/** Each in its own language. @type {Record<Language, string>} */
export const LANGUAGE_NAMES = { en: "language.en", de: "language.de" };

/** The page has English words in it, each with its key. */
export function translatePage() {
  document.documentElement.lang = language();
  document.documentElement.dir = t("language.direction");
  for (const part of document.querySelectorAll("[data-t]")) {
    setText(part, t(part.getAttribute("data-t") ?? ""));
  }
  for (const part of document.querySelectorAll("[data-t-label]")) {
    part.setAttribute("aria-label", t(part.getAttribute("data-t-label") ?? ""));
  }
}

/** @param {HTMLElement} place */
export function showLanguages(place) {
  const choices = LANGUAGES.map((one) => (one === language() ? currentElement(one) : choiceElement(one)));
  place.setAttribute("aria-label", t("language.choose"));
  place.replaceChildren(...choices);
}

/** @param {Language} one */
const currentElement = (one) => el("span", { lang: one, "aria-current": "true" }, t(LANGUAGE_NAMES[one]));

/** The server's link, for opening it in another tab. @param {Language} one */
const languageHref = (one) => `?${QUERY_NAME}=${one}`;

/** @param {Language} one */
function choiceElement(one) {
  const link = el(
    "a",
    { href: languageHref(one), class: "link-button", lang: one, hreflang: one, "data-testid": `language-${one}` },
    t(LANGUAGE_NAMES[one]),
  );
  link.addEventListener("click", (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    rememberLanguage(one);
    // The fragment stays: it may be a private link's.
    const here = new URL(location.href);
    here.searchParams.delete(QUERY_NAME);
    history.replaceState(history.state, "", here);
    // All that was drawn is in the old language.
    location.reload();
  });
  return link;
}
