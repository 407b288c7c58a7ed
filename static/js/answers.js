// @ts-check
/** The fields for an event's questions, and their answers. Like the server's own form. */

import { createChanged, isSame } from "./changed.js";
import { el } from "./dom.js";
import { createField } from "./form.js";
import { ANSWER } from "./limits.js";
import { trimmed } from "./text.js";
import { t } from "./words.js";

/** @import { Field, FieldOptions } from "./form.js" */
/** @import { Answered, Answers, FieldError, Question } from "./types.js" */

/**
 * @typedef {object} Asked A question's field.
 * @property {Question} question
 * @property {Field} field
 * @property {() => Answered | null} read Null without an answer.
 * @property {(answer: Answered | undefined) => void} write
 */

/** @param {Question} question */
const nameOf = ({ key }) => `answers/${key}`;

/**
 * @param {Field[]} fields The form's fields: the questions' fields are kept among them.
 */
export function createAnswers(fields) {
  const node = el("div", { class: "form__questions", "data-testid": "questions", hidden: true });
  /** @type {Asked[]} */
  let asked = [];
  const isChanged = createChanged();
  /** The answers, until the questions are known. @type {Answers} */
  let wanted = {};
  let isAwaited = false;

  return {
    node,
    /** @param {Question[] | null} questions Null as long as they are not known. */
    update(questions) {
      isAwaited = questions === null;
      if (questions === null) {
        node.hidden = false;
        return node.replaceChildren(el("p", { class: "quiet" }, t("answers.loading")));
      }
      const isOther = isChanged(questions);
      // As many as there are fields; until then a text says that they are loading.
      if (!isOther && node.childElementCount === asked.length) return;
      const given = { ...wanted, ...answersIn(asked) };
      const isOld = new Set(asked.map(({ field }) => field));
      fields.splice(0, fields.length, ...fields.filter((field) => !isOld.has(field)));
      asked = questions.map(askedOf);
      for (const one of asked) one.write(given[one.question.key]);
      fields.push(...asked.map(({ field }) => field));
      node.replaceChildren(...asked.map(({ field }) => field.node));
      node.hidden = asked.length === 0;
    },
    /** The values of the fields. */
    read: () => answersIn(asked),
    /** @param {Answers} answers */
    fill(answers) {
      wanted = answers;
      for (const one of asked) one.write(answers[one.question.key]);
    },
    /** Required questions without an answer. @returns {FieldError[]} */
    missing() {
      if (isAwaited) return [{ pointer: "/answers", detail: t("answers.loading") }];
      const open = asked.filter(({ question, read }) => question.required && read() === null);
      return open.map(({ question }) => ({
        pointer: `/${nameOf(question)}`,
        detail: question.kind === "consent" ? t("answers.consent_missing") : t("answers.missing"),
      }));
    },
  };
}

/**
 * The changes that turn the former answers into the latter: null removes one.
 *
 * @param {Answers} before
 * @param {Answers} after
 */
export function changedAnswers(before, after) {
  /** @type {Record<string, Answered | null>} */
  const changes = {};
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const answer = after[key] ?? null;
    if (!isSame(answer, before[key] ?? null)) changes[key] = answer;
  }
  return changes;
}

/** @param {Asked[]} asked @returns {Answers} */
function answersIn(asked) {
  /** @type {[string, Answered][]} */
  const given = asked.flatMap(({ question, read }) => {
    const answer = read();
    return answer === null ? [] : [/** @type {[string, Answered]} */ ([question.key, answer])];
  });
  return Object.fromEntries(given);
}

/** @param {Question} question @returns {Asked} */
function askedOf(question) {
  switch (question.kind) {
    case "several":
      return severalOf(question);
    case "consent":
      return consentOf(question);
    case "yes_no":
      return yesNoOf(question);
    case "choice":
      return choiceOf(question);
    default:
      return textOf(question);
  }
}

/** @param {Question} question @returns {Asked} */
function textOf(question) {
  const field = fieldOf(question, { multiline: true, limit: ANSWER, attributes: { rows: "2" } });
  return {
    question,
    field,
    read: () => trimmed(field.input.value) || null,
    write: (answer) => field.fill(typeof answer === "string" ? answer : ""),
  };
}

