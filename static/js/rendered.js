// @ts-check
/** The data that the server rendered into the page: used once, so that it need not be requested again. */

/** @import { BookingEvent, Question } from "./types.js" */

/**
 * @typedef {object} RenderedEvent
 * @property {BookingEvent} event
 * @property {string | null} etag Null if it has no ETag, since time alone has changed it.
 * @property {Node[]} description
 * @property {Question[]} questions
 * @property {Typed} typed
 *
 * @typedef {{ values: [name: string, value: string][], focused: string | null }} Typed Of boxes only checked ones.
 */

/**
 * The page's event. Null on a second call: later requests get a newer one.
 *
 * @param {string} id
 * @returns {RenderedEvent | null}
 */
export function takeRendered(id) {
  const data = document.getElementById("event-data");
  if (data?.dataset.id !== id.toLowerCase()) return null;
  data.remove();
  const questions = document.getElementById("questions-data");
  const description = document.querySelector("[data-description]");
  return {
    event: JSON.parse(data.textContent ?? ""),
    etag: data.dataset.etag || null,
    description: [...(description?.childNodes ?? [])],
    questions: JSON.parse(questions?.textContent || "[]"),
    typed: typedIn(document.querySelector("main form[method=post]")),
  };
}

/** The input from before the scripts ran. @param {Element | null} form @returns {Typed} */
function typedIn(form) {
  const inputs = [...(form?.querySelectorAll(FIELDS) ?? [])].filter(isField);
  const focused = inputs.find((input) => input === document.activeElement)?.name ?? null;
  const written = inputs.filter((input) => !isBox(input) || input.checked);
  return { values: written.map(({ name, value }) => [name, value]), focused };
}

/** Restores that input in the new form. @param {Element} root @param {Typed} typed */
export function typeOn(root, { values, focused }) {
  const inputs = [...root.querySelectorAll(FIELDS)].filter(isField);
  for (const [name, value] of values) {
    const input = inputs.find((one) => one.name === name && (!isBox(one) || one.value === value));
    if (!input || value === "") continue;
    if (isBox(input)) input.checked = true;
    else if (input.value === "") input.value = value;
    else continue;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }
  const input = focused === null ? undefined : inputs.find(({ name }) => name === focused);
  input?.focus({ preventScroll: true });
  if (input && "selectionStart" in input && !isBox(input)) input.setSelectionRange(input.value.length, input.value.length);
}

const FIELDS = "input, textarea, select";

/** @typedef {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement} FormField */

/** @param {Element} element @returns {element is FormField} */
const isField = (element) => "value" in element && "name" in element && !("type" in element && element.type === "hidden");

/** @param {FormField} field @returns {field is HTMLInputElement} */
const isBox = (field) => field.type === "checkbox" || field.type === "radio";
