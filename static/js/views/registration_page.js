// @ts-check
/** What an attendee sees of a registration, and may do with it, while it has the status that it has. */

import { eventAddress } from "../address.js";
import { serverNow } from "../clock.js";
import { createConfirmation, nameOf } from "../confirmation.js";
import { el, setLanguage, setText } from "../dom.js";
import { isOver as isEventOver, overAt } from "../registration_window.js";
import { formatNumber } from "../format.js";
import { nameShown } from "../text.js";
import { t, tNodes } from "../words.js";
import { createCorrectName } from "./correct_name.js";
import { createEventFacts } from "./event_facts.js";
import { createHistory } from "./history.js";
import { createManage } from "./manage.js";
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
  const eventLink = el("a", { dir: "auto", "data-testid": "registration-event" });
  const facts = createEventFacts();
  const email = el("bdi", { "data-testid": "registration-email" });
  const name = el("bdi", { "data-testid": "registration-name" });
  const correct = createCorrectName(api, { signal, onCorrected: () => refresh() });
  const sheet = el(
    "section",
    { class: "sheet", "aria-label": t("registration.event_and_you") },
    el("h2", {}, eventLink),
    facts.node,
    el("dl", { class: "facts facts--plain" }, el("dt", {}, t("registration.for")), el("dd", {}, name, " ", email)),
    correct.node,
  );
  const inLine = el("p", { class: "in-line", hidden: true });
  const deadline = el("div", {});
  const ticket = createTicket(api, signal);
  const manage = createManage(api, { signal, onCancelled: settle, onPassedOn: pass });
  const history = createHistory(api, signal);
  const node = el(
    "div",
    { "data-testid": "registration-page" },
    el("div", { class: "page-head" }, el("div", {}, title, statusLine)),
    inLine,
    deadline,
    // At the door it is the ticket that must be found at once.
    ticket.node,
    sheet,
    manage.node,
    history.node,
  );
  let isOver = false;
  /** Of which hold or offer the countdown runs. @type {string | null} */
  let running = null;
  /** @type {ReturnType<typeof createConfirmation> | null} */
  let confirmation = null;

  /** It stands otherwise now, and what was pressed is gone: the title says how it stands. */
  function settle() {
    refresh();
    title.focus();
  }

  /** It is somebody else's now: nothing of it is shown any more. */
  function pass() {
    isOver = true;
    setText(title, t("registration.passed_on_title"));
    setText(statusLine, t("registration.passed_on"));
    statusLine.dataset.status = "passed_on";
    for (const part of [inLine, deadline, ticket.node, correct.node, history.node]) part.remove();
    name.closest("dl")?.remove();
  }

  /** @param {Registration} registration @param {BookingEvent} event */
  function drawDeadline({ status, expires_at }, event) {
    // Nobody can accept anything of an event that is over, whatever the registration still says.
    const isKept = !isEventOver(event, serverNow());
    const what = !isKept ? null : status === "held" ? "hold" : status === "offered" ? "offer" : null;
    const wanted = what && `${what} ${expires_at}`;
    if (wanted !== running) startDeadline(what);
    running = wanted;
    confirmation?.setEnd(expires_at, overAt(event));
  }

  /** @param {"hold" | "offer" | null} what */
  function startDeadline(what) {
    // The one before is not shown any more, and its end is nobody's concern.
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
      setText(eventLink, nameShown(event.name));
      setLanguage(eventLink, event.language);
      eventLink.setAttribute("href", eventAddress(event.id));
      facts.update(event);
      setText(name, registration.name ?? "");
      setText(email, registration.user_email);
      inLine.hidden = status !== "waitlisted" || isPast;
      if (inLine.hidden) inLine.replaceChildren();
      else drawPosition(inLine, position ?? null);
      drawDeadline(registration, event);
      ticket.update(status === "confirmed");
      correct.update(registration);
      manage.update(registration, isPast);
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
