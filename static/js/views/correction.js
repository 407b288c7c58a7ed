// @ts-check
/** What the organizer corrects of somebody's registration: a name, or an address with a slip in it. */

import { correctRegistration } from "../api.js";
import { el } from "../dom.js";
import { explain } from "../explain.js";
import { createField, onSubmit, resubmit, showErrors, unsendable } from "../form.js";
import { createAttempts } from "../idempotency.js";
import { EMAIL, PERSON_NAME } from "../limits.js";
import { createOutcomeArea } from "../outcome.js";
import { withRetries } from "../retry.js";
import { showsNothing, trimmed } from "../text.js";

/** @import { Outcome } from "../explain.js" */
/** @import { Registration, Seated } from "../types.js" */

/**
 * @param {Registration} registration
 * @param {object} context
 * @param {AbortSignal} context.signal
 * @param {(corrected: Seated) => void} context.onCorrected With a token, if the address is another now.
 * @param {() => void} context.onClose Nothing is to be corrected after all.
 */
export function createCorrection({ id, user_email, name: known }, { signal, onCorrected, onClose }) {
  const email = createField({
    name: "user_email",
    scope: "correct",
    label: "E-mail address",
    limit: EMAIL,
    attributes: { inputmode: "email", autocomplete: "off", autocapitalize: "none", spellcheck: "false" },
  });
  const name = createField({
    name: "name",
    scope: "correct",
    label: "Name",
    optional: true,
    limit: PERSON_NAME,
    attributes: { autocomplete: "off" },
  });
  const fields = [email, name];
  const save = el("button", { type: "submit", class: "button", "data-testid": "correct-save" }, "Save");
  const close = el("button", { type: "button", class: "button button--plain" }, "Leave it");
  close.setAttribute("data-testid", "correct-close");
  const form = el(
    "form",
    {
      class: "form form--pair",
      novalidate: true,
      "data-testid": "correct-form",
      "aria-label": `Correct the registration of ${user_email}`,
    },
    email.node,
    name.node,
    el("div", { class: "actions" }, save, close),
  );
  const area = createOutcomeArea();
  const attempt = createAttempts();
  email.fill(user_email);
  name.fill(known ?? "");
  close.addEventListener("click", onClose);

  /** What the form says otherwise than the registration. */
  function changes() {
    /** @type {{ user_email?: string, name?: string | null }} */
    const changed = {};
    const [address, called] = [trimmed(email.input.value), trimmed(name.input.value)];
    if (address !== user_email) changed.user_email = address;
    if (called !== (known ?? "")) changed.name = called === "" ? null : called;
    return changed;
  }

  onSubmit(form, save, "Saving…", async () => {
    area.clear();
    const found = unsendable(fields);
    if (showsNothing(email.input.value)) {
      found.push({ pointer: "/user_email", detail: "Enter their e-mail address." });
    }
    showErrors(fields, found);
    if (found.length > 0) return area.show(INVALID);
    const body = changes();
    if (Object.keys(body).length === 0) return onClose();
    try {
      onCorrected(
        await attempt(body, (key) =>
          withRetries(() => correctRegistration(id, body, key), area.wait, signal),
        ),
      );
    } catch (error) {
      if (signal.aborted) return;
      const outcome = explain(error, "Nothing was changed.", REFUSALS);
      const loose = showErrors(fields, outcome.errors ?? []);
      area.show({ ...outcome, errors: loose }, { onRetry: () => resubmit(form, save) });
    }
  });

  return {
    node: el(
      "div",
      { class: "correction", "data-testid": "correction" },
      el(
        "p",
        { class: "quiet" },
        "The ticket stays good. With another address the private link is another one, too: you get it to send on.",
      ),
      form,
      area.node,
    ),
    focus: () => email.input.focus(),
  };
}

/** @type {Outcome} */
const INVALID = {
  kind: "invalid",
  title: "Please check the form",
  text: "Nothing was changed. What is wrong is said beside each field.",
};

/** @type {Record<string, () => Outcome>} */
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
