// @ts-check
/** Asks for the words before all else: pages name it first, so that it need not wait for their other modules. */

import { chosenLanguage } from "./language.js";
import { loadWords } from "./load_words.js";

export const words = loadWords(chosenLanguage());
