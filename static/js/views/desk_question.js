// @ts-check
/** The editor of one question. */

import { hasOptions } from "../desk/question_drafts.js";
import { el, setText } from "../dom.js";
import { createCheckbox, createField } from "../form.js";
import { QUESTION_WORDING } from "../limits.js";
import { smallButtonElement } from "../press.js";
import { sentence } from "../text.js";
import { t } from "../words.js";

/** @import { QuestionDraft } from "../desk/question_drafts.js" */
/** @import { QuestionKind } from "../types.js" */

/** @typedef {ReturnType<typeof createQuestionEditor>} QuestionEditor */

/** @type {[kind: QuestionKind, words: string][]} */
const KINDS = [
  ["text", "questions.text"],
  ["choice", "questions.choice"],
  ["several", "questions.several"],
  ["yes_no", "questions.yes_no"],
  ["consent", "questions.consent"],
];

let made = 0;

/**
 * @param {QuestionDraft | null} before Null for a new one.
 * @param {boolean} isAnswered Whether it can only be retired, and not changed.
 * @param {{ onMove: (by: number) => void, onRemove: () => void }} context
 */
export function createQuestionEditor(before, isAnswered, { onMove, onRemove }) {
  made += 1;
  const scope = `question${made}`;
  const wording = createField({
    name: "wording",
    scope,
    label: t("questions.wording"),
    multiline: true,
    limit: QUESTION_WORDING,
    attributes: { rows: "2" },
  });
  const kind = createField({
    name: "kind",
    scope,
    label: t("questions.kind"),
    options: KINDS.map(([value, words]) => [value, t(words)]),
  });
  const options = createField({
    name: "options",
    scope,
    label: t("questions.options"),
    hint: t("questions.options_hint"),
    multiline: true,
    attributes: { rows: "4" },
  });
  const required = createCheckbox({ name: `${scope}-required`, label: t("questions.required"), hint: t("questions.required_hint") });
  const title = el("h2", { class: "question__title", id: `${scope}-title` });
  const up = smallButtonElement(t("questions.up"), "question-up", title.id);
  const down = smallButtonElement(t("questions.down"), "question-down", title.id);
  const remove = smallButtonElement(t("questions.remove"), "question-remove", title.id);
  const error = el("p", { class: "field__error", role: "alert", "data-testid": "question-error" });
  const fixed = el("p", { class: "field__hint" }, isAnswered ? t("questions.is_answered") : "");
  const node = el(
    "div",
    { class: "question", role: "group", "aria-labelledby": title.id, "data-testid": "question" },
    title,
    wording.node,
    kind.node,
    options.node,
    required.node,
    fixed,
    error,
    el("div", { class: "actions" }, up, down, remove),
  );
  if (before) {
    wording.fill(before.wording);
    kind.fill(before.kind);
    options.fill(before.options);
    required.input.checked = before.required;
  }
  // Of an answered question only a consent's wording may change.
  kind.input.disabled = isAnswered;
  options.input.disabled = isAnswered;
  wording.input.disabled = isAnswered && before?.kind !== "consent";

  function draw() {
    options.node.hidden = !hasOptions(kindNow());
  }
  const kindNow = () => /** @type {QuestionKind} */ (kind.input.value);
  kind.input.addEventListener("change", draw);
  up.addEventListener("click", () => onMove(-1));
  down.addEventListener("click", () => onMove(1));
  remove.addEventListener("click", onRemove);
  draw();

  return {
    node,
    /** @returns {QuestionDraft} */
    read: () => ({
      key: before?.key ?? "",
      kind: kindNow(),
      wording: wording.input.value,
      required: required.input.checked,
      options: options.input.value,
      known: before?.known ?? [],
    }),
    /** @param {number} at @param {number} count */
    place(at, count) {
      setText(title, t("questions.number", { number: at + 1 }));
      up.hidden = at === 0;
      down.hidden = at === count - 1;
    },
    /** @param {string | null} text */
    tell: (text) => setText(error, text === null ? "" : sentence(text)),
    isWrong: () => error.textContent !== "",
    focus: () => (wording.input.disabled ? remove : wording.input).focus(),
    /** Focuses the pressed button, or the other one if it is hidden. @param {number} by */
    focusMove: (by) => (by < 0 ? (up.hidden ? down : up) : down.hidden ? up : down).focus(),
  };
}
