// @ts-check
/** The second step of a booking with a hold: confirm in time, or the seat goes back. */

import { createConfirmation } from "../confirmation.js";
import { el } from "../dom.js";
import { overAt } from "../registration_window.js";
import { currentHold } from "../current_hold.js";

/** @import { BookingEvent, Registration } from "../types.js" */
/** @import { End } from "../confirmation.js" */
/** @import { Held } from "../current_hold.js" */

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
  /** What is counted down, if anything. @type {(() => void) | null} */
  let setEnd = null;
  /** @type {number | null} */
  let eventOver = null;

  /** @param {Held} held @param {boolean} moveFocus */
  function start(held, moveFocus) {
    currentHold(eventId).set(held);
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
    setEnd = () => confirmation.setEnd(held.expires_at, eventOver);
    onActive(true);
    setEnd();
    if (moveFocus) title.focus();
  }

  /** @param {Held} held @param {End} end @param {Registration | null} registration */
  function finish(held, end, registration) {
    currentHold(eventId).set(null);
    step.replaceChildren();
    setEnd = null;
    onActive(false);
    if (end === "confirmed" && registration) return onConfirmed(registration, held);
    const again = el("button", { type: "button", class: "button", "data-testid": "hold-again" }, "Try again");
    again.addEventListener("click", () => {
      ended.replaceChildren();
      onAgain(held);
    });
    const [heading, text] = WORDS[end];
    const title = el("h3", { tabindex: -1 }, heading);
    // Of an event that is over there is nothing to try again.
    const isLast = end === "over";
    ended.replaceChildren(
      el(
        "div",
        { class: "outcome outcome--note", "data-testid": "hold-ended", "data-end": end },
        title,
        el("p", {}, text),
        !isLast && again,
      ),
    );
    (isLast ? title : again).focus();
  }

  return {
    node: el("div", {}, step, ended),
    start,
    /** When the event is over may be changed meanwhile. @param {BookingEvent} event */
    update(event) {
      eventOver = overAt(event);
      setEnd?.();
    },
  };
}

/** @type {Record<End, [heading: string, text: string]>} */
const WORDS = {
  confirmed: ["Confirmed", "The seat is yours."],
  given_back: ["You gave the seat back", "Nothing is booked. Somebody else can have it now."],
  over: ["The event is over", "The hold ended with it, and nothing is booked."],
  cancelled: ["This hold was cancelled", "Nothing is booked. Perhaps the event was called off."],
  ended: [
    "Time is up: the seat went back",
    "It was not confirmed in time, so nothing is booked. You may try again, as long as there are seats.",
  ],
};
