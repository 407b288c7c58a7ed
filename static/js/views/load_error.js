// @ts-check
/** That what a page is about could not be loaded. */

import { el } from "../dom.js";
import { explainRead } from "../explain.js";
import { ConnectionError, ProblemError } from "../http.js";
import { t } from "../words.js";

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
  // A mistake of the page is not mended by asking again.
  const isAsked = error instanceof ProblemError || error instanceof ConnectionError;
  if (!isAsked) return body.replaceChildren(heading, loadErrorNotice(error));
  body.replaceChildren(heading, loadErrorNotice(error, ` ${t("list.keeps_trying")}`));
}
