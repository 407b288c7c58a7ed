// @ts-check
/** What the organizer corrects of somebody's registration: a name, or an address with a slip in it. */

import { correctRegistration } from "../api.js";
import { el } from "../dom.js";
import { explain } from "../explain.js";
import { createPersonForm } from "../person_form.js";

/** @import { Refusals } from "../explain.js" */
/** @import { PersonChanges, Registration, Seated } from "../types.js" */

const NOTHING_CHANGED = "Nothing was changed.";

/**
 * @param {Registration} registration
 * @param {object} context
 * @param {AbortSignal} context.signal
 * @param {(corrected: Seated) => void} context.onCorrected With a token, if the address is another now.
 * @param {() => void} context.onClose Nothing is to be corrected after all.
 */
export function createCorrection(registration, { signal, onCorrected, onClose }) {
  const { id, user_email } = registration;
  const known = { user_email, name: registration.name ?? "" };
  const save = el("button", { type: "submit", class: "button", "data-testid": "correct-save" }, "Save");
  const close = el("button", { type: "button", class: "button button--plain" }, "Leave it");
  close.setAttribute("data-testid", "correct-close");
  close.addEventListener("click", onClose);
  const form = createPersonForm({
    testid: "correct-form",
    named: { "aria-label": `Correct the registration of ${user_email}` },
    scope: "correct",
    email: { label: "E-mail address", missing: "Enter their e-mail address." },
    nameLabel: "Name",
    isOwn: false,
    actions: el("div", { class: "actions" }, save, close),
    button: save,
    busy: "Saving…",
    signal,
    nothing: NOTHING_CHANGED,
    send(filled, write) {
      /** @type {PersonChanges} */
      const changes = {};
      if (filled.user_email !== known.user_email) changes.user_email = filled.user_email;
      if (filled.name !== known.name) changes.name = filled.name === "" ? null : filled.name;
      if (Object.keys(changes).length > 0) {
        return write(["correction", id, known, changes], (key) => correctRegistration(id, changes, key));
      }
      onClose();
      return null;
    },
    onSent: onCorrected,
    onError: (error) => explain(error, NOTHING_CHANGED, REFUSALS),
  });
  form.fill(known);

  return {
    node: el(
      "div",
      { class: "correction", "data-testid": "correction" },
      el(
        "p",
        { class: "quiet" },
        "The ticket stays good. With another address the private link is another one, too: you get it to send on.",
      ),
      form.node,
      form.area.node,
    ),
    focus: form.focus,
  };
}

/** @type {Refusals} */
const REFUSALS = {
  already_registered: () => ({
    kind: "already_registered",
    title: "That address is registered already",
    text: "It has a registration of its own for this event. Nothing was changed.",
  }),
  closed: () => ({
    kind: "closed",
    title: "The event was cancelled",
    text: "Every registration ended with it, and nothing was changed.",
  }),
};
