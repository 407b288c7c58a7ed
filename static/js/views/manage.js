// @ts-check
/** Giving a registration up, or passing it on. */

import { createConfirmStep } from "../confirm_step.js";
import { el, setText } from "../dom.js";
import { explain } from "../explain.js";
import { createAttempts } from "../idempotency.js";
import { createTransfer } from "./transfer.js";

/** @import { Registration } from "../types.js" */

const CANCELLABLE = ["confirmed", "waitlisted"];

/**
 * @param {ReturnType<typeof import("../api.js").registrationApi>} api
 * @param {{ signal: AbortSignal, onCancelled: () => void, onPassedOn: () => void }} context
 */
export function createManage(api, { signal, onCancelled, onPassedOn }) {
  const attempt = createAttempts();
  const cancel = createConfirmStep({
    label: "Cancel registration",
    question: "Give up your registration? Somebody else may get the seat, and you cannot take it back.",
    yes: "Yes, cancel it",
    no: "No, keep it",
    testid: "cancel-registration",
    async act() {
      try {
        await attempt("cancel", (key) => api.cancel(key));
        return null;
      } catch (error) {
        return explain(error, "Nothing was cancelled.").text;
      }
    },
    onDone: onCancelled,
  });
  const title = el("h2", { id: "manage-title" }, "Change it");
  const transfer = createTransfer(api, signal, () => {
    cancel.remove();
    setText(title, "What comes next");
    onPassedOn();
  });
  const node = el(
    "section",
    { class: "panel", "aria-labelledby": "manage-title", hidden: true },
    title,
    transfer.node,
    cancel,
  );

  return {
    node,
    /** @param {Registration} registration @param {boolean} isPast Whether the event is over. */
    update(registration, isPast) {
      const { status = "confirmed", checked_in_at } = registration;
      transfer.update(registration);
      node.hidden = !CANCELLABLE.includes(status) || Boolean(checked_in_at);
      transfer.node.hidden = status !== "confirmed" || isPast;
    },
  };
}
