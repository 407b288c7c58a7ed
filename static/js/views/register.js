// @ts-check
/** The form that takes a seat. */

import { getEvent } from "../api.js";
import { el, setText } from "../dom.js";
import { createField, onSubmit, showErrors } from "../form.js";
import { createOutcomeArea } from "../outcome.js";
import { placeOf } from "../place.js";
import { tryRegister } from "../registering.js";
import { seatsLeft } from "../seats.js";

/** @import { BookingEvent } from "../types.js" */
/** @import { Outcome } from "../registering.js" */

const HINT_FREE = "One address, one seat. You will see right away whether it worked.";
const HINT_FULL =
  "Every seat is taken right now. This page keeps watching: if one comes free, the number above changes by itself.";

/**
 * @param {string} eventId
 * @param {{ signal: AbortSignal, latest: () => BookingEvent | null, refresh: () => void }} context
 */
export function createRegisterPanel(eventId, { signal, latest, refresh }) {
  // Not type="email": browsers rewrite an international domain in such a field before a page can read
  // it, and the same address would then be another one than the one the server stores.
  const email = createField({
    name: "user_email",
    label: "Your e-mail address",
    attributes: { inputmode: "email", autocomplete: "email", autocapitalize: "none", spellcheck: "false" },
  });
  const button = el("button", { type: "submit", class: "button form__send" }, "Register");
  const form = el(
    "form",
    {
      class: "form form--line",
      novalidate: true,
      "data-testid": "register-form",
      "aria-labelledby": "register-title",
    },
    email.node,
    button,
  );
  const hint = el("p", { class: "panel__text", role: "status" });
  const area = createOutcomeArea();
  /** Addresses for which a try ended without an answer. @type {Set<string>} */
  const unanswered = new Set();

  onSubmit(form, button, "Registering…", async () => {
    area.clear();
    const address = email.input.value.trim();
    if (address === "") {
      showErrors([email], [{ pointer: "/user_email", detail: "Enter an e-mail address." }]);
      return area.show(NO_ADDRESS);
    }
    email.setError(null);
    const before = latest();
    const key = address.toLowerCase();
    const outcome = await tryRegister(eventId, address, unanswered.has(key), area.wait, signal);
    if (outcome.kind === "unknown") unanswered.add(key);
    const loose = showErrors([email], outcome.errors ?? []);
    const place = await placeFor(outcome, before);
    if (signal.aborted) return;
    if (outcome.kind === "registered") email.input.value = "";
    area.show({ ...outcome, errors: loose }, { place, onRetry: retry });
    refresh();
  });

  function retry() {
    // The button that was pressed goes with the outcome; the focus needs another home before.
    button.focus();
    form.requestSubmit(button);
  }

  /** @param {Outcome} outcome @param {BookingEvent | null} before */
  async function placeFor({ registration }, before) {
    if (!registration) return null;
    const known = placeOf(registration, before, null);
    // Worth one more question, but never worth spoiling the good news.
    const after =
      known === null ? await getEvent(eventId, null, AbortSignal.timeout(2_000)).catch(() => null) : null;
    const number = known ?? placeOf(registration, before, after?.event ?? null);
    const capacity = (after?.event ?? latest())?.capacity;
    return number === null || capacity === undefined ? null : { number, capacity };
  }

  return {
    node: el(
      "section",
      { class: "panel" },
      el("div", {}, el("h2", { id: "register-title" }, "Take a seat"), hint),
      form,
      area.node,
    ),
    /** @param {BookingEvent} event */
    update: (event) => setText(hint, seatsLeft(event) === 0 ? HINT_FULL : HINT_FREE),
  };
}

/** @type {Outcome} */
const NO_ADDRESS = {
  kind: "invalid",
  title: "An e-mail address is needed",
  text: "Nothing was sent. Your seat is booked under your address.",
};
