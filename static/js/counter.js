// @ts-check
/** How much of a limit is used: shown once it is near, and announced when it is near and when it is exceeded. */

import { el, setText } from "./dom.js";
import { t } from "./words.js";

/** @import { Limit } from "./limits.js" */

/** It is shown from this share of the limit on. */
const NEAR = 0.9;

/**
 * @param {string} id
 * @param {string} testid
 * @param {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement} input
 * @param {Limit} limit
 * @param {() => void} onToggle Called when it is shown or hidden.
 */
export function createCounter(id, testid, input, limit, onToggle) {
  const shown = el("span", { class: "field__count", id, "data-testid": testid, hidden: true });
  // Not the visible element: a screen reader would announce another number with every key.
  const statusLine = el("span", { class: "visually-hidden", role: "status" });
  let state = "far";

  function update() {
    const used = limit.count(input.value);
    const next = used > limit.max ? "over" : used >= limit.max * NEAR ? "near" : "far";
    setText(shown, next === "far" ? "" : wordsOf(used, limit));
    if (next === state) return;
    state = next;
    shown.dataset.state = state;
    shown.hidden = state === "far";
    setText(statusLine, shown.textContent ?? "");
    onToggle();
  }

  input.addEventListener("input", update);
  return { node: el("span", { class: "field__counter" }, shown, statusLine), isShown: () => state !== "far", update };
}

/** @param {number} used @param {Limit} limit */
function wordsOf(used, { max, unit }) {
  const isBytes = unit === "bytes";
  if (used <= max) return t(isBytes ? "counter.bytes" : "counter.characters", { used, max });
  return t(isBytes ? "counter.bytes_over" : "counter.characters_over", { count: used - max, max });
}
