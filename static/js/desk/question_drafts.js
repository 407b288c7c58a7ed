// @ts-check
/** Questions as their organizer edits them, and as they are sent. Pure. */

/** @import { Question, QuestionKind, QuestionOption } from "../types.js" */

/**
 * @typedef {object} QuestionDraft
 * @property {string} key Empty for a new question: it is then made from the wording.
 * @property {QuestionKind} kind
 * @property {string} wording
 * @property {boolean} required
 * @property {string} options One label per line.
 * @property {QuestionOption[]} known The present options, whose keys stay.
 */

const KEY_MAX = 32;

/** @param {Question} question @returns {QuestionDraft} */
export const draftOf = ({ key, kind, wording, required, options }) => ({
  key,
  kind,
  wording,
  required,
  options: options.map(({ label }) => label).join("\n"),
  known: options,
});

/** Whether it has options. @param {QuestionKind} kind */
export const hasOptions = (kind) => kind === "choice" || kind === "several";

/**
 * The questions to send: each under a key that no other has.
 *
 * @param {QuestionDraft[]} drafts
 * @param {string[]} taken Keys of former questions, which mean something else.
 */
export function bodyOfDrafts(drafts, taken) {
  const keys = new Set([...taken, ...drafts.map(({ key }) => key)].filter((key) => key !== ""));
  return drafts.map((draft) => {
    const key = draft.key === "" ? newKey(draft.wording, keys) : draft.key;
    keys.add(key);
    const { kind, wording, required } = draft;
    const question = { key, kind, wording: wording.trim(), required };
    return hasOptions(kind) ? { ...question, options: optionsOf(draft) } : question;
  });
}

/**
 * A draft's options, one per line. An existing option keeps its key, even if its label has changed, as long as the
 * number of options is the same.
 *
 * @param {QuestionDraft} draft
 * @returns {QuestionOption[]}
 */
export function optionsOf({ options, known }) {
  const labels = options
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const byLabel = new Map(known.map(({ key, label }) => [label, key]));
  const keys = new Set(known.map(({ key }) => key));
  const isSameLength = labels.length === known.length;
  return labels.map((label, at) => {
    const before = known[at];
    const isRenamed = isSameLength && before !== undefined && !labels.includes(before.label);
    const key = byLabel.get(label) ?? (isRenamed ? before.key : newKey(label, keys));
    keys.add(key);
    return { key, label };
  });
}

/** A readable key that is not taken. @param {string} text @param {Set<string>} taken */
function newKey(text, taken) {
  const plain = text.normalize("NFKD").toLowerCase().replaceAll(/[^a-z0-9]+/g, "_");
  const stem = plain.replaceAll(/^_+|_+$/g, "").slice(0, KEY_MAX - 4).replace(/_+$/, "") || "q";
  if (!taken.has(stem)) return stem;
  let number = 2;
  while (taken.has(`${stem}_${number}`)) number += 1;
  return `${stem}_${number}`;
}
