// @ts-check
/** Editing an event, for the organizer: nobody's change is lost to somebody else's. */

import { ProblemError, cancelEvent, editEvent, getOwnEvent } from "../api.js";
import { createConfirmStep } from "../confirm_step.js";
import { el, setText } from "../dom.js";
import { explain } from "../explain.js";
import { onSubmit, resubmit, sentence, showErrors } from "../form.js";
import { createAttempts } from "../idempotency.js";
import { createOutcomeArea } from "../outcome.js";
import { withRetries } from "../retry.js";
import { nameShown } from "../text.js";
import { createBadge } from "./event_facts.js";
import { createEventForm } from "./event_form.js";
import { missingNotice } from "./missing.js";

/** @import { BookingEvent, View } from "../types.js" */
/** @import { Outcome } from "../explain.js" */

/**
 * @param {View} view
 * @param {string} id
 */
export async function editView({ root, signal, setTitle }, id) {
  setTitle("Edit event");
  const back = el("a", { class: "back", href: `#/events/${encodeURIComponent(id)}` }, "← The event");
  const title = el("h1", { tabindex: -1, id: "edit-title" }, "Edit event");
  const badge = el("div", {});
  const notice = el("div", { role: "alert" });
  root.append(back, el("div", { class: "page-head" }, el("div", {}, title, badge)), notice);

  try {
    const answer = await getOwnEvent(id, null, signal);
    if (answer) root.append(createEditor(answer.event).node);
  } catch (error) {
    if (signal.aborted) return;
    if (error instanceof ProblemError && error.status === 404) {
      root.replaceChildren(
        missingNotice(
          "Event not found",
          "It may be another organizer’s, or have been taken down, or the address has a slip in it.",
        ),
      );
      return;
    }
    const again = el("button", { type: "button", class: "button" }, "Try again");
    again.addEventListener("click", () => {
      root.replaceChildren();
      editView({ root, signal, setTitle }, id);
    });
    const text = error instanceof ProblemError ? sentence(error.message) : "The server could not be reached.";
    notice.append(el("p", { class: "lede", "data-testid": "load-error" }, text), again);
  }

  /** @param {BookingEvent} first */
  function createEditor(first) {
    let event = first;
    const { nodes, fields, read, fill, unfoldFor } = createEventForm();
    const save = el("button", { class: "button", type: "submit", "data-testid": "edit-save" }, "Save");
    const publish = el("button", { class: "button button--plain", type: "submit" }, "Save and publish");
    publish.setAttribute("data-testid", "publish-event");
    const form = el(
      "form",
      { class: "form", novalidate: true, "data-testid": "edit-form", "aria-labelledby": "edit-title" },
      ...nodes,
      el("div", { class: "actions" }, save, publish),
    );
    const area = createOutcomeArea();
    const attempt = createAttempts();
    const cancel = createConfirmStep({
      label: "Cancel the event",
      question: "Cancel the event? Every registration ends with it, and it cannot be taken back.",
      yes: "Yes, cancel the event",
      no: "No, keep it",
      testid: "cancel-event",
      async act() {
        try {
          await attempt("cancel", (key) => cancelEvent(id, key));
          return null;
        } catch (error) {
          return explain(error, "Nothing was cancelled.").text;
        }
      },
      onDone: () => void (location.hash = `#/events/${encodeURIComponent(id)}`),
    });
    draw();
    fill(event);

    function draw() {
      setTitle(`Edit ${nameShown(event.name)}`);
      badge.replaceChildren(...[createBadge(event)].filter((node) => node !== null));
      publish.hidden = event.status !== "draft";
      form.hidden = cancel.hidden = event.status === "cancelled";
    }

    /** What the form says otherwise than the event. */
    function changes() {
      const { values, errors } = read();
      const known = /** @type {Record<string, unknown>} */ (/** @type {unknown} */ (event));
      const differs = Object.entries(values).filter(([key, value]) => !isSame(value, known[key] ?? null));
      // A zone of the visitor's own was only a proposal, as long as the event has no time.
      const isProposal = event.timezone == null && !differs.some(([key]) => key.endsWith("_at"));
      const wanted = differs.filter(([key]) => !(key === "timezone" && isProposal));
      return { changed: Object.fromEntries(wanted), errors };
    }

    onSubmit(form, save, "Saving…", async (pressed) => {
      area.clear();
      const { changed, errors } = changes();
      unfoldFor(errors);
      showErrors(fields, errors);
      if (errors.length > 0) return area.show(INVALID);
      const body = pressed === publish ? { ...changed, status: "published" } : changed;
      if (Object.keys(body).length === 0) return area.show(NOTHING);
      try {
        const answer = await attempt([body, event.version], (key) =>
          withRetries(() => editEvent(id, body, event.version, key), area.wait, signal),
        );
        event = answer;
        fill(event);
        draw();
        area.show(pressed === publish ? PUBLISHED : SAVED);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof ProblemError && error.status === 412) return reload(Object.keys(changed));
        const outcome = explain(error, "Nothing was saved.", {
          capacity_below_booked: ({ detail }) => ({
            kind: "error",
            title: "More seats are taken than that",
            text: detail
              ? sentence(detail)
              : "Nothing was saved. Cancel registrations first, or leave more seats.",
          }),
        });
        unfoldFor(outcome.errors ?? []);
        const loose = showErrors(fields, outcome.errors ?? []);
        area.show({ ...outcome, errors: loose }, { onRetry: () => resubmit(form, pressed) });
      }
    });

    /** Somebody else was faster. Their changes come in; what was typed here stays. @param {string[]} kept */
    async function reload(kept) {
      try {
        const answer = await getOwnEvent(id, null, signal);
        if (answer) event = answer.event;
        fill(event, (key) => !kept.includes(key));
        draw();
        area.show(CHANGED);
      } catch (error) {
        if (!signal.aborted) area.show(explain(error, "Nothing was saved."));
      }
    }

    const over = el("p", { class: "lede" });
    if (event.status === "cancelled")
      setText(over, "This event was cancelled. It cannot be changed any more.");
    return { node: el("div", {}, over, form, el("div", { class: "panel" }, area.node, cancel)) };
  }
}

/**
 * Times are the same if they are the same moment, however they are written.
 *
 * @param {unknown} a
 * @param {unknown} b
 */
function isSame(a, b) {
  if (plain(a) === plain(b)) return true;
  const isTime = typeof a === "string" && typeof b === "string" && /^\d{4}-\d\d-\d\dT/.test(a);
  return isTime && Date.parse(a) === Date.parse(/** @type {string} */ (b));
}

/**
 * No description is "" where the server says it, and nothing where the form does. Nor does a server of before
 * say no to what it does not know.
 *
 * @param {unknown} value
 */
const plain = (value) => (value === false ? "" : (value ?? ""));

/** @type {Outcome} */
const INVALID = {
  kind: "invalid",
  title: "Please check the form",
  text: "Nothing was saved. What is wrong is said beside each field.",
};

/** @type {Outcome} */
const NOTHING = { kind: "saved", title: "Nothing to save", text: "The event is as the form says." };

/** @type {Outcome} */
const SAVED = { kind: "saved", title: "Saved", text: "Everybody sees it at once." };

/** @type {Outcome} */
const PUBLISHED = {
  kind: "saved",
  title: "Published",
  text: "People can register as soon as the doors are open.",
};

/** @type {Outcome} */
const CHANGED = {
  kind: "changed",
  title: "Somebody else changed this event meanwhile",
  text: "Nothing was saved. The form has their changes now, and still has yours. Look it over, and save again.",
};
