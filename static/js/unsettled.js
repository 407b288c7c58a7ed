// @ts-check
/** Parts of a page that wait for an answer, or do not know what was answered: nothing may take their place. */

/** Beside what says so of what is being sent, to screen readers too. */
const UNDECIDED = "data-undecided";

/** @param {Element} part @param {boolean} isUndecided Whether what it sent may have been done. */
export function setUndecided(part, isUndecided) {
  if (isUndecided) part.setAttribute(UNDECIDED, "");
  else part.removeAttribute(UNDECIDED);
}

/** @param {Element} part */
export const isUndecided = (part) => part.hasAttribute(UNDECIDED);

/** Whether what was sent is still to be answered. @param {Element} part */
export const isSending = (part) => part.hasAttribute("aria-busy");

/** @param {Element} part */
export const isUnsettled = (part) => isSending(part) || isUndecided(part);

/** Whether anything in it is. @param {Element} whole */
export const hasUnsettled = (whole) => whole.querySelector(`[aria-busy], [${UNDECIDED}]`) !== null;
