// @ts-check
/** Loads the catalogue of one language. */

import { readFile } from "./http.js";
import { LANGUAGES, useLanguage } from "./language.js";
import { useWords } from "./words.js";

/** @import { Choice } from "./language.js" */
/** @import { Catalogue } from "./words.js" */

/**
 * Another language is better than none.
 *
 * @param {Choice} choice
 * @returns {Promise<void>}
 */
export async function loadWords(choice) {
  const [last = "en"] = LANGUAGES;
  useLanguage(choice);
  try {
    useWords(await catalogueOf(choice.language));
  } catch (error) {
    if (choice.language === last) throw error;
    await loadWords({ language: last, locale: last });
  }
}

/** @param {string} language */
async function catalogueOf(language) {
  // As fresh as the modules are: the browser revalidates it.
  const { body } = await readFile(`/static/i18n/${language}.json`);
  return /** @type {Catalogue} */ (body);
}
