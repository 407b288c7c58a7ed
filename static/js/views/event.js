// @ts-check
/** One event: its ticket, the registration form, and its organizer's actions. */

import { sharedAddress } from "../address.js";
import { ProblemError, getEvent, getOwnEvent } from "../api.js";
import { IS_EMBEDDED } from "../base.js";
import { createDateBlock } from "../date_block.js";
import { el, setLanguage, setText } from "../dom.js";
import { serverNow } from "../clock.js";
import { listAddress } from "../list_address.js";
import { createLive, withSeats } from "../live.js";
import { createNewest } from "../newest.js";
import { hasToken } from "../session.js";
import { startPolling } from "../poll.js";
import { isOver } from "../registration_window.js";
import { takeRendered, typeOn } from "../rendered.js";
import { createSeats, isSpent } from "../seats.js";
import { shareElement } from "../share.js";
import { nameShown } from "../text.js";
import { hasUnsettled } from "../unsettled.js";
import { t } from "../words.js";
import { createDescription } from "./description.js";
import { createEventAction } from "./event_action.js";
import { createCalendarLinks, createEventFacts } from "./event_facts.js";
import { createOrganizerPart } from "./event_organizer.js";
import { showLoadError } from "./load_error.js";
import { missingNotice } from "./missing.js";
import { createRegisterPanel } from "./register.js";

/** @import { EventAnswer } from "../api.js" */
/** @import { RenderedEvent } from "../rendered.js" */
/** @import { BookingEvent, View } from "../types.js" */
/** @import { Action } from "./event_action.js" */

const POLL_MS = 2_000;
/** The interval while the stream sends seats: names and times change seldom. */
const CALM_POLL_MS = 30_000;

/**
 * @param {View} view
 * @param {string} id
 */
export function eventView({ root, signal, setTitle }, id) {
  setTitle(t("event.title"));
  const title = el("h1", { tabindex: -1, dir: "auto" }, t("event.loading"));
  const body = el("div", { "data-testid": "loading" }, title);
  if (!IS_EMBEDDED) root.append(el("a", { class: "back", href: listAddress() }, t("nav.all_events")));
  root.append(body);
  const rendered = takeRendered(id);

  /** @type {BookingEvent | null} */
  let event = null;
  /** @type {string | null} */
  let etag = rendered?.etag ?? null;
  /** Whether it belongs to the organizer who is signed in; null if none is. @type {boolean | null} */
  let isOwn = null;
  /** @type {ReturnType<typeof createPage> | null} */
  let page = null;

  /**
   * Its organizer sees it while it is a draft, too. With a token another organizer's event is not found, but may
   * still be read as a visitor.
   *
   * @param {AbortSignal} abort
   * @returns {Promise<EventAnswer>}
   */
  async function ask(abort) {
    if (!hasToken()) isOwn = null;
    else if (isOwn !== false) {
      try {
        const answer = await getOwnEvent(id, etag, abort);
        isOwn = true;
        return answer;
      } catch (error) {
        if (!(error instanceof ProblemError) || ![401, 404].includes(error.status)) throw error;
        isOwn = error.status === 404 ? false : null;
      }
    }
    return getEvent(id, etag, abort);
  }

  /** @param {BookingEvent} latest */
  function show(latest) {
    event = latest;
    if (!page) {
      page = createPage(latest, { title, signal, latest: () => event, refresh: () => polling.now(), rendered });
      body.removeAttribute("data-testid");
      body.replaceChildren(page.node);
    }
    setTitle(nameShown(latest.name));
    page.update(latest, isOwn);
    // A draft is only sent to its organizer's token, which a stream does not carry.
    live.watch(latest.status === "draft" ? [] : [latest]);
  }

  const newest = createNewest();
  const live = createLive({
    signal,
    onSeats(seats) {
      if (!event) return;
      const isEdited = seats.status !== event.status || seats.capacity !== event.capacity;
      show(withSeats(event, seats));
      // Then other parts may have changed, too.
      if (isEdited) polling.soon();
    },
    onEnd: () => polling.soon(),
  });
  // Before any request, so that the page's content is replaced by the same.
  if (rendered) {
    show(rendered.event);
    // In the page by then.
    queueMicrotask(() => typeOn(root, rendered.typed));
  }
  // Registration opens by the clock alone, without a message.
  const ticking = setInterval(() => {
    if (event && live.isOn()) show(event);
  }, POLL_MS);
  signal.addEventListener("abort", () => clearInterval(ticking));

  const polling = startPolling({
    everyMs: POLL_MS,
    calmMs: () => (live.isOn() ? CALM_POLL_MS : null),
    signal,
    ask,
    onAnswer(answer) {
      // Even without news: registration opens by the clock alone.
      const latest = answer ? newest(event, answer.event) : event;
      // An overtaken answer is requested again.
      if (answer && latest === answer.event) etag = answer.etag;
      if (latest) show(latest);
    },
    onFailure(error) {
      if (error instanceof ProblemError && error.status === 404) {
        if (hasUnsettled(body)) return "settling";
        setTitle(t("event.not_found"));
        body.replaceChildren(missingNotice(t("event.not_found"), t("event.not_found_why")));
        live.watch([]);
        return "stop";
      }
      if (!page) {
        setText(title, t("event.load_error"));
        showLoadError(body, title, error);
      }
      return "again";
    },
  });
  return polling.first;
}

