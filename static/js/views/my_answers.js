// @ts-check
/** An attendee's answers to the event's questions, to be changed. The ticket and the link stay as they are. */

import { changedAnswers, createAnswers } from "../answers.js";
import { createAskedQuestions } from "../asked_questions.js";
import { disclosureElement } from "../disclosure.js";
import { el } from "../dom.js";
import { eventCancelled, explain } from "../explain.js";
import { unsendable } from "../form.js";
import { createOutcomeArea } from "../outcome.js";
import { submitForm } from "../submit_form.js";
import { t } from "../words.js";

/** @import { RegistrationApi } from "../api.js" */
/** @import { Outcome } from "../explain.js" */
/** @import { Field } from "../form.js" */
/** @import { Answers, BookingEvent, Registration } from "../types.js" */

const CHANGEABLE = ["confirmed", "held", "offered", "waitlisted"];

/**
 * @param {RegistrationApi} api
 * @param {{ signal: AbortSignal, onChanged: () => void }} context
 */
export function createMyAnswers(api, { signal, onChanged }) {
  /** @type {Field[]} */
  const fields = [];
  const answers = createAnswers(fields);
  const button = el("button", { type: "submit", class: "button form__send", "data-testid": "answers-save" }, t("answers.save"));
  const form = el(
    "form",
    { class: "form", novalidate: true, "data-testid": "answers-form", "aria-label": t("answers.title") },
    answers.node,
    button,
  );
  const area = createOutcomeArea();
  const node = disclosureElement("my-answers", t("answers.title"), form, area.node);
  node.hidden = true;
  /** The server's state. @type {Answers} */
  let known = {};
  /** @type {ReturnType<typeof createAskedQuestions> | null} */
  let asked = null;

  const submission = submitForm({
    form,
    button,
    busy: t("edit.saving"),
    fields,
    area,
    signal,
    nothing: t("correct.nothing"),
    check: () => [...answers.missing(), ...unsendable(fields)],
    send(write) {
      const before = known;
      const changes = changedAnswers(before, answers.read());
      if (Object.keys(changes).length > 0) {
        return write(["answers", api.id, before, changes], (key) => api.changeAnswers(changes, key));
      }
      area.show(saved(t("edit.nothing_to_save_title"), t("answers.same")));
      return null;
    },
    onSent(registration) {
      known = registration.answers ?? {};
      area.show(saved(t("edit.saved_title"), t("correct.saved")));
      onChanged();
    },
    onError(error) {
      asked?.refused(error);
      return explain(error, t("correct.nothing"), { closed: eventCancelled });
    },
  });

  node.addEventListener("toggle", () => {
    submission.clear();
    // Unsaved input is lost with it.
    if (node.open) answers.fill(known);
  });

  return {
    node,
    /** @param {Registration} registration @param {BookingEvent} event */
    update({ event_id, status = "confirmed", answers: latest = {} }, event) {
      node.hidden = !event.has_questions || !CHANGEABLE.includes(status);
      known = latest;
      if (node.hidden) return;
      asked ??= createAskedQuestions(event_id, { first: null, ask: answers.update, signal });
      asked.update(event);
    },
  };
}

/** @param {string} title @param {string} text @returns {Outcome} */
const saved = (title, text) => ({ kind: "saved", title, text });
