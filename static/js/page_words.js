// @ts-check
/** What is in the page itself, in the language of the visitor, and the way to another one. */

import { el, setText } from "./dom.js";
import { LANGUAGES, language, rememberLanguage } from "./language.js";
import { t } from "./words.js";

/** @import { Language } from "./language.js" */

/** Each in its own words. @type {Record<Language, string>} */
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

/** @param {Language} one */
function choiceElement(one) {
  const button = el(
    "button",
    { type: "button", class: "link-button", lang: one, "data-testid": `language-${one}` },
    t(LANGUAGE_NAMES[one]),
  );
  button.addEventListener("click", () => {
    rememberLanguage(one);
    // Whatever was drawn was drawn in the other one.
    location.reload();
  });
  return button;
}
