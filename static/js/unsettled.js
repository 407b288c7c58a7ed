// @ts-check
/** Parts of a page that wait for an answer, or whose answer is unknown: they must not be replaced. */

/** In addition to the announcement of a submission in progress. */
const UNDECIDED = "data-undecided";

/** @param {Element} part @param {boolean} isUndecided Whether its submission may have been done. */
export function setUndecided(part, isUndecided) {
  if (isUndecided) part.setAttribute(UNDECIDED, "");
  else part.removeAttribute(UNDECIDED);
}

/** @param {Element} part */
export const isUndecided = (part) => part.hasAttribute(UNDECIDED);

/** Whether its submission has no answer yet. @param {Element} part */
export const isSending = (part) => part.hasAttribute("aria-busy");

/** @param {Element} part */
export const isUnsettled = (part) => isSending(part) || isUndecided(part);

/** Whether a button in it was pressed and waits for its answer. @param {Element} whole */
export const hasSending = (whole) => whole.querySelector("form[aria-busy], button[aria-disabled]") !== null;

/** Whether anything in it is. @param {Element} whole */
export const hasUnsettled = (whole) => hasSending(whole) || hasUndecided(whole);

/** Hidden parts do not count: they cannot be retried. @param {Element} whole */
const hasUndecided = (whole) =>
  Array.from(whole.querySelectorAll(`[${UNDECIDED}]`)).some((part) => part.closest("[hidden]") === null);
