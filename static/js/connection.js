// @ts-check
/** The banner that warns that the page's data is old, and how old; or that the page itself failed. */

import { ConnectionError, ProblemError } from "./http.js";
import { el } from "./dom.js";
import { formatClock } from "./format.js";
import { t } from "./words.js";

/** @type {Date | null} */
let updatedAt = null;
/** Whether the page failed, which no answer of the server repairs. */
let isFailed = false;

/** Another view shows other data, with its own age. */
export function connectionReset() {
  updatedAt = null;
  isFailed = false;
  show(null);
}

export function connectionGood() {
  updatedAt = new Date();
  show(null);
}

/** @param {unknown} error */
export function connectionBad(error) {
  // The view reports that where it can be fixed.
  if (error instanceof ProblemError && error.status === 401) return show(null);
  // A script error has nothing to do with the network, and waiting does not help.
  if (!(error instanceof ProblemError || error instanceof ConnectionError)) return pageFailed(error);
  const time = updatedAt && formatClock(updatedAt);
  if (error instanceof ProblemError) show(time ? t("connection.server", { time }) : t("connection.server_empty"));
  else show(time ? t("connection.offline", { time }) : t("connection.offline_empty"));
}

/** It stays until another view is opened, or the page is reloaded. @param {unknown} error */
function pageFailed(error) {
  if (!isFailed) console.error(error);
  isFailed = true;
  show(null);
}

/** @param {string | null} text */
function show(text) {
  const region = /** @type {HTMLElement} */ (document.getElementById("connection"));
  const words = isFailed ? t("page.failed") : text;
  if (region.textContent === (words ?? "")) return;
  const testid = isFailed ? "page-failed" : "offline";
  region.replaceChildren(...(words ? [el("p", { class: "connection", "data-testid": testid }, words)] : []));
}
