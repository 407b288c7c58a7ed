// @ts-check
/** Correcting the name of one's own registration. The ticket and the link stay as they are. */

import { el } from "../dom.js";
import { explain } from "../explain.js";
import { createField, onSubmit, resubmit, showErrors, unsendable } from "../form.js";
import { createAttempts } from "../idempotency.js";
import { PERSON_NAME } from "../limits.js";
import { createOutcomeArea } from "../outcome.js";
import { withRetries } from "../retry.js";
import { trimmed } from "../text.js";

/** @import { Outcome } from "../explain.js" */
/** @import { Registration } from "../types.js" */

const CORRECTABLE = ["confirmed", "held", "offered", "waitlisted"];

/**
 * @param {ReturnType<typeof import("../api.js").registrationApi>} api
 * @param {{ signal: AbortSignal, onCorrected: () => void }} context
 */
export function createCorrectName(api, { signal, onCorrected }) {
  const name = createField({
    name: "name",
    scope: "correct",
    label: "Your name",
    optional: true,
    limit: PERSON_NAME,
    attributes: { autocomplete: "name" },
  });
  const button = el("button", { type: "submit", class: "button form__send" }, "Save the name");
  button.setAttribute("data-testid", "correct-name-save");
  const form = el(
    "form",
    { class: "form", novalidate: true, "data-testid": "correct-name-form", "aria-label": "Correct my name" },
    name.node,
    button,
  );
  const area = createOutcomeArea();
  const node = el(
    "details",
    { class: "disclosure", "data-testid": "correct-name", hidden: true },
    el("summary", {}, "Correct my name"),
    el(
      "div",
      { class: "disclosure__body" },
      el("p", { class: "quiet" }, "Your ticket and your link stay good."),
      form,
      area.node,
    ),
  );
  const attempt = createAttempts();
  let known = "";

  node.addEventListener("toggle", () => {
    if (!node.open) return;
    area.clear();
    showErrors([name], []);
    name.fill(known);
    name.input.focus();
  });

  onSubmit(form, button, "Saving…", async () => {
    area.clear();
    const found = unsendable([name]);
    showErrors([name], found);
    if (found.length > 0) return area.show(INVALID);
    const wanted = trimmed(name.input.value);
    if (wanted === known) return area.show(NOTHING);
    try {
      const corrected = await attempt(wanted, (key) =>
        withRetries(() => api.correctName(wanted === "" ? null : wanted, key), area.wait, signal),
      );
      known = corrected.name ?? "";
      name.fill(known);
      area.show(known === "" ? CLEARED : SAVED);
      onCorrected();
    } catch (error) {
      if (signal.aborted) return;
      const outcome = explain(error, "Nothing was changed.", { closed: () => CALLED_OFF });
      const loose = showErrors([name], outcome.errors ?? []);
      area.show({ ...outcome, errors: loose }, { onRetry: () => resubmit(form, button) });
    }
  });

  return {
    node,
    /** @param {Registration} registration */
    update({ status = "confirmed", name: latest }) {
      node.hidden = !CORRECTABLE.includes(status);
      known = latest ?? "";
    },
  };
}

/** @type {Outcome} */
const INVALID = {
  kind: "invalid",
  title: "Please check the name",
  text: "Nothing was changed. What is wrong is said beside it.",
};

/** @type {Outcome} */
const NOTHING = { kind: "saved", title: "Nothing to save", text: "That is the name already." };

/** @type {Outcome} */
const SAVED = { kind: "saved", title: "Saved", text: "Your ticket and your link are the same as before." };

/** @type {Outcome} */
const CLEARED = { ...SAVED, text: "There is no name any more. Your ticket and your link are the same as before." };

/** @type {Outcome} */
const CALLED_OFF = {
  kind: "closed",
  title: "The event was cancelled",
  text: "Every registration ended with it, and nothing was changed.",
};
