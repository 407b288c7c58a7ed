// @ts-check
/** Cancels or transfers a registration. */

import { createConfirmStep } from "../confirm_step.js";
import { el, setText } from "../dom.js";
import { hasUnsettled } from "../unsettled.js";
import { t } from "../words.js";
import { createTransfer } from "./transfer.js";

/** @import { RegistrationApi } from "../api.js" */
/** @import { Registration } from "../types.js" */

const CANCELLABLE = ["confirmed", "waitlisted"];

/**
 * @param {RegistrationApi} api
 * @param {{ signal: AbortSignal, onCancelled: () => void, onPassedOn: () => void }} context
 */
export function createManage(api, { signal, onCancelled, onPassedOn }) {
  const cancel = createConfirmStep({
    label: t("manage.cancel"),
    question: t("manage.question"),
    yes: t("manage.yes"),
    no: t("manage.no"),
    testid: "cancel-registration",
    what: ["cancel", api.id],
    act: api.cancel,
    nothing: t("manage.nothing"),
    signal,
    onDone: onCancelled,
  });
  const title = el("h2", { id: "manage-title" }, t("manage.title"));
  const transfer = createTransfer(api, signal, () => {
    cancel.node.remove();
    setText(title, t("manage.next"));
    onPassedOn();
  });
  const node = el(
    "section",
    { class: "panel", "aria-labelledby": "manage-title", "data-testid": "manage", hidden: true },
    title,
    transfer.node,
    cancel.node,
  );

  return {
    node,
    /** @param {Registration} registration @param {boolean} isPast Whether the event is over. */
    update(registration, isPast) {
      const { status = "confirmed", checked_in_at } = registration;
      transfer.update(registration);
      // The server still accepts it then, but nobody could use the seat. Requests in progress go on.
      const isLate = isPast && !hasUnsettled(node);
      node.hidden = isLate || !CANCELLABLE.includes(status) || Boolean(checked_in_at);
      transfer.node.hidden = status !== "confirmed" || isPast;
    },
  };
}
