// @ts-check
/** What of a text can be seen, and what is only around it. As the server takes it. */

import { lastIndexWhere } from "./lists.js";
import { t } from "./words.js";

/** What the server trims is Unicode's white space; `trim` of this language differs from that at its edges. */
const SPACE = /[\p{White_Space}\uFEFF]/u;

/**
 * White space, and all that shows nothing though it is none: what fonts leave out, what only steers the text
 * around it, marks without a letter to stand on, what stands for an object, the blank of
 * Braille and a note without a head. The blanks of Hangul are named beside the property that has them already:
 * fonts disagree about them.
 */
const UNSEEN =
  /[\p{White_Space}\p{Cc}\p{Cf}\p{M}\p{Default_Ignorable_Code_Point}\uFFFC\u2800\u3164\u115F\u1160\uFFA0\u{1D159}]/u;

/** Without the white space around it. @param {string} text */
export const trimmed = (text) => without(text, SPACE);

/**
 * A ticket, a token or an id without what came along with it: none of them has anything at its ends that
 * cannot be seen, and messages that it is pasted from have.
 *
 * @param {string} text
 */
export const trimmedCode = (text) => without(text, UNSEEN);

/** Whether there is nothing to be seen of it. @param {string} text */
export const showsNothing = (text) => without(text, UNSEEN) === "";

/** A heading or a link without anything to see can neither be read nor clicked. @param {string} name */
export const nameShown = (name) => (showsNothing(name) ? t("event.unnamed") : name);

/** More of a description than two lines show; what is looked through for marks is to be short. */
const SUMMARY_MAX = 600;

/**
 * The beginning of a description without what CommonMark marks it up with, for where there is no room for more than its words.
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
 * Not one expression for the whole text: looking for the last run of blanks costs the square of the longest.
 *
 * @param {string} text
 * @param {RegExp} around What goes, at both ends.
 */
function without(text, around) {
  const parts = Array.from(text);
  const start = parts.findIndex((part) => !around.test(part));
  const end = lastIndexWhere(parts, (part) => !around.test(part));
  return start === -1 ? "" : parts.slice(start, end + 1).join("");
}
