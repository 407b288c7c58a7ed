// @ts-check
/** Submits a form: once at a time, retried while the server is busy, and never done twice. */

import { explain, invalid, stillOpen, unknown } from "./explain.js";
import { showErrors, unsendable } from "./form.js";
import { attempt, leavesOpen } from "./idempotency.js";
import { withRetries } from "./retry.js";
import { isSending, isUndecided, setUndecided } from "./unsettled.js";

/** @import { Outcome } from "./explain.js" */
/** @import { Field } from "./form.js" */
/** @import { What } from "./idempotency.js" */
/** @import { OutcomeArea } from "./outcome.js" */
/** @import { FieldError } from "./types.js" */

/**
 * Sends a write with the key of its attempt.
 *
 * @typedef {<R>(what: What, send: (key: string) => Promise<R>) => Promise<R>} Write
 */

/**
 * Sends a request that changes nothing, and so needs no key.
 *
 * @typedef {<R>(send: () => Promise<R>) => Promise<R>} Read
 */

/**
 * Makes the form submit. Errors are shown at their fields, or else in the area, where it can be retried; afterwards
 * the form is as it was before.
 *
 * @template T
 * @param {object} options
 * @param {HTMLFormElement} options.form
 * @param {HTMLButtonElement} options.button The button that the Enter key presses.
 * @param {string} options.busy The button's text meanwhile; a pressed button may have its own text,
 *   as `data-busy`.
 * @param {Field[]} [options.fields]
 * @param {OutcomeArea} options.area
 * @param {AbortSignal} options.signal
 * @param {string} options.nothing The sentence for a failure: "Nothing was booked."
 * @param {() => FieldError[]} [options.check] Errors that are known without the server.
 * @param {(pressed: HTMLElement) => boolean} [options.asks] Whether it asks a question instead of sending; with the
 *   answer it is sent `again`.
 * @param {(write: Write, pressed: HTMLElement, read: Read) => Promise<T> | null} options.send Null if there is
 *   nothing to send, which it reports itself.
 * @param {(answer: T, pressed: HTMLElement) => void | Promise<void>} options.onSent
 * @param {(error: unknown, pressed: HTMLElement) => Outcome | null | Promise<Outcome | null>} [options.onError]
 *   The caller's own text; null if all is shown already.
 */
export function submitForm({
  form,
  button,
  busy,
  fields = [],
  area,
  signal,
  nothing,
  check = () => unsendable(fields),
  asks = () => false,
  send,
  onSent,
  onError = (error) => explain(error, nothing),
}) {
  /** @type {Read} */
  const read = (request) => withRetries(request, area.wait, signal);
  /** @type {Write} */
  const write = (what, request) => read(() => attempt(what, request, signal));

  /** @param {HTMLElement} pressed */
  async function submit(pressed) {
    area.clear();
    const found = check();
    showErrors(fields, found);
    if (found.length > 0) return area.show(invalid(isUndecided(form) ? stillOpen() : nothing));
    if (asks(pressed)) return;
    const sending = send(write, pressed, read);
    // The state is known then, and nothing is left to ask for.
    if (sending === null) return setUndecided(form, false);
    /** @type {T} */
    let answer;
    try {
      answer = await sending;
    } catch (error) {
      setUndecided(form, leavesOpen(error));
      return await fail(error, pressed);
    }
    setUndecided(form, false);
    if (signal.aborted) return;
    area.clear();
    await onSent(answer, pressed);
  }

  /** @param {unknown} error @param {HTMLElement} pressed */
  async function fail(error, pressed) {
    if (signal.aborted) return;
    const outcome = await onError(error, pressed);
    if (outcome === null || signal.aborted) return;
    const loose = showErrors(fields, outcome.errors ?? []);
    area.show({ ...outcome, errors: loose }, { onRetry: () => resubmit(form, pressed) });
  }

  onSubmit(form, button, busy, submit);

  return {
    /** Shows that the answer to an earlier submission was lost. @param {HTMLElement} pressed */
    resume(pressed) {
      setUndecided(form, true);
      area.show(unknown(), { onRetry: () => resubmit(form, pressed) });
    },
    /** @param {HTMLElement} pressed */
    again: (pressed) => resubmit(form, pressed),
    /** Resets it to a form without submission and errors. */
    clear() {
      setUndecided(form, false);
      area.clear();
      showErrors(fields, []);
    },
  };
}

/**
 * Calls `submit` for each submission, one at a time, with the button that was pressed. A button is not `disabled`
 * meanwhile, since that would lose the keyboard's focus: it is marked as busy, and does nothing.
 *
 * @param {HTMLFormElement} form
 * @param {HTMLButtonElement} button
 * @param {string} busyLabel
 * @param {(pressed: HTMLElement) => Promise<void>} submit
 */
function onSubmit(form, button, busyLabel, submit) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (isSending(form)) return;
    const pressed = event.submitter ?? button;
    const label = pressed.textContent;
    form.setAttribute("aria-busy", "true");
    pressed.setAttribute("aria-disabled", "true");
    pressed.textContent = pressed.dataset.busy ?? busyLabel;
    try {
      await submit(pressed);
    } finally {
      form.removeAttribute("aria-busy");
      pressed.removeAttribute("aria-disabled");
      pressed.textContent = label;
    }
  });
}

/**
 * Presses the button, or, if others have replaced it, the first of them. The pressed button disappears with its
 * outcome; the focus has to move before.
 *
 * @param {HTMLFormElement} form
 * @param {HTMLElement} pressed
 */
function resubmit(form, pressed) {
  const button = pressed.isConnected ? pressed : form.querySelector("button");
  button?.focus();
  // Safari has it since 16; there a click does the same.
  if (typeof form.requestSubmit === "function") form.requestSubmit(button);
  else button?.click();
}
