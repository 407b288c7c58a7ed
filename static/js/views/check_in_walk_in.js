// @ts-check
/** Registers a visitor at the door, outside registration hours too, and lets them in. */

import { registerGuest } from "../api.js";
import { disclosureElement } from "../disclosure.js";
import { el } from "../dom.js";
import { createPersonForm, personOf } from "../person_form.js";
import { explainRefusal } from "../registering.js";
import { t } from "../words.js";

/** @import { Registration } from "../types.js" */

/**
 * @param {object} door
 * @param {string} door.eventId
 * @param {AbortSignal} door.signal
 * @param {(guest: Registration) => Promise<void>} door.onLetIn Rejects if nothing was decided.
 */
export function createWalkIn({ eventId, signal, onLetIn }) {
  const button = el("button", { type: "submit", class: "button form__send", "data-testid": "walk-in-submit" }, t("walk_in.submit"));
  const form = createPersonForm({
    testid: "walk-in-form",
    named: { "aria-label": t("walk_in.title") },
    scope: "walk-in",
    email: { label: t("person.their_email"), missing: t("person.enter_their_email") },
    nameLabel: t("person.their_name"),
    isOwn: false,
    actions: button,
    button,
    busy: t("walk_in.busy"),
    signal,
    nothing: t("register.nothing"),
    send(filled, write) {
      const person = personOf(filled);
      return write(["walk-in", eventId, person], (key) => registerGuest(eventId, person, key));
    },
    async onSent(guest) {
      form.fill({});
      const email = guest.user_email;
      try {
        await onLetIn(guest);
        form.area.show({ kind: "saved", title: t("walk_in.done_title"), text: t("walk_in.done", { email }) });
      } catch {
        if (!signal.aborted) form.area.show({ kind: "changed", title: t("outcome.registered"), text: t("walk_in.not_in", { email }) });
      }
    },
    onError: (error) => explainRefusal(error, null),
  });
  const node = disclosureElement("door-walk-in", t("walk_in.title"), el("p", {}, t("walk_in.text")), form.node, form.area.node);
  return { node };
}
