// @ts-check
/** Unsent input of a form: a wrong click or a reload does not lose it. In this tab, until it is closed. */

import { createStoredJson, isRecord } from "./storage.js";

/** The fields' values by name, where they differ from the initial ones. @typedef {Record<string, string | boolean>} Written */

/** @typedef {{ key: string, written: Written }} Kept */

/** Beyond this the oldest are removed. */
const KEPT_MAX = 10;

/** @param {unknown} value @returns {value is Kept[]} */
const areKept = (value) =>
  Array.isArray(value) && value.every((one) => isRecord(one) && typeof one.key === "string" && isRecord(one.written));

const stored = createStoredJson(() => sessionStorage, "drafts", areKept);

/** @param {string} key @param {Written | null} written */
function store(key, written) {
  const others = (stored.get() ?? []).filter((one) => one.key !== key);
  const list = written === null ? others : [...others, { key, written }].slice(-KEPT_MAX);
  stored.set(list.length > 0 ? list : null);
}

/** Deletes organizers' drafts, when the organizer signs out. */
export function deleteEventDrafts() {
  for (const { key } of stored.get() ?? []) if (key.startsWith("event")) store(key, null);
}

/**
 * Restores earlier input, and stores further input.
 *
 * @param {HTMLElement} form In its initial state, empty or with present values.
 * @param {string} key The form and its subject.
 */
export function keepDraft(form, key) {
  let first = read(form);
  const before = stored.get()?.find((one) => one.key === key)?.written ?? null;
  if (before) write(form, before);

  function changed() {
    const now = Object.entries(read(form));
    return Object.fromEntries(now.filter(([name, value]) => value !== first[name]));
  }

  const isDirty = () => Object.keys(changed()).length > 0;
  const save = () => store(key, isDirty() ? changed() : null);
  form.addEventListener("input", save);
  form.addEventListener("change", save);

  return {
    isRestored: before !== null && isDirty(),
    isDirty,
    /** The form was sent, and its present values are the initial ones. */
    done() {
      first = read(form);
      store(key, null);
    },
    /** All fields but these have the present values now. @param {string[]} own */
    rebase(own) {
      first = { ...read(form), ...Object.fromEntries(own.map((name) => [name, first[name] ?? ""])) };
      save();
    },
    startOver() {
      write(form, first);
      store(key, null);
    },
  };
}

/** @param {HTMLElement} form @returns {Iterable<HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement>} */
function* fieldsOf(form) {
  for (const field of form.querySelectorAll("input, textarea, select")) {
    const input = /** @type {HTMLInputElement} */ (field);
    // Secrets are never stored.
    if (input.name && input.type !== "password") yield input;
  }
}

/** Several boxes of one name each count separately. @param {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement} field */
const nameOf = (field) => {
  const isOneOfSeveral = field.type === "radio" || (field.type === "checkbox" && field.value !== "on");
  return isOneOfSeveral ? `${field.name}=${field.value}` : field.name;
};

/** @param {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement} field @returns {field is HTMLInputElement} */
const isTicked = (field) => field.type === "radio" || field.type === "checkbox";

/** @param {HTMLElement} form @returns {Written} */
function read(form) {
  return Object.fromEntries(
    Array.from(fieldsOf(form), (field) => [nameOf(field), isTicked(field) ? field.checked : field.value]),
  );
}

/** Like typing: counters and checks get their events. @param {HTMLElement} form @param {Written} written */
function write(form, written) {
  for (const field of fieldsOf(form)) {
    const value = written[nameOf(field)];
    if (value === undefined) continue;
    if (isTicked(field)) field.checked = value === true;
    else field.value = String(value);
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }
}
