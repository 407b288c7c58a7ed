// @ts-check
/** One event: its ticket, the form to register, and what its organizer may do. */

import { ProblemError, getEvent, getOwnEvent } from "../api.js";
import { el, setLanguage, setText } from "../dom.js";
import { formatClock, momentElement } from "../format.js";
import { createLive, withSeats } from "../live.js";
import { createNewest } from "../newest.js";
import { hasToken } from "../session.js";
import { startPolling } from "../poll.js";
import { createSeats, isSpent } from "../seats.js";
import { nameShown } from "../text.js";
import { hasUnsettled } from "../unsettled.js";
import { t, tNodes } from "../words.js";
import { createEventFacts } from "./event_facts.js";
import { createOrganizerPart } from "./event_organizer.js";
import { showLoadError } from "./load_error.js";
import { missingNotice } from "./missing.js";
import { createRegisterPanel } from "./register.js";

/** @import { EventAnswer } from "../api.js" */
/** @import { BookingEvent, View } from "../types.js" */

const POLL_MS = 2_000;
/** The same while the seats are told: names and times change seldom. */
const CALM_POLL_MS = 30_000;

/**
 * @param {View} view
 * @param {string} id
 */
export function eventView({ root, signal, setTitle }, id) {
  setTitle(t("event.title"));
  const title = el("h1", { tabindex: -1, dir: "auto" }, t("event.loading"));
  const body = el("div", { "data-testid": "loading" }, title);
  root.append(el("a", { class: "back", href: "#/" }, t("nav.all_events")), body);

  /** @type {BookingEvent | null} */
  let event = null;
  /** @type {string | null} */
  let etag = null;
  /** Whether it is of whoever is signed in; null if nobody is. @type {boolean | null} */
  let isOwn = null;
  /** @type {ReturnType<typeof createPage> | null} */
  let page = null;

  /**
   * Its organizer sees it while it is a draft, too. For who shows a token nothing of others is there, but
   * everybody may look at it as a visitor.
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
      page = createPage(latest, { title, signal, latest: () => event, refresh: () => polling.now() });
      body.removeAttribute("data-testid");
      body.replaceChildren(page.node);
    }
    setTitle(nameShown(latest.name));
    page.update(latest, isOwn);
    // A draft is told to nobody who shows no token, and a stream shows none.
    live.watch(latest.status === "draft" ? [] : [latest]);
  }

  const newest = createNewest();
  const live = createLive({
    signal,
    onSeats(seats) {
      if (!event) return;
      const isEdited = seats.status !== event.status || seats.capacity !== event.capacity;
      show(withSeats(event, seats));
      page?.checked();
      // Then other things may be others, too.
      if (isEdited) polling.soon();
    },
    onEnd: () => polling.soon(),
  });
  // Doors open by the clock alone, of which no message tells.
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
      // Also if nothing is new: doors open by the clock alone.
      const latest = answer ? newest(event, answer.event) : event;
      // What was overtaken is to be told again.
      if (answer && latest === answer.event) etag = answer.etag;
      if (latest) show(latest);
      page?.checked();
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
 *   refresh: () => void }} context
 */
function createPage(first, { title, signal, latest, refresh }) {
  const seats = createSeats();
  const description = el("p", { class: "description clamp", dir: "auto" });
  const unfold = el(
    "button",
    { type: "button", class: "link-button", "aria-expanded": "false", hidden: true },
    t("event.unfold"),
  );
  const facts = createEventFacts();
  const updated = el("p", { class: "seats__text seats__age", "data-testid": "updated" });
  seats.node.append(updated);
  title.setAttribute("data-testid", "event-name");
  const ticket = el(
    "article",
    { class: "ticket ticket--hero", "data-testid": "event" },
    el(
      "div",
      { class: "ticket__body" },
      el("p", { class: "stamp" }, ...tNodes("event.added", { time: momentElement(first.created_at) })),
      title,
      facts.node,
      description,
      unfold,
    ),
    el("div", { class: "ticket__stub" }, seats.node),
  );
  const panel = createRegisterPanel(first.id, { signal, latest, refresh });
  const organizer = createOrganizerPart(first.id, signal);

  unfold.addEventListener("click", () => {
    const folded = description.classList.toggle("clamp");
    unfold.setAttribute("aria-expanded", String(!folded));
    setText(unfold, folded ? t("event.unfold") : t("event.fold"));
  });

  return {
    node: el("div", {}, ticket, panel.node, organizer.node),
    /** @param {BookingEvent} event @param {boolean | null} isOwn */
    update(event, isOwn) {
      setText(title, nameShown(event.name));
      setText(description, event.description ?? "");
      setLanguage(title, event.language);
      setLanguage(description, event.language);
      description.hidden = !event.description;
      facts.update(event);
      ticket.classList.toggle("ticket--spent", isSpent(event));
      seats.update(event);
      panel.update();
      organizer.update(event, isOwn);
      // What the clamp hides can only be measured once it is laid out.
      requestAnimationFrame(() => {
        if (unfold.getAttribute("aria-expanded") === "true") return;
        unfold.hidden = description.scrollHeight <= description.clientHeight + 1;
      });
    },
    checked: () => setText(updated, t("list.updated", { time: formatClock(new Date()) })),
  };
}