/**
 * @param {BookingEvent} first
 * @param {{ title: HTMLElement, signal: AbortSignal, latest: () => BookingEvent | null,
 *   refresh: () => void, rendered: RenderedEvent | null }} context
 */
function createPage(first, { title, signal, latest, refresh, rendered }) {
  const seats = createSeats();
  const date = createDateBlock();
  const description = createDescription(signal, measure, rendered);
  const unfold = el(
    "button",
    { type: "button", class: "link-button", "aria-expanded": "false", hidden: true },
    t("event.unfold"),
  );
  const about = el(
    "section",
    { class: "about", "aria-labelledby": "about-title" },
    el("h2", { id: "about-title" }, t("event.about")),
    description.node,
    unfold,
  );
  const facts = createEventFacts();
  const calendar = createCalendarLinks();
  /** @type {Action} */
  let action = null;
  const panel = createRegisterPanel(first.id, {
    signal,
    latest,
    refresh,
    onAction(latestAction) {
      action = latestAction;
      drawAction();
    },
    questions: rendered?.questions ?? null,
  });
  const button = createEventAction(panel.form, signal, () => {
    panel.form.scrollIntoView({ block: "center" });
    panel.focus();
  });
  const share = shareElement(() => ({ title: title.textContent ?? "", url: sharedAddress(first.id) }));
  title.setAttribute("data-testid", "event-name");
  const ticket = el(
    "article",
    { class: "ticket ticket--hero" },
    el(
      "div",
      { class: "ticket__body" },
      date.node,
      el("div", { class: "hero__text" }, title, facts.node),
    ),
    el("div", { class: "ticket__stub" }, seats.node, button.stub),
  );
  // Details and links come after the main action.
  const beside = el("div", { class: "beside" }, about, calendar.node, share);
  const columns = el("div", { class: "event-columns" }, panel.node, beside);
  // Another site's page has no organizer's part.
  const organizer = IS_EMBEDDED ? null : createOrganizerPart(first.id, signal);

  // Whether the description is clamped can only be measured after layout.
  function measure() {
    requestAnimationFrame(() => {
      if (unfold.getAttribute("aria-expanded") === "true") return;
      unfold.hidden = description.node.scrollHeight <= description.node.clientHeight + 1;
    });
  }

  function drawAction() {
    const event = latest();
    if (event) button.update(event, action);
  }

  unfold.addEventListener("click", () => {
    const folded = description.node.classList.toggle("clamp");
    unfold.setAttribute("aria-expanded", String(!folded));
    setText(unfold, folded ? t("event.unfold") : t("event.fold"));
  });

  return {
    node: el("div", { "data-testid": "event" }, ticket, columns, organizer?.node, button.bar),
    /** @param {BookingEvent} event @param {boolean | null} isOwn */
    update(event, isOwn) {
      setText(title, nameShown(event.name));
      description.update(event, isOwn);
      setLanguage(event.language, title, description.node);
      about.hidden = !event.description;
      date.update(event);
      facts.update(event);
      calendar.update(event);
      // An event that is over, or not yet public, is not shared.
      share.hidden = event.status === "draft" || event.status === "cancelled" || isOver(event, serverNow());
      ticket.classList.toggle("ticket--spent", isSpent(event));
      seats.update(event);
      panel.update();
      drawAction();
      organizer?.update(event, isOwn);
      measure();
    },
  };
}
