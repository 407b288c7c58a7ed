// @ts-check
/** The organizer's correction of a registration: a name, or a mistyped address. */

import { correctRegistration } from "../api.js";
import { el } from "../dom.js";
import { eventCancelled, explain } from "../explain.js";
import { createPersonForm } from "../person_form.js";
import { t } from "../words.js";

/** @import { Refusals } from "../explain.js" */
/** @import { PersonChanges, Registration, Seated } from "../types.js" */

/**
 * @param {Registration} registration
 * @param {object} context
 * @param {AbortSignal} context.signal
 * @param {(corrected: Seated) => void} context.onCorrected With a token, if the address has changed.
 * @param {() => void} context.onClose Closes without a correction.
 */
export function createCorrection(registration, { signal, onCorrected, onClose }) {
  const { id, user_email } = registration;
  const known = { user_email, name: registration.name ?? "" };
  const save = el("button", { type: "submit", class: "button", "data-testid": "correct-save" }, t("edit.save"));
  const close = el("button", { type: "button", class: "button button--plain" }, t("correct.leave"));
  close.setAttribute("data-testid", "correct-close");
  close.addEventListener("click", onClose);
  const form = createPersonForm({
    testid: "correct-form",
    named: { "aria-label": t("correct.registration_of", { email: user_email }) },
    scope: "correct",
    email: { label: t("person.email"), missing: t("person.enter_their_email") },
    nameLabel: t("person.name"),
    isOwn: false,
    actions: el("div", { class: "actions" }, save, close),
    button: save,
    busy: t("edit.saving"),
    signal,
    nothing: t("correct.nothing"),
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
    onError: (error) => explain(error, t("correct.nothing"), REFUSALS),
  });
  form.fill(known);

  return {
    node: el(
      "div",
      { class: "correction", "data-testid": "correction" },
      el(
        "p",
        { class: "quiet" },
        t("correct.about"),
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
    title: t("correct.taken_title"),
    text: t("correct.taken"),
  }),
  closed: eventCancelled,
};
