// @ts-check
/** The second step of a booking with a hold: confirm in time, or the seat goes back. */

import { createConfirmation } from "../confirmation.js";
import { el } from "../dom.js";
import { forget, remember } from "../held.js";

/** @import { Registration } from "../types.js" */
/** @import { End } from "../confirmation.js" */
/** @import { Held } from "../held.js" */

/**
 * @param {string} eventId
 * @param {object} context
 * @param {AbortSignal} context.signal
 * @param {(registration: Registration, held: Held) => void} context.onConfirmed
 * @param {(held: Held) => void} context.onAgain Somebody wants to try again after all.
 * @param {(active: boolean) => void} context.onActive
 */
export function createHold(eventId, { signal, onConfirmed, onAgain, onActive }) {
  const step = el("div", {});
  // In the page before its text comes, so that what became of the seat is read out.
  const ended = el("div", { role: "alert" });

  /** @param {Held} held @param {boolean} moveFocus */
  function start(held, moveFocus) {
    remember(eventId, held);
    ended.replaceChildren();
    const title = el("h3", { tabindex: -1 }, "Your seat is held");
    const confirmation = createConfirmation({
      id: held.id,
      token: held.token,
      what: "hold",
      signal,
      onEnd: (end, registration) => finish(held, end, registration),
    });
    step.replaceChildren(
      el(
        "section",
        { class: "hold", "data-testid": "hold", "aria-label": "Your hold" },
        title,
        el(
          "p",
          {},
          "It is kept for ",
          el("bdi", { "data-testid": "hold-email" }, held.email),
          ". Confirm before the time is up, or it goes back to the others.",
        ),
        confirmation.node,
      ),
    );
    onActive(true);
    confirmation.setEnd(held.expires_at);
    if (moveFocus) title.focus();
  }

  /** @param {Held} held @param {End} end @param {Registration | null} registration */
  function finish(held, end, registration) {
    forget(eventId);
    step.replaceChildren();
    onActive(false);
    if (end === "confirmed" && registration) return onConfirmed(registration, held);
    const again = el("button", { type: "button", class: "button", "data-testid": "hold-again" }, "Try again");
    again.addEventListener("click", () => {
      ended.replaceChildren();
      onAgain(held);
    });
    const [heading, text] = WORDS[end];
    ended.replaceChildren(
      el(
        "div",
        { class: "outcome outcome--note", "data-testid": "hold-ended", "data-end": end },
        el("h3", {}, heading),
        el("p", {}, text),
        again,
      ),
    );
    again.focus();
  }

  return { node: el("div", {}, step, ended), start };
}

/** @type {Record<End, [heading: string, text: string]>} */
const WORDS = {
  confirmed: ["Confirmed", "The seat is yours."],
  given_back: ["You gave the seat back", "Nothing is booked. Somebody else can have it now."],
  cancelled: ["This hold was cancelled", "Nothing is booked. Perhaps the event was called off."],
  ended: [
    "Time is up: the seat went back",
    "It was not confirmed in time, so nothing is booked. You may try again, as long as there are seats.",
  ],
};
