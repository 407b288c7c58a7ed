// @ts-check
/** Correcting the name of one's own registration. The ticket and the link stay as they are. */

import { disclosureElement } from "../disclosure.js";
import { el } from "../dom.js";
import { eventCancelled, explain } from "../explain.js";
import { createPersonForm } from "../person_form.js";
import { t } from "../words.js";

/** @import { RegistrationApi } from "../api.js" */
/** @import { Outcome } from "../explain.js" */
/** @import { Registration } from "../types.js" */

const CORRECTABLE = ["confirmed", "held", "offered", "waitlisted"];

/**
 * @param {RegistrationApi} api
 * @param {{ signal: AbortSignal, onCorrected: () => void }} context
 */
export function createCorrectName(api, { signal, onCorrected }) {
  const button = el("button", { type: "submit", class: "button form__send" }, t("correct.save_name"));
  button.setAttribute("data-testid", "correct-name-save");
  let known = "";
  const form = createPersonForm({
    testid: "correct-name-form",
    named: { "aria-label": t("correct.my_name") },
    scope: "correct",
    email: null,
    nameLabel: t("person.your_name"),
    isOwn: true,
    actions: button,
    button,
    busy: t("edit.saving"),
    signal,
    nothing: t("correct.nothing"),
    send({ name }, write) {
      if (name !== known) return write(["name", api.id, known, name], (key) => api.correctName(name === "" ? null : name, key));
      form.area.show(saved(t("edit.nothing_to_save_title"), t("correct.same_name")));
      return null;
    },
    onSent({ name }) {
      known = name ?? "";
      form.fill({ name });
      form.area.show(saved(t("edit.saved_title"), known === "" ? t("correct.cleared") : t("correct.saved")));
      onCorrected();
    },
    onError: (error) => explain(error, t("correct.nothing"), { closed: eventCancelled }),
  });
  const node = disclosureElement(
    "correct-name",
    t("correct.my_name"),
    el("p", { class: "quiet" }, t("correct.stays_good")),
    form.node,
    form.area.node,
  );
  node.hidden = true;

  node.addEventListener("toggle", () => {
    // Closing it removes the confirmation, too.
    form.clear();
    if (!node.open) return;
    form.fill({ name: known });
    form.focus();
  });

  return {
    node,
    /** @param {Registration} registration */
    update({ status = "confirmed", name }) {
      node.hidden = !CORRECTABLE.includes(status);
      known = name ?? "";
    },
  };
}

/** @param {string} title @param {string} text @returns {Outcome} */
const saved = (title, text) => ({ kind: "saved", title, text });
