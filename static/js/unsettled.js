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

/** Whether anything in it was pressed, and waits for its answer. @param {Element} whole */
export const hasSending = (whole) => whole.querySelector("form[aria-busy], button[aria-disabled]") !== null;

/** Whether anything in it is. @param {Element} whole */
export const hasUnsettled = (whole) => hasSending(whole) || hasUndecided(whole);

/** What is hidden leads nobody on: there it cannot be asked for once more. @param {Element} whole */
const hasUndecided = (whole) =>
  Array.from(whole.querySelectorAll(`[${UNDECIDED}]`)).some((part) => part.closest("[hidden]") === null);
