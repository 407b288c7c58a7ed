// @ts-check
/** An error in place of a page's subject that could not be loaded. */

import { el } from "../dom.js";
import { explainPolled, explainRead } from "../explain.js";

/** @param {unknown} error @param {string} [more] */
export const loadErrorNotice = (error, more = "") => noticeElement(explainRead(error) + more);

/** @param {string} text */
const noticeElement = (text) => el("p", { class: "lede", role: "alert", "data-testid": "load-error" }, text);

/**
 * Replaces all else in a page that keeps polling.
 *
 * @param {HTMLElement} body
 * @param {HTMLElement} heading
 * @param {unknown} error
 */
export function showLoadError(body, heading, error) {
  // Once is enough: a redrawn alert is announced again.
  if (body.querySelector("[data-testid=load-error]")) return;
  body.replaceChildren(heading, noticeElement(explainPolled(error)));
}
