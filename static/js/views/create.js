// @ts-check
/** Creating an event. */

import { ConnectionError, ProblemError, createEvent } from "../api.js";
import { el } from "../dom.js";
import { createField, onSubmit, showErrors } from "../form.js";
import { createOutcomeArea } from "../outcome.js";
import { isBusy, withRetries } from "../retry.js";

/** @import { FieldError, View } from "../types.js" */
/** @import { Outcome } from "../registering.js" */

/** @param {View} view */
export function createView({ root, signal, setTitle }) {
  setTitle("Create event");
  const name = createField({
    name: "name",
    label: "Name",
    hint: "Up to 200 characters.",
    attributes: { autocomplete: "off" },
  });
  const description = createField({
    name: "description",
    label: "Description",
    optional: true,
    multiline: true,
    hint: "When, where, what to bring. Line breaks are kept.",
  });
  // A text field: number fields hide from the page what was typed if it is no number, and scroll wheels
  // change them unseen.
  const capacity = createField({
    name: "capacity",
    label: "Seats",
    hint: "A whole number.",
    attributes: { inputmode: "numeric", autocomplete: "off", class: "field__input field__input--short" },
  });
  const fields = [name, description, capacity];
  const button = el("button", { class: "button form__send", type: "submit" }, "Create event");
  const form = el(
    "form",
    { class: "form", novalidate: true, "data-testid": "create-form", "aria-labelledby": "create-title" },
    ...fields.map(({ node }) => node),
    button,
  );
  const area = createOutcomeArea();
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
    const draft = {
      name: name.input.value,
      capacity: capacity.input.value,
      description: description.input.value,
    };
    const found = blanks(draft);
    showErrors(fields, found);
    if (found.length > 0) return area.show(invalid([]));
    const body = {
      name: draft.name,
      capacity: Number(draft.capacity.trim()),
      ...(draft.description.trim() === "" ? {} : { description: draft.description }),
    };
    try {
      const event = await withRetries(() => createEvent(body), area.wait, signal);
      if (!signal.aborted) location.hash = `#/events/${encodeURIComponent(event.id)}`;
    } catch (error) {
      if (signal.aborted) return;
      const errors = error instanceof ProblemError ? (error.problem.errors ?? []) : [];
      const loose = showErrors(fields, errors);
      area.show(errors.length > 0 ? invalid(loose) : outcomeOf(error), {
        onRetry: () => form.requestSubmit(button),
      });
    }
  });
}

/**
 * Only what cannot be sent is caught here; everything else is the server's to judge, in one place.
 *
 * @param {{ name: string, capacity: string }} draft
 * @returns {FieldError[]}
 */
function blanks({ name, capacity }) {
  const errors = [];
  if (name.trim() === "") errors.push({ pointer: "/name", detail: "Give the event a name." });
  if (!/^\d{1,15}$/.test(capacity.trim())) {
    errors.push({ pointer: "/capacity", detail: "Give the seats as a whole number, such as 40." });
  }
  return errors;
}

/** @param {FieldError[]} errors @returns {Outcome} */
const invalid = (errors) => ({
  kind: "invalid",
  title: "Please check the form",
  text: "Nothing was created. What is wrong is said beside each field.",
  errors,
});

/** @param {unknown} error @returns {Outcome} */
function outcomeOf(error) {
  const problem = error instanceof ProblemError ? error.problem : undefined;
  if (isBusy(error)) {
    return {
      kind: "busy",
      title: "The server is busy",
      text: "It stayed busy through several tries, and nothing was created. Wait a little and try again.",
      canRetry: true,
      problem,
    };
  }
  if (error instanceof ConnectionError && !error.sent) {
    return {
      kind: "error",
      title: "You are offline",
      text: "Nothing was sent. Try again once you are connected.",
      canRetry: true,
    };
  }
  const unanswered =
    error instanceof ConnectionError || (error instanceof ProblemError && [502, 504].includes(error.status));
  if (unanswered) {
    // No "try again" here: two events of one name are allowed, so a second try may make a second one.
    return {
      kind: "unknown",
      title: "We cannot tell yet",
      text: "No clear answer came back, so the event may or may not exist. Look at the list of events before you try again.",
      problem,
    };
  }
  const text =
    error instanceof ProblemError ? error.message : "Something went wrong in this page. Load it again.";
  return { kind: "error", title: "That did not work", text, canRetry: problem !== undefined, problem };
}
