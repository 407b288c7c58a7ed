// @ts-check
/** Questions as their organizer writes them, and as they are sent. Pure. */

/** @import { Question, QuestionKind, QuestionOption } from "../types.js" */

/**
 * @typedef {object} QuestionDraft
 * @property {string} key Empty as long as it has none: it is made of the wording then.
 * @property {QuestionKind} kind
 * @property {string} wording
 * @property {boolean} required
 * @property {string} options A label on each line.
 * @property {QuestionOption[]} known The options as they are now, whose keys stay.
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

/** Whether its answers are of options. @param {QuestionKind} kind */
export const hasOptions = (kind) => kind === "choice" || kind === "several";

/**
 * What is sent: each under a key that no other has.
 *
 * @param {QuestionDraft[]} drafts
 * @param {string[]} taken Keys of what was asked before, which mean something else.
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
 * The options of a draft, a line each. One that was there keeps its key, also where it has another label by now, as long
 * as there are as many.
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

/** A key that says something, and that is not taken. @param {string} text @param {Set<string>} taken */
function newKey(text, taken) {
  const plain = text.normalize("NFKD").toLowerCase().replaceAll(/[^a-z0-9]+/g, "_");
  const stem = plain.replaceAll(/^_+|_+$/g, "").slice(0, KEY_MAX - 4).replace(/_+$/, "") || "q";
  if (!taken.has(stem)) return stem;
  let number = 2;
  while (taken.has(`${stem}_${number}`)) number += 1;
  return `${stem}_${number}`;
}
