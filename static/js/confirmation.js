// @ts-check
/** A seat that is held until a deadline: the countdown, and the buttons to confirm or release it. */

import { anySignal, timeoutSignal } from "./abort.js";
import { registrationApi } from "./api.js";
import { createCountdown } from "./countdown.js";
import { el } from "./dom.js";
import { explain } from "./explain.js";
import { createOutcomeArea } from "./outcome.js";
import { submitForm } from "./submit_form.js";
import { isSending, isUndecided } from "./unsettled.js";
import { t } from "./words.js";

/** @import { Refusals } from "./explain.js" */
/** @import { Registration } from "./types.js" */

/**
 * @typedef {"confirmed" | "given_back" | "ended" | "over" | "cancelled"} End
 *
 * @param {object} options
 * @param {string} options.id
 * @param {string | undefined} options.token
 * @param {"hold" | "offer"} options.what
 * @param {AbortSignal} options.signal
 * @param {(end: End, registration: Registration | null) => void} options.onEnd
 */
export function createConfirmation({ id, token, what, signal, onEnd }) {
  const api = registrationApi(id, token);
  const area = createOutcomeArea();
  const confirm = el(
    "button",
    { type: "submit", class: "button", "data-testid": `${what}-confirm` },
    t("confirmation.confirm"),
  );
  const release = el("button", {
    type: "submit",
    class: "button button--plain",
    "data-busy": t("confirmation.giving_back"),
  });
  release.textContent = what === "hold" ? t("confirmation.give_back") : t("confirmation.decline");
  release.setAttribute("data-testid", `${what}-release`);
  const form = el(
    "form",
    { class: "actions", "data-testid": `${what}-form`, "aria-label": nameOf(what) },
    confirm,
    release,
  );
  let over = false;
  /** Whether the end of the event ends it. */
  let endsWithEvent = false;

  /** @param {End} end @param {Registration | null} registration */
  function finish(end, registration) {
    if (over || signal.aborted) return;
    over = true;
    onEnd(end, registration);
  }

  const countdown = createCountdown({
    testid: `${what}-countdown`,
    signal,
    warnings: [
      { seconds: 60, text: t("confirmation.minute_left") },
      { seconds: 15, text: t("confirmation.seconds_left") },
    ],
    // A confirmation in progress may have been in time: its answer will show that.
    onEnd() {
      if (!isSending(form)) settle();
    },
  });

  /** Its present status, if the server can be reached. */
  const ask = () => api.get(anySignal(signal, timeoutSignal(3_000))).catch(() => null);

  /** The deadline has passed by this clock; the server knows what became of the seat. */
  async function settle() {
    const latest = await ask();
    // It may have been confirmed in time: a visitor without network must not be told otherwise.
    if (latest === null && isUndecided(form)) return;
    if (latest?.status === "confirmed") finish("confirmed", latest);
    else if (latest?.status === "cancelled") finish("cancelled", latest);
    else finish(endsWithEvent ? "over" : "ended", latest);
  }

  submitForm({
    form,
    button: confirm,
    busy: t("confirmation.confirming"),
    area,
    signal,
    nothing: t("confirmation.nothing"),
    send(write, pressed) {
      const isRelease = pressed === release;
      return write([isRelease ? "cancel" : "confirm", id], isRelease ? api.cancel : api.confirm);
    },
    onSent: (decided, pressed) => finish(pressed === release ? "given_back" : "confirmed", decided),
    async onError(error, pressed) {
      const nothing = pressed === release ? t("confirmation.still_yours") : t("confirmation.nothing");
      const outcome = explain(error, nothing, REFUSALS);
      if (outcome.kind === "expired") {
        await settle();
        return null;
      }
      // The event was cancelled, and the hold with it; or it is over, if only by the server's clock so far.
      const latest = outcome.problem?.code === "closed" ? await ask() : null;
      if (latest === null) return outcome;
      finish(latest.status === "cancelled" ? "cancelled" : "over", latest);
      return null;
    },
  });

  return {
    node: el("div", { class: "confirmation" }, countdown.node, form, area.node),
    /**
     * @param {string | null | undefined} expiresAt
     * @param {number | null} eventOver When the event is over, in ms; no seat is held for longer.
     */
    setEnd(expiresAt, eventOver) {
      endsWithEvent = eventOver !== null && eventOver <= Date.parse(expiresAt ?? "");
      countdown.setEnd(endsWithEvent ? new Date(eventOver ?? NaN).toISOString() : expiresAt);
    },
  };
}

/** The name of what is being confirmed. @param {"hold" | "offer"} what */
export const nameOf = (what) => (what === "hold" ? t("confirmation.your_hold") : t("confirmation.your_offer"));

/** @type {Refusals} */
const REFUSALS = {
  hold_expired: () => ({ kind: "expired", title: t("confirmation.too_late"), text: "" }),
};
