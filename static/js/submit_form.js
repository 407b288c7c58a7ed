// @ts-check
/** Sending a form: once at a time, tried again while the server is busy, and never done twice. */

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
 * Asks for something that changes nothing, and so needs no key.
 *
 * @typedef {<R>(send: () => Promise<R>) => Promise<R>} Read
 */

/**
 * Makes the form send. What is wrong is shown at its field, or else in the area, from where it can be tried
 * again; and afterwards the form is as it was before.
 *
 * @template T
 * @param {object} options
 * @param {HTMLFormElement} options.form
 * @param {HTMLButtonElement} options.button What the Enter key presses.
 * @param {string} options.busy What the button says meanwhile; one that was pressed may have other words of
 *   its own, as `data-busy`.
 * @param {Field[]} [options.fields]
 * @param {OutcomeArea} options.area
 * @param {AbortSignal} options.signal
 * @param {string} options.nothing What did not happen if it fails, as a sentence: "Nothing was booked."
 * @param {() => FieldError[]} [options.check] What need not be sent to be known to be wrong.
 * @param {(pressed: HTMLElement) => boolean} [options.asks] Whether it asks something in place of sending; with the
 *   answer it is sent `again`.
 * @param {(write: Write, pressed: HTMLElement, read: Read) => Promise<T> | null} options.send Null if there is
 *   nothing to send; it has said so itself then.
 * @param {(answer: T, pressed: HTMLElement) => void | Promise<void>} options.onSent
 * @param {(error: unknown, pressed: HTMLElement) => Outcome | null | Promise<Outcome | null>} [options.onError]
 *   In words of the caller's own; null if all is said already.
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
    // How it stands is known then, and leaves nothing to ask for.
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
    /** Says of what was sent before the form was there that its answer was lost. @param {HTMLElement} pressed */
    resume(pressed) {
      setUndecided(form, true);
      area.show(unknown(), { onRetry: () => resubmit(form, pressed) });
    },
    /** @param {HTMLElement} pressed */
    again: (pressed) => resubmit(form, pressed),
    /** As if nothing had been sent yet, and nothing been wrong with it. */
    clear() {
      setUndecided(form, false);
      area.clear();
      showErrors(fields, []);
    },
  };
}

/**
 * Calls `submit` for each submission, one at a time, with the button that was pressed. A button is not
 * `disabled` while one is under way, since that would throw the focus of a keyboard away: it says that it is,
 * and does nothing.
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
 * As if the button were pressed, or, if others have come in its place, the first of them. The button that
 * was pressed goes away with the outcome that it stood in; the focus needs another home before.
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
