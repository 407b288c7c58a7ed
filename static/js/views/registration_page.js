// @ts-check
/** An attendee's view of a registration, and the actions that its status allows. */

import { createChanged } from "../changed.js";
import { serverNow } from "../clock.js";
import { createConfirmation, nameOf } from "../confirmation.js";
import { el, setText } from "../dom.js";
import { createKeepOnDevice } from "../keep_on_device.js";
import { removeKeptTicket, keepTicket } from "../kept_tickets.js";
import { removeMine, refreshMine } from "../my_registrations.js";
import { isOver as isEventOver, overAt } from "../registration_window.js";
import { formatNumber } from "../format.js";
import { t, tNodes } from "../words.js";
import { createCorrectName } from "./correct_name.js";
import { createHistory } from "./history.js";
import { createManage } from "./manage.js";
import { createMyAnswers } from "./my_answers.js";
import { createPass } from "./pass.js";
import { headingOf, statusText } from "./registration_status.js";
import { createTicket } from "./ticket_panel.js";

/** @import { RegistrationApi } from "../api.js" */
/** @import { BookingEvent, Registration } from "../types.js" */

/**
 * @param {RegistrationApi} api
 * @param {string} id
 * @param {string} token
 * @param {{ signal: AbortSignal, refresh: () => void }} context
 */
export function createRegistrationPage(api, id, token, { signal, refresh }) {
  const title = el("h1", { tabindex: -1 });
  const statusLine = el("p", { class: "lede", role: "status", "data-testid": "registration-status" });
  const correct = createCorrectName(api, { signal, onCorrected: () => refresh() });
  const answers = createMyAnswers(api, { signal, onChanged: () => refresh() });
  const inLine = el("p", { class: "in-line", hidden: true });
  const deadline = el("div", {});
  const ticket = createTicket(api, signal, (shown) => {
    code = shown;
    keep();
  });
  const keepOnDevice = createKeepOnDevice(id, token, () => latest?.event ?? null);
  const pass = createPass(ticket.node, keepOnDevice.node);
  const manage = createManage(api, { signal, onCancelled: settle, onPassedOn: leave });
  const history = createHistory(api, signal);
  const node = el(
    "div",
    { class: "registration", "data-testid": "registration-page" },
    el("div", { class: "page-head" }, el("div", {}, title, statusLine)),
    inLine,
    deadline,
    // At the door the ticket must be found at once.
    pass.node,
    ticket.code,
    correct.node,
    answers.node,
    manage.node,
    history.node,
  );
  let isOver = false;
  /** The hold or offer of the countdown. @type {string | null} */
  let running = null;
  /** @type {ReturnType<typeof createConfirmation> | null} */
  let confirmation = null;
  /** The ticket that is shown. @type {{ text: string, svg: string } | null} */
  let code = null;
  /** @type {{ registration: Registration, event: BookingEvent } | null} */
  let latest = null;
  const isChanged = createChanged();

  /** Stored, so that it can be shown without a network. */
  function keep() {
    if (code === null || latest === null) return;
    const { registration, event } = latest;
    // The holder of a seat does not need the seat counts.
    const { name, starts_at, ends_at, over_at, timezone, venue, language } = event;
    if (!isChanged(code.text, registration, name, starts_at, ends_at, over_at, timezone, venue, language)) return;
    keepTicket({ registration, event, ...code });
  }

  /** The status has changed, and the pressed button is gone: the title shows the status. */
  function settle() {
    refresh();
    title.focus();
  }

  /** Another person has the seat now: nothing of the registration is shown any more. */
  function leave() {
    isOver = true;
    removeKeptTicket(id);
    removeMine(id);
    setText(title, t("registration.passed_on_title"));
    setText(statusLine, t("registration.passed_on"));
    statusLine.dataset.status = "passed_on";
    for (const part of [inLine, deadline, ticket.node, ticket.code, correct.node, answers.node, history.node, keepOnDevice.node]) part.remove();
    pass.removePerson();
    pass.node.classList.add("ticket--whole");
  }

  /** @param {Registration} registration @param {BookingEvent} event */
  function drawDeadline({ status, expires_at }, event) {
    // After the event no offer can be accepted, whatever its status.
    const isKept = !isEventOver(event, serverNow());
    const what = !isKept ? null : status === "held" ? "hold" : status === "offered" ? "offer" : null;
    const wanted = what && `${what} ${expires_at}`;
    if (wanted !== running) startDeadline(what);
    running = wanted;
    confirmation?.setEnd(expires_at, overAt(event));
  }

  /** @param {"hold" | "offer" | null} what */
  function startDeadline(what) {
    // The previous one is hidden, and its end does not matter.
    confirmation?.setEnd(null, null);
    confirmation = what && createConfirmation({ id, token, what, signal, onEnd: settle });
    if (!what || !confirmation) return deadline.replaceChildren();
    const heading = el("h2", {}, t("registration.time_left"));
    deadline.replaceChildren(
      el(
        "section",
        { class: "hold", "data-testid": what, "aria-label": nameOf(what) },
        heading,
        confirmation.node,
      ),
    );
  }

  return {
    node,
    isOver: () => isOver,
    /** @param {Registration} registration @param {BookingEvent} event */
    update(registration, event) {
      if (isOver) return;
      const { status = "confirmed", position } = registration;
      const isPast = isEventOver(event, serverNow());
      setText(title, headingOf(registration, isPast));
      statusLine.dataset.status = status;
      statusLine.dataset.over = String(isPast);
      setText(statusLine, statusText(registration, event, isPast));
      latest = { registration, event };
      refreshMine(id, token, event);
      inLine.hidden = status !== "waitlisted" || isPast;
      if (inLine.hidden) inLine.replaceChildren();
      else drawPosition(inLine, position ?? null);
      drawDeadline(registration, event);
      ticket.update(status === "confirmed", isPast);
      pass.update(registration, event);
      if (status === "confirmed") keep();
      else {
        code = null;
        removeKeptTicket(id);
      }
      correct.update(registration);
      answers.update(registration, event);
      const hadFocus = manage.node.contains(document.activeElement);
      manage.update(registration, isPast);
      if (hadFocus && manage.node.hidden) title.focus();
      history.update(registration);
    },
  };
}

/** @param {HTMLElement} inLine @param {number | null} position */
function drawPosition(inLine, position) {
  if (inLine.dataset.position === String(position) && inLine.childElementCount > 0) return;
  inLine.dataset.position = String(position);
  inLine.replaceChildren(
    ...tNodes("registration.place_in_line", {
      position: el(
        "strong",
        { "data-testid": "waitlist-position", "data-position": position },
        position === null ? "?" : formatNumber(position),
      ),
    }).map((part) => (typeof part === "string" && part !== "" ? el("span", {}, part) : part)),
  );
}
