// @ts-check
/** The form for a person: to register them, to transfer a seat to them, or to correct their data. */

import { createAnswers } from "./answers.js";
import { el } from "./dom.js";
import { createField, unsendable } from "./form.js";
import { EMAIL, PERSON_NAME } from "./limits.js";
import { createMailQuestion } from "./mail_question.js";
import { createOutcomeArea } from "./outcome.js";
import { isRecord } from "./storage.js";
import { submitForm } from "./submit_form.js";
import { showsNothing, trimmed } from "./text.js";

/** @import { Outcome } from "./explain.js" */
/** @import { Write } from "./submit_form.js" */
/** @import { Answers, Person, Question } from "./types.js" */

/** The fields' values; an empty one is "". @typedef {{ user_email: string, name: string, answers?: Answers }} Filled */

/**
 * @template T
 * @param {object} options
 * @param {string} options.testid
 * @param {Record<string, string>} options.named The form's label: `aria-label` or `aria-labelledby`.
 * @param {string} [options.scope] Distinguishes its fields from another form's.
 * @param {{ label: string, missing: string } | null} options.email Null for the name alone.
 * @param {string} options.nameLabel
 * @param {boolean} options.isOwn Whether it is the visitor, so that the browser may fill it in.
 * @param {boolean} [options.asksMore] Whether it has the event's questions, too.
 * @param {HTMLElement} options.actions The button, or its container.
 * @param {HTMLButtonElement} options.button
 * @param {string} options.busy
 * @param {AbortSignal} options.signal
 * @param {string} options.nothing
 * @param {(filled: Filled, pressed: HTMLElement) => boolean} [options.asks] Whether it asks a question first.
 * @param {(filled: Filled, write: Write, pressed: HTMLElement) => Promise<T> | null} options.send
 * @param {(answer: T, pressed: HTMLElement) => void | Promise<void>} options.onSent
 * @param {(error: unknown) => Outcome} options.onError
 */
export function createPersonForm({
  testid,
  named,
  scope,
  email,
  nameLabel,
  isOwn,
  asksMore = false,
  actions,
  button,
  busy,
  signal,
  nothing,
  asks = () => false,
  send,
  onSent,
  onError,
}) {
  // Not type="email": browsers rewrite an international domain in such a field before a page can read it, and the
  // address would then differ from the one that the server stores.
  const emailField =
    email &&
    createField({
      name: "user_email",
      scope,
      label: email.label,
      limit: EMAIL,
      attributes: {
        inputmode: "email",
        autocomplete: isOwn ? "email" : "off",
        autocapitalize: "none",
        spellcheck: "false",
      },
    });
  const nameField = createField({
    name: "name",
    scope,
    label: nameLabel,
    optional: true,
    limit: PERSON_NAME,
    attributes: { autocomplete: isOwn ? "name" : "off" },
  });
  const fields = emailField ? [emailField, nameField] : [nameField];
  const nodes = fields.map(({ node }) => node);
  const answers = asksMore ? createAnswers(fields) : null;
  const form = el(
    "form",
    { class: emailField ? "form form--pair" : "form", novalidate: true, "data-testid": testid, ...named },
    ...nodes,
    answers?.node,
    actions,
  );
  const area = createOutcomeArea();
  const mail = emailField && createMailQuestion(emailField, (pressed) => submission.again(pressed));
  if (mail) form.append(mail.node);

  /** @returns {Filled} */
  const read = () => ({
    user_email: trimmed(emailField?.input.value ?? ""),
    name: trimmed(nameField.input.value),
    answers: answers?.read(),
  });

  const submission = submitForm({
    form,
    button,
    busy,
    fields,
    area,
    signal,
    nothing,
    check() {
      const isMissing = email && showsNothing(read().user_email);
      const missing = isMissing ? [{ pointer: "/user_email", detail: email.missing }] : [];
      return [...missing, ...(answers?.missing() ?? []), ...unsendable(fields)];
    },
    asks: (pressed) => Boolean(mail?.asks(pressed)) || asks(read(), pressed),
    send: (write, pressed) => send(read(), write, pressed),
    onSent,
    onError,
  });

  /** @param {{ user_email?: string, name?: string | null, answers?: Answers }} person */
  function fill({ user_email, name, answers: given }) {
    emailField?.fill(user_email ?? "");
    nameField.fill(name ?? "");
    answers?.fill(given ?? {});
  }

  return {
    node: form,
    area,
    /** @param {Question[] | null} questions The event's questions; null until they are known. */
    ask: (questions) => answers?.update(questions),
    fill,
    /** Fills in an earlier submission whose answer was lost. @param {Person} person */
    resume(person, pressed = button) {
      fill(person);
      mail?.believe(person.user_email);
      submission.resume(pressed);
    },
    focus: () => (emailField ?? nameField).input.focus(),
    person: () => personOf(read()),
    again: submission.again,
    clear: submission.clear,
  };
}

/** @param {unknown} value @returns {value is Person} */
export const isPerson = (value) => isRecord(value) && typeof value.user_email === "string";

/**
 * The request: without an empty name or empty answers, which a server of the first contract does not know.
 *
 * @param {Filled} filled
 * @returns {Person}
 */
export const personOf = ({ user_email, name, answers = {} }) => ({
  user_email,
  ...(name === "" ? {} : { name }),
  ...(Object.keys(answers).length === 0 ? {} : { answers }),
});
