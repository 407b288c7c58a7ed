// @ts-check
/** Correcting the name of one's own registration. The ticket and the link stay as they are. */

import { disclosureElement } from "../disclosure.js";
import { el } from "../dom.js";
import { explain } from "../explain.js";
import { createPersonForm } from "../person_form.js";

/** @import { RegistrationApi } from "../api.js" */
/** @import { Outcome } from "../explain.js" */
/** @import { Registration } from "../types.js" */

const CORRECTABLE = ["confirmed", "held", "offered", "waitlisted"];
const NOTHING_CHANGED = "Nothing was changed.";

/**
 * @param {RegistrationApi} api
 * @param {{ signal: AbortSignal, onCorrected: () => void }} context
 */
export function createCorrectName(api, { signal, onCorrected }) {
  const button = el("button", { type: "submit", class: "button form__send" }, "Save the name");
  button.setAttribute("data-testid", "correct-name-save");
  let known = "";
  const form = createPersonForm({
    testid: "correct-name-form",
    named: { "aria-label": "Correct my name" },
    scope: "correct",
    email: null,
    nameLabel: "Your name",
    isOwn: true,
    actions: button,
    button,
    busy: "Saving…",
    signal,
    nothing: NOTHING_CHANGED,
    send({ name }, write) {
      if (name !== known) return write(["name", api.id, known, name], (key) => api.correctName(name === "" ? null : name, key));
      form.area.show(NOTHING_TO_SAVE);
      return null;
    },
    onSent({ name }) {
      known = name ?? "";
      form.fill({ name });
      form.area.show(known === "" ? CLEARED : SAVED);
      onCorrected();
    },
    onError: (error) => explain(error, NOTHING_CHANGED, { closed: () => EVENT_CANCELLED }),
  });
  const node = disclosureElement(
    "correct-name",
    "Correct my name",
    el("p", { class: "quiet" }, "Your ticket and your link stay good."),
    form.node,
    form.area.node,
  );
  node.hidden = true;

  node.addEventListener("toggle", () => {
    // Closing it takes away what asks once more, too.
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

/** @type {Outcome} */
const NOTHING_TO_SAVE = { kind: "saved", title: "Nothing to save", text: "That is the name already." };

/** @type {Outcome} */
const SAVED = { kind: "saved", title: "Saved", text: "Your ticket and your link are the same as before." };

/** @type {Outcome} */
const CLEARED = { ...SAVED, text: "There is no name any more. Your ticket and your link are the same as before." };

/** @type {Outcome} */
const EVENT_CANCELLED = {
  kind: "closed",
  title: "The event was cancelled",
  text: "Every registration ended with it, and nothing was changed.",
};
