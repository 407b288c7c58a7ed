// @ts-check
/** A button for an irreversible action: it asks for confirmation, in the page, before it acts. */

import { anySignal } from "./abort.js";
import { el, setText } from "./dom.js";
import { explain } from "./explain.js";
import { attempt, leavesOpen } from "./idempotency.js";
import { withRetries } from "./retry.js";
import { setUndecided } from "./unsettled.js";

/** @import { Refusals } from "./explain.js" */
/** @import { What } from "./idempotency.js" */

/**
 * @template T
 * @param {object} options
 * @param {string} options.label
 * @param {string} options.question
 * @param {string} options.yes
 * @param {string} options.no
 * @param {string} [options.describedBy] The id of its subject, in a list with one button each.
 * @param {string} options.testid The button's; the other elements have `-yes`, `-no`, `-wait` and `-error`
 *   after it.
 * @param {What} options.what
 * @param {(key: string) => Promise<T>} options.act
 * @param {string} options.nothing The sentence for a failure, such as "Nothing was booked."
 * @param {Refusals} [options.refusals]
 * @param {(isAsking: boolean) => void} [options.onAsk] Called since the question needs more room than the button.
 * @param {AbortSignal} options.signal
 * @param {(answer: T) => void} options.onDone
 */
export function createConfirmStep({
  label,
  question,
  yes,
  no,
  describedBy,
  testid,
  what,
  act,
  nothing,
  refusals,
  onAsk = () => {},
  signal,
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
  const wait = el("p", { class: "quiet", role: "status", "data-testid": `${testid}-wait` });
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
    wait,
  );
  let busy = false;
  /** Cancels the remaining retries. */
  let declining = new AbortController();

  /** @param {boolean} asking */
  function set(asking) {
    ask.hidden = !asking;
    open.hidden = asking;
    onAsk(asking);
    // On the harmless button, so that a second press of Enter does no harm.
    if (asking) refuse.focus();
    else open.focus();
  }

  function decline() {
    declining.abort();
    // The visitor has left the question.
    setUndecided(ask, false);
    setText(error, "");
    set(false);
  }

  open.addEventListener("click", () => set(true));
  refuse.addEventListener("click", decline);
  ask.addEventListener("keydown", (event) => {
    if (event.key === "Escape") decline();
  });
  accept.addEventListener("click", async () => {
    if (busy) return;
    busy = true;
    declining = new AbortController();
    accept.setAttribute("aria-busy", "true");
    accept.setAttribute("aria-disabled", "true");
    setText(error, "");
    /** @type {T} */
    let answer;
    try {
      answer = await withRetries(
        () => attempt(what, act, signal),
        (text) => setText(wait, text),
        anySignal(signal, declining.signal),
      );
    } catch (failure) {
      // Nothing was done by then, and nothing is shown to a visitor who cancelled or left.
      if (failure === declining.signal.reason || signal.aborted) return;
      setUndecided(ask, leavesOpen(failure));
      return setText(error, explain(failure, nothing, refusals).text);
    } finally {
      busy = false;
      setText(wait, "");
      accept.removeAttribute("aria-busy");
      accept.removeAttribute("aria-disabled");
    }
    setUndecided(ask, false);
    // The focus is not taken from a visitor who has moved on.
    if (signal.aborted) return;
    set(false);
    onDone(answer);
  });

  return { node: el("div", { class: "confirm" }, open, ask, error) };
}
