// @ts-check
/** Requests the catalogue before all else: pages name this module first, so that the catalogue need not wait for others. */

import { chosenLanguage } from "./language.js";
import { loadWords } from "./load_words.js";

export const words = loadWords(chosenLanguage());
