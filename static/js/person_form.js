// @ts-check
/** The form for a person: to give them a seat, to pass one on to them, or to correct what is said of them. */

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

/** What stands in the fields; nothing in one is "". @typedef {{ user_email: string, name: string, answers?: Answers }} Filled */

/**
 * @template T
 * @param {object} options
 * @param {string} options.testid
 * @param {Record<string, string>} options.named How the form is named: `aria-label` or `aria-labelledby`.
 * @param {string} [options.scope] Tells its fields from those of another form of the page.
 * @param {{ label: string, missing: string } | null} options.email Null if the name alone is asked for.
 * @param {string} options.nameLabel
 * @param {boolean} options.isOwn Whether it is the visitor, whose address and name the browser may know.
 * @param {boolean} [options.asksMore] Whether the event's questions are asked, too.
 * @param {HTMLElement} options.actions The button, or what it is in.
 * @param {HTMLButtonElement} options.button
 * @param {string} options.busy
 * @param {AbortSignal} options.signal
 * @param {string} options.nothing
 * @param {(filled: Filled, pressed: HTMLElement) => boolean} [options.asks] Whether it asks something first.
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
  // Not type="email": browsers rewrite an international domain in such a field before a page can read
  // it, and the same address would then be another one than the one the server stores.
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
    /** @param {Question[] | null} questions What is asked besides; null as long as that is not known. */
    ask: (questions) => answers?.update(questions),
    fill,
    /** With what was sent before it was there, and whose answer was lost. @param {Person} person */
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
 * As it is sent: without an empty name or answers that say nothing, of which a server of the first contract does not know.
 *
 * @param {Filled} filled
 * @returns {Person}
 */
export const personOf = ({ user_email, name, answers = {} }) => ({
  user_email,
  ...(name === "" ? {} : { name }),
  ...(Object.keys(answers).length === 0 ? {} : { answers }),
});
