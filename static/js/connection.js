// @ts-check
/** The band that says that what is on the screen may be old, and how old it is. */

import { ProblemError } from "./http.js";
import { el } from "./dom.js";
import { formatClock } from "./format.js";

/** @type {Date | null} */
let updatedAt = null;

/** Another view shows other data, which has an age of its own. */
export function connectionReset() {
  updatedAt = null;
  show(null);
}

export function connectionGood() {
  updatedAt = new Date();
  show(null);
}

/** @param {unknown} error */
export function connectionBad(error) {
  // That is said where it can be helped.
  if (error instanceof ProblemError && error.status === 401) return show(null);
  const state = error instanceof ProblemError ? "The server has a problem" : "Offline";
  const age = updatedAt ? `last updated ${formatClock(updatedAt)}` : "nothing loaded yet";
  show(`${state} — ${age}. Trying again by itself.`);
}

/** @param {string | null} text */
function show(text) {
  const region = /** @type {HTMLElement} */ (document.getElementById("connection"));
  if (region.textContent === (text ?? "")) return;
  region.replaceChildren(...(text ? [el("p", { class: "connection", "data-testid": "offline" }, text)] : []));
}
