// @ts-check
/** The second step of a booking with a hold: confirm in time, or the seat is released. */

import { createConfirmation } from "../confirmation.js";
import { el } from "../dom.js";
import { overAt } from "../registration_window.js";
import { currentHold } from "../current_hold.js";
import { t, tNodes } from "../words.js";

/** @import { BookingEvent, Registration } from "../types.js" */
/** @import { End } from "../confirmation.js" */
/** @import { Held } from "../current_hold.js" */

/**
 * @param {string} eventId
 * @param {object} context
 * @param {AbortSignal} context.signal
 * @param {(registration: Registration, held: Held) => void} context.onConfirmed
 * @param {(held: Held) => void} context.onAgain The visitor wants to try again.
 * @param {(active: boolean) => void} context.onActive
 */
export function createHold(eventId, { signal, onConfirmed, onAgain, onActive }) {
  const step = el("div", {});
  // In the page before its text, so that the result is announced.
  const ended = el("div", { role: "alert" });
  /** Sets the countdown's end, if there is one. @type {(() => void) | null} */
  let setEnd = null;
  /** @type {number | null} */
  let eventOver = null;

  /** @param {Held} held @param {boolean} moveFocus */
  function start(held, moveFocus) {
    currentHold(eventId).set(held);
    ended.replaceChildren();
    const title = el("h3", { tabindex: -1 }, t("status.held"));
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
        { class: "hold", "data-testid": "hold", "aria-label": t("confirmation.your_hold") },
        title,
        el(
          "p",
          {},
          ...tNodes("hold.kept_for", { email: el("bdi", { "data-testid": "hold-email" }, held.email) }),
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
    const again = el("button", { type: "button", class: "button", "data-testid": "hold-again" }, t("outcome.try_again"));
    again.addEventListener("click", () => {
      ended.replaceChildren();
      onAgain(held);
    });
    const [heading, text] = WORDS[end];
    const title = el("h3", { tabindex: -1 }, t(heading));
    // After the event there is nothing to try again.
    const isLast = end === "over";
    ended.replaceChildren(
      el(
        "div",
        { class: "outcome outcome--note", "data-testid": "hold-ended", "data-end": end },
        title,
        el("p", {}, t(text)),
        !isLast && again,
      ),
    );
    (isLast ? title : again).focus();
  }

  return {
    node: el("div", {}, step, ended),
    start,
    /** The event's end may change meanwhile. @param {BookingEvent} event */
    update(event) {
      eventOver = overAt(event);
      setEnd?.();
    },
  };
}

/** @type {Record<End, [heading: string, text: string]>} */
const WORDS = {
  confirmed: ["hold.confirmed_title", "hold.confirmed"],
  given_back: ["hold.given_back_title", "hold.given_back"],
  over: ["status.event_over", "hold.over"],
  cancelled: ["hold.cancelled_title", "hold.cancelled"],
  ended: ["hold.ended_title", "hold.ended"],
};