/** @param {Question} question @returns {Asked} */
function choiceOf(question) {
  const options = question.options.map(({ key, label }) => /** @type {[string, string]} */ ([key, label]));
  const field = fieldOf(question, { options: [["", ""], ...options] });
  return {
    question,
    field,
    read: () => field.input.value || null,
    write: (answer) => field.fill(typeof answer === "string" ? answer : ""),
  };
}

/** @param {Question} question @returns {Asked} */
function yesNoOf(question) {
  const options = /** @type {[string, string][]} */ ([["", ""], ["yes", t("answers.yes")], ["no", t("answers.no")]]);
  const field = fieldOf(question, { options });
  return {
    question,
    field,
    read: () => (field.input.value === "" ? null : field.input.value === "yes"),
    write: (answer) => field.fill(typeof answer === "boolean" ? (answer ? "yes" : "no") : ""),
  };
}

/** @param {Question} question @param {Partial<FieldOptions>} options */
function fieldOf(question, options) {
  const field = createField({ name: nameOf(question), label: question.wording, optional: !question.required, ...options });
  const label = field.node.querySelector("label");
  label?.classList.add("question__wording");
  label?.setAttribute("dir", "auto");
  return field;
}

/** @param {Question} question @returns {Asked} */
function severalOf(question) {
  const boxes = question.options.map(({ key }) => boxOf(question, key));
  const labels = question.options.map(({ label }, at) =>
    el("label", { class: "choice" }, boxes[at], el("span", { dir: "auto" }, label)),
  );
  const legend = el("legend", { class: "field__label question__wording", dir: "auto" }, ...wordingOf(question));
  const node = el("fieldset", { class: "field choices" }, legend, ...labels);
  return {
    question,
    field: boxField(question, node, node, /** @type {HTMLInputElement} */ (boxes[0])),
    read() {
      const chosen = boxes.filter(({ checked }) => checked).map(({ value }) => value);
      return chosen.length > 0 ? chosen : null;
    },
    write(answer) {
      const keys = Array.isArray(answer) ? answer : [];
      for (const box of boxes) box.checked = keys.includes(box.value);
    },
  };
}

/** @param {Question} question @returns {Asked} */
function consentOf(question) {
  const { version } = question;
  const box = boxOf(question, String(version));
  box.id = `field-${nameOf(question)}`;
  if (question.required) box.setAttribute("aria-required", "true");
  const words = el("span", { class: "question__wording", dir: "auto" }, ...wordingOf(question));
  const node = el("div", { class: "field" }, el("label", { class: "choice" }, box, words));
  return {
    question,
    field: boxField(question, node, box, box),
    read: () => (box.checked ? version : null),
    // A person who agreed to another wording has to read this one.
    write(answer) {
      box.checked = answer === version;
    },
  };
}

/** @param {Question} question @param {string} value */
const boxOf = (question, value) => el("input", { type: "checkbox", name: nameOf(question), value });

/** @param {Question} question */
const wordingOf = ({ wording, required }) => [
  wording,
  required ? null : el("span", { class: "quiet" }, t("form.optional")),
];

/**
 * @param {Question} question
 * @param {HTMLElement} node
 * @param {HTMLElement} described Where an error is shown.
 * @param {HTMLInputElement} input
 * @returns {Field}
 */
function boxField(question, node, described, input) {
  const name = nameOf(question);
  const error = el("span", { class: "field__error", id: `field-${name}-error`, "data-testid": `error-${name}`, hidden: true });
  node.append(error);
  return {
    name,
    node,
    input,
    limit: undefined,
    isOptional: !question.required,
    fill() {},
    setError(text) {
      error.textContent = text;
      error.hidden = text === null;
      if (text === null) {
        described.removeAttribute("aria-describedby");
        input.removeAttribute("aria-invalid");
      } else {
        described.setAttribute("aria-describedby", error.id);
        input.setAttribute("aria-invalid", "true");
      }
    },
  };
}
