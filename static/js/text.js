// @ts-check
/** The visible part of a text, by the server's rules. */

import { lastIndexWhere } from "./lists.js";
import { t } from "./words.js";

/** The server trims Unicode's white space; JavaScript's `trim` differs in a few characters. */
const SPACE = /[\p{White_Space}\uFEFF]/u;

/**
 * White space, and all invisible characters besides: those that fonts leave out, those that only control the text
 * around them, marks without a letter to stand on, object placeholders, the blank of Braille and a note without a
 * head. The blanks of Hangul are named beside the property that has them already: fonts disagree about them.
 */
const UNSEEN =
  /[\p{White_Space}\p{Cc}\p{Cf}\p{M}\p{Default_Ignorable_Code_Point}\uFFFC\u2800\u3164\u115F\u1160\uFFA0\u{1D159}]/u;

/** Without the white space around it. @param {string} text */
export const trimmed = (text) => without(text, SPACE);

/**
 * A ticket, a token or an id without surrounding invisible characters: none of them has any at its ends, and
 * messages that they are pasted from do.
 *
 * @param {string} text
 */
export const trimmedCode = (text) => without(text, UNSEEN);

/** Whether nothing of it is visible. @param {string} text */
export const showsNothing = (text) => without(text, UNSEEN) === "";

/** A placeholder, since an invisible heading or link can neither be read nor clicked. @param {string} name */
export const nameShown = (name) => (showsNothing(name) ? t("event.unnamed") : name);

/** More of a description than two lines show; the text to search for marks should be short. */
const SUMMARY_MAX = 600;

/**
 * The beginning of a description without its CommonMark marks, where there is only room for words.
 *
 * @param {string} text
 */
export const withoutMarks = (text) =>
  text
    .slice(0, SUMMARY_MAX)
    .replace(/^[ \t]*(#{1,6}|[-*+]|>+|[-=_*]{3,}$)(?=\s|$)/gm, "")
    .replace(/!?\[([^\]\n]*)\]\([^)\s]*\)/g, "$1")
    .replace(/(\*\*|__|\x60+)(?=\S)([^\n]*?\S)\1/g, "$2")
    .replace(/(^|[\s(])([*_])(?=\S)([^\n*_]*?\S)\2(?=$|[\s.,:;!?)])/gm, "$1$3")
    .replace(/\s+/g, " ")
    .trim();

/** A detail as a sentence: it may come without its capital and its full stop. @param {string} text */
export function sentence(text) {
  const trimmed = text.trim();
  const capital = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?…]$/.test(capital) ? capital : `${capital}.`;
}

/**
 * Not one expression for the whole text: searching for the last run of blanks is quadratic in the longest.
 *
 * @param {string} text
 * @param {RegExp} around What to remove at both ends.
 */
function without(text, around) {
  const parts = Array.from(text);
  const start = parts.findIndex((part) => !around.test(part));
  const end = lastIndexWhere(parts, (part) => !around.test(part));
  return start === -1 ? "" : parts.slice(start, end + 1).join("");
}
