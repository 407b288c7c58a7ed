// @ts-check
/** A button for what cannot be taken back: it asks once more, in the page, before it acts. */

import { el, setText } from "./dom.js";
import { explain } from "./explain.js";
import { createAttempts } from "./idempotency.js";

/** @import { Refusals } from "./explain.js" */

/**
 * @template T
 * @param {object} options
 * @param {string} options.label
 * @param {string} options.question
 * @param {string} options.yes
 * @param {string} options.no
 * @param {string} [options.describedBy] The id of what it is about, where there is one for each of many.
 * @param {string} options.testid Of the button; what follows has `-yes`, `-no` and `-error` after it.
 * @param {(key: string) => Promise<T>} options.act
 * @param {string} options.nothing What did not happen if it fails, as a sentence.
 * @param {Refusals} [options.refusals]
 * @param {(answer: T) => void} options.onDone
 */
export function createConfirmStep({
  label,
  question,
  yes,
  no,
  describedBy,
  testid,
  act,
  nothing,
  refusals,
  onDone,
}) {
  const size = describedBy === undefined ? "" : " button--small";
  const open = el(
    "button",
    {
      type: "button",
      class: `button button--plain${size}`,
      "data-testid": testid,
      "aria-describedby": describedBy,
    },
    label,
  );
  const accept = el("button", { type: "button", class: "button button--danger" }, yes);
  accept.setAttribute("data-testid", `${testid}-yes`);
  const refuse = el("button", { type: "button", class: "button button--plain" }, no);
  refuse.setAttribute("data-testid", `${testid}-no`);
  const error = el("p", { class: "field__error", role: "alert", "data-testid": `${testid}-error` });
  const ask = el(
    "div",
    {
      class: "confirm-step",
      role: "group",
      "aria-label": question,
      "aria-describedby": describedBy,
      hidden: true,
    },
    el("p", {}, question),
    el("div", { class: "actions" }, accept, refuse),
  );
  const attempt = createAttempts();
  let busy = false;

  /** @param {boolean} asking */
  function set(asking) {
    ask.hidden = !asking;
    open.hidden = asking;
    // On the harmless one, so that a second press of Enter does no harm.
    if (asking) refuse.focus();
    else open.focus();
  }

  open.addEventListener("click", () => set(true));
  refuse.addEventListener("click", () => {
    setText(error, "");
    set(false);
  });
  ask.addEventListener("keydown", (event) => {
    if (event.key === "Escape") set(false);
  });
  accept.addEventListener("click", async () => {
    if (busy) return;
    busy = true;
    accept.setAttribute("aria-disabled", "true");
    setText(error, "");
    /** @type {T} */
    let answer;
    try {
      answer = await attempt(testid, act);
    } catch (failure) {
      return setText(error, explain(failure, nothing, refusals).text);
    } finally {
      busy = false;
      accept.removeAttribute("aria-disabled");
    }
    set(false);
    onDone(answer);
  });

  return { node: el("div", { class: "confirm" }, open, ask, error) };
}
