// @ts-check
/** An attendee's own registration, reached by its private link. */

import { pageAddress } from "../address.js";
import { ProblemError, getEvent, registrationApi } from "../api.js";
import { createCalling } from "../calling.js";
import { el, setText } from "../dom.js";
import { removeKeptTicket, keptTicket } from "../kept_tickets.js";
import { removeMine } from "../my_registrations.js";
import { startPolling } from "../poll.js";
import { hasUnsettled } from "../unsettled.js";
import { t } from "../words.js";
import { showKeptTicket } from "./kept_ticket.js";
import { showLoadError } from "./load_error.js";
import { missingNotice } from "./missing.js";
import { createRegistrationPage } from "./registration_page.js";
import { createTransfer, openTransfer } from "./transfer.js";

/** @import { BookingEvent, Registration, View } from "../types.js" */

const POLL_MS = 3_000;
/** The interval while the page is hidden, but its holder waits for an offer, or was alerted to one. */
const HIDDEN_POLL_MS = 30_000;
/** The interval for a ticket that is only displayed, without any input. */
const CALM_POLL_MS = 60_000;
/** For how long after the last input the visitor may be waiting for its effect. */
const TOUCHED_FOR_MS = 60_000;

/**
 * @param {View} view
 * @param {string} id
 * @param {string} token
 */
export function registrationView({ root, signal, setTitle }, id, token) {
  setTitle(t("registration.title"));
  const api = registrationApi(id, token);
  const title = el("h1", { tabindex: -1 }, t("registration.loading"));
  const body = el("div", { "data-testid": "loading" }, title);
  root.append(body);

  /** @type {BookingEvent | null} */
  let event = null;
  /** @type {string | null} */
  let etag = null;
  /** @type {ReturnType<typeof createRegistrationPage> | null} */
  let page = null;
  const call = createCalling(signal);
  let isWaiting = false;
  let isSeated = false;
  let touchedAt = Date.now();

  const isCalm = () => isSeated && Date.now() - touchedAt > TOUCHED_FOR_MS && !hasUnsettled(body);

  /** A visitor who returns to a ticket wants its present state. */
  function touch() {
    const wasCalm = isCalm();
    touchedAt = Date.now();
    if (wasCalm) polling.now();
  }
  for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, touch, { signal });

  /**
   * An offer lasts only for a while, and its holder is in another tab. The alert ends where the offer is accepted
   * or withdrawn.
   *
   * @param {Registration["status"]} status
   */
  function note(status) {
    const isOffered = status === "offered";
    isWaiting = isOffered || status === "waitlisted";
    isSeated = status === "confirmed";
    call(isOffered);
    setTitle(isOffered ? `● ${t("status.offered")}` : t("registration.title"));
  }

  /** @param {AbortSignal} abort @returns {Promise<Registration>} */
  async function ask(abort) {
    const registration = await api.get(abort);
    const answer = await getEvent(registration.event_id, etag, abort);
    if (answer) ({ event, etag } = answer);
    return registration;
  }

  const polling = startPolling({
    everyMs: POLL_MS,
    calmMs: () => (isCalm() ? CALM_POLL_MS : null),
    hiddenMs: () => (isWaiting ? HIDDEN_POLL_MS : null),
    signal,
    ask,
    onAnswer(registration) {
      if (!event) return;
      if (!page) {
        page = createRegistrationPage(api, id, token, { signal, refresh: () => polling.now() });
        body.removeAttribute("data-testid");
        body.replaceChildren(page.node);
      }
      page.update(registration, event);
      note(registration.status);
    },
    onFailure(error) {
      // After a transfer the page shows that itself, and the link is dead.
      if (page?.isOver()) return stop();
      const isGone = error instanceof ProblemError && [401, 403, 404].includes(error.status);
      // A request of this page may be the cause, and only its answer may lead on.
      if (isGone && hasUnsettled(body)) return "settling";
      if (isGone) {
        removeKeptTicket(id);
        removeMine(id, token);
      }
      if (error instanceof ProblemError && [401, 403].includes(error.status)) {
        showDeadLink();
        return stop();
      }
      if (error instanceof ProblemError && error.status === 404) {
        body.replaceChildren(
          missingNotice(
            t("registration.not_found_title"),
            t("registration.not_found"),
          ),
        );
        return stop();
      }
      const kept = page ? null : keptTicket(id);
      if (kept) showKeptTicket(body, kept);
      else if (!page) {
        setText(title, t("registration.load_error"));
        showLoadError(body, title, error);
      }
      return "again";
    },
  });

  /** @returns {"stop"} */
  function stop() {
    note(undefined);
    return "stop";
  }

  function showDeadLink() {
    const hadFocus = body.contains(document.activeElement);
    const heading = el("h1", { tabindex: -1 }, t("registration.dead_title"));
    body.replaceChildren(deadLink(heading));
    if (hadFocus) heading.focus();
    // The answer with the new link was lost with the previous page: it can still be requested.
    const to = openTransfer(id);
    if (!to) return;
    const transfer = createTransfer(api, signal, () => setText(heading, t("registration.passed_on_title")));
    const title = el("h2", { id: "lost-title" }, t("registration.lost_title"));
    body.append(el("section", { class: "panel", "aria-labelledby": "lost-title" }, title, transfer.node));
    transfer.resume(to);
  }

  return polling.first;
}

/** @param {HTMLElement} heading */
const deadLink = (heading) =>
  el(
    "div",
    { class: "blank", "data-testid": "registration-forbidden" },
    heading,
    el(
      "p",
      {},
      t("registration.dead"),
    ),
    el("a", { class: "button", href: pageAddress("list") }, t("nav.see_all")),
    el("p", {}, el("a", { href: pageAddress("find") }, t("registration.find"))),
  );
