// @ts-check
/** That what a page is about could not be loaded. */

import { el } from "../dom.js";
import { explainRead } from "../explain.js";

/** @param {unknown} error @param {string} [more] */
export const loadErrorNotice = (error, more = "") =>
  el("p", { class: "lede", role: "alert", "data-testid": "load-error" }, explainRead(error), more);

/**
 * In the place of all else, by a page that keeps polling.
 *
 * @param {HTMLElement} body
 * @param {HTMLElement} heading
 * @param {unknown} error
 */
export function showLoadError(body, heading, error) {
  // Once is enough: an alert that is drawn anew is also read out anew.
  if (body.querySelector("[data-testid=load-error]")) return;
  body.replaceChildren(heading, loadErrorNotice(error, " This page keeps trying by itself."));
}
