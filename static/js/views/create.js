// @ts-check
/** Creating an event. */

import { createEvent } from "../api.js";
import { el } from "../dom.js";
import { explain } from "../explain.js";
import { createCheckbox, onSubmit, resubmit, showErrors } from "../form.js";
import { createAttempts } from "../idempotency.js";
import { createOutcomeArea } from "../outcome.js";
import { withRetries } from "../retry.js";
import { createEventForm } from "./event_form.js";

/** @import { FieldError, View } from "../types.js" */
/** @import { Outcome } from "../explain.js" */
/** @import { Values } from "./event_form.js" */

/** @param {View} view */
export function createView({ root, signal, setTitle }) {
  setTitle("Create event");
  const { nodes, fields, read, unfoldFor } = createEventForm();
  const draft = createCheckbox({
    name: "draft",
    label: "Keep it as a draft",
    hint: "Nobody can register until you publish it.",
  });
  const button = el("button", { class: "button form__send", type: "submit" }, "Create event");
  const form = el(
    "form",
    { class: "form", novalidate: true, "data-testid": "create-form", "aria-labelledby": "create-title" },
    ...nodes,
    draft.node,
    button,
  );
  const area = createOutcomeArea();
  const attempt = createAttempts();
  root.append(
    el("a", { class: "back", href: "#/" }, "← All events"),
    el(
      "div",
      { class: "page-head" },
      el(
        "div",
        {},
        el("h1", { tabindex: -1, id: "create-title" }, "Create event"),
        el("p", { class: "lede" }, "Print the tickets: a name, a few words, and how many seats there are."),
      ),
    ),
    form,
    el("div", { class: "panel" }, area.node),
  );

  onSubmit(form, button, "Creating…", async () => {
    area.clear();
    const { values, errors: found } = read();
    unfoldFor(found);
    showErrors(fields, found);
    if (found.length > 0) return area.show(invalid([]));
    const body = bodyOf(values, draft.input.checked);
    try {
      const event = await attempt(body, (key) =>
        withRetries(() => createEvent(body, key), area.wait, signal),
      );
      if (!signal.aborted) location.hash = `#/events/${encodeURIComponent(event.id)}`;
    } catch (error) {
      if (signal.aborted) return;
      const outcome = explain(error, "Nothing was created.");
      unfoldFor(outcome.errors ?? []);
      const loose = showErrors(fields, outcome.errors ?? []);
      area.show(outcome.errors ? invalid(loose) : outcome, { onRetry: () => resubmit(form, button) });
    }
  });
}

/**
 * Only what was asked for: a time zone says something of times alone, and time to accept of a waitlist.
 * Whether there is one is always said: a server that is not told makes one.
 *
 * @param {Values} values
 * @param {boolean} isDraft
 */
function bodyOf(values, isDraft) {
  const { timezone, waitlist_enabled, offer_ttl_seconds, conceal_registered, ...others } = values;
  const given = Object.fromEntries(Object.entries(others).filter(([, value]) => value !== null));
  const hasTime = ["starts_at", "ends_at", "opens_at", "closes_at"].some((key) => key in given);
  return {
    ...given,
    ...(hasTime ? { timezone } : {}),
    waitlist_enabled,
    ...(waitlist_enabled ? { offer_ttl_seconds } : {}),
    ...(conceal_registered ? { conceal_registered } : {}),
    ...(isDraft ? { status: "draft" } : {}),
  };
}

/** @param {FieldError[]} errors @returns {Outcome} */
const invalid = (errors) => ({
  kind: "invalid",
  title: "Please check the form",
  text: "Nothing was created. What is wrong is said beside each field.",
  errors,
});
