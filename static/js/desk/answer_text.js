// @ts-check
/** A person's answers, as text. */

import { t } from "../words.js";

/** @import { Answered, Answers, Question } from "../types.js" */

/**
 * The answers in the order of the questions; those to unknown questions come last, by key.
 *
 * @param {Question[]} questions
 * @param {Answers | undefined} answers
 * @returns {{ wording: string, text: string }[]}
 */
export function answersShown(questions, answers = {}) {
  const known = questions.filter(({ key }) => Object.hasOwn(answers, key));
  const keys = new Set(known.map(({ key }) => key));
  return [
    ...known.map((question) => ({
      wording: question.wording,
      text: textOf(question, /** @type {Answered} */ (answers[question.key])),
    })),
    ...Object.entries(answers)
      .filter(([key]) => !keys.has(key))
      .map(([key, answer]) => ({ wording: key, text: String(answer) })),
  ];
}

/** @param {Question} question @param {Answered} answer */
function textOf({ kind, options, version }, answer) {
  /** @param {unknown} key */
  const labelOf = (key) => options.find((option) => option.key === key)?.label ?? String(key);
  switch (kind) {
    case "several":
      return Array.isArray(answer) ? answer.map(labelOf).join(", ") : String(answer);
    case "choice":
      return labelOf(answer);
    case "yes_no":
      return answer === true ? t("answers.yes") : t("answers.no");
    case "consent":
      return answer === version ? t("answers.agreed") : t("answers.agreed_before", { version: String(answer) });
    default:
      return String(answer);
  }
}
