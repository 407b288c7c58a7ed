// @ts-check
/** What somebody began to write in a form: a wrong click or a reload does not lose it. In this tab, until it is closed. */

import { createStoredJson, isRecord } from "./storage.js";

/** What stands in the fields by their names, as far as it is otherwise than at first. @typedef {Record<string, string | boolean>} Written */

/** @typedef {{ key: string, written: Written }} Kept */

/** Of more the oldest go. */
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

/** Of organizers, for whoever signs out. */
export function forgetEventDrafts() {
  for (const { key } of stored.get() ?? []) if (key.startsWith("event")) store(key, null);
}

/**
 * Fills in what was begun before, and keeps what is written from now on.
 *
 * @param {HTMLElement} form As it is at first: with nothing in it, or with what is there already.
 * @param {string} key Which form it is, and of what.
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
    /** It was sent, and what stands there now is as it was at first. */
    done() {
      first = read(form);
      store(key, null);
    },
    /** All but these stand as they are elsewhere now. @param {string[]} own */
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
    // What is secret is for nobody to keep.
    if (input.name && input.type !== "password") yield input;
  }
}

/** Of several boxes with one name each counts by itself. @param {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement} field */
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

/** As if it were typed: whatever counts or checks it hears of it. @param {HTMLElement} form @param {Written} written */
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
