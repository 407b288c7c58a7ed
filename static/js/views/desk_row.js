// @ts-check
/** Further actions on a registration: check in, write a mail, cancel; and its answers. */

import { checkInGuest, findRegistrations } from "../api.js";
import { createConfirmStep } from "../confirm_step.js";
import { answersShown } from "../desk/answer_text.js";
import { cancelRegistration } from "../desk/api.js";
import { el, setText } from "../dom.js";
import { eventCancelled } from "../explain.js";
import { ProblemError } from "../http.js";
import { attempt } from "../idempotency.js";
import { onPress, smallButtonElement } from "../press.js";
import { may } from "../session.js";
import { t } from "../words.js";

/** @import { Question, Registration } from "../types.js" */
/** @import { RowMore } from "./registration_row.js" */

/**
 * @param {Registration} first
 * @param {object} context
 * @param {string} context.eventId
 * @param {AbortSignal} context.signal
 * @param {() => Question[]} context.questions
 * @param {(isOpen: boolean) => void} context.onAsk
 * @param {string} context.describedBy
 * @param {(latest: Registration) => void} context.onChanged
 * @returns {RowMore}
 */
export function createRowMore(first, { eventId, signal, questions, onAsk, describedBy, onChanged }) {
  const { id } = first;
  let latest = first;
  const letIn = smallButtonElement(t("people.let_in"), "let-in", describedBy);
  const mail = smallButtonElement(t("people.mail"), "mail-links", describedBy);
  const cancel = createConfirmStep({
    label: t("people.cancel"),
    question: t("people.cancel_question"),
    yes: t("manage.yes"),
    no: t("manage.no"),
    describedBy,
    testid: "cancel-person",
    what: ["cancel-registration", id],
    act: (key) => cancelRegistration(id, key),
    nothing: t("manage.nothing"),
    signal,
    refusals: { closed: eventCancelled },
    onAsk,
    onDone: (cancelled) => onChanged(cancelled),
  });
  const answers = el("dl", { class: "answers" });
  const statusLine = el("p", { class: "person__below quiet", role: "status" });
  const node = el("div", {}, answers, statusLine);

  onPress(letIn, {
    async act() {
      onChanged(await attempt(["let-in", id], (key) => checkInGuest(eventId, id, key), signal));
      setText(statusLine, t("people.is_in"));
    },
    nothing: t("people.not_let_in"),
    statusLine,
    signal,
  });
  onPress(mail, {
    async act() {
      try {
        await findRegistrations(latest.user_email);
        setText(statusLine, t("people.mailed"));
      } catch (error) {
        if (!(error instanceof ProblemError && error.status === 404)) throw error;
        setText(statusLine, t("find.no_mail_title"));
      }
    },
    nothing: t("find.nothing"),
    statusLine,
    signal,
  });

  return {
    node,
    buttons: [
      ...(may("door") ? [letIn] : []),
      ...(may("manager") ? [mail, cancel.node] : []),
    ],
    update(now) {
      latest = now;
      const isLive = ["confirmed", "held", "offered", "waitlisted"].includes(now.status ?? "confirmed");
      const isIn = Boolean(now.checked_in_at);
      const hadFocus = document.activeElement === letIn;
      letIn.hidden = isIn || (now.status ?? "confirmed") !== "confirmed";
      mail.hidden = !isLive;
      cancel.node.hidden = !isLive || isIn;
      // Keyboard users go on from where they were.
      if (hadFocus && letIn.hidden) mail.focus();
      const shown = answersShown(questions(), now.answers);
      answers.hidden = shown.length === 0;
      answers.replaceChildren(
        ...shown.map(({ wording, text }) =>
          el("div", {}, el("dt", { dir: "auto" }, wording), el("dd", { dir: "auto" }, text)),
        ),
      );
    },
  };
}
