// @ts-check
/** Events, newest first, with meters that move by themselves: all that are public, or the organizer's own. */

import { eventsPath, getEvents, getOwnEvents } from "../api.js";
import { el, setText } from "../dom.js";
import { formatClock, plural } from "../format.js";
import { LIVE_EVENTS_MAX, createLive, withSeats } from "../live.js";
import { createNewest } from "../newest.js";
import { startPolling } from "../poll.js";
import { mayPutUp } from "../session.js";
import { createCard } from "./card.js";
import { showLoadError } from "./load_error.js";

/** @import { BookingEvent, View } from "../types.js" */
/** @import { Card } from "./card.js" */

const PAGE_EVENTS = 20;
/** However far somebody has paged, one poll asks for no more than this. */
const POLL_EVENTS_MAX = 200;
const POLL_MS = 5_000;
/** The same while the seats of all that is listed are told: then only what is new is missing. */
const CALM_POLL_MS = 30_000;

/** @param {View} view */
export const listView = (view) =>
  showList(view, {
    read: getEvents,
    title: "Events",
    lede: "Pick one and leave your e-mail address. If a seat is free, it is yours.",
  });

/** @param {View} view */
export const ownListView = (view) =>
  showList(view, { read: getOwnEvents, title: "Your events", lede: "All that you put up, drafts too." });

/**
 * @param {View} view
 * @param {{ read: typeof getEvents, title: string, lede: string }} what
 */
function showList({ root, signal, setTitle }, { read, title, lede }) {
  setTitle(title);
  const updated = el("p", { class: "stamp", "data-testid": "updated" });
  const status = el("p", { class: "visually-hidden", role: "status" });
  const body = el("div", {}, el("p", { class: "quiet", "data-testid": "loading" }, "Loading events…"));
  const list = el("ul", { class: "tickets", role: "list", "data-testid": "event-list" });
  const more = el(
    "button",
    { type: "button", class: "button button--plain", "data-testid": "load-more" },
    "Load more",
  );
  const moreError = el("p", { role: "alert", class: "field__error" });
  root.append(
    el(
      "div",
      { class: "page-head" },
      el("div", {}, el("h1", { tabindex: -1 }, title), el("p", { class: "lede" }, lede)),
      updated,
    ),
    status,
    body,
  );

  /** @type {BookingEvent[]} */
  let events = [];
  /** @type {string | null} */
  let next = null;
  let loaded = false;
  /** @type {Map<string, Card>} */
  const cards = new Map();

  function draw() {
    loaded = true;
    if (events.length === 0) {
      if (!body.querySelector("[data-testid=empty]")) body.replaceChildren(emptyNotice());
      return;
    }
    if (!list.isConnected) body.replaceChildren(list, el("div", { class: "more" }, more), moreError);
    for (const [id, card] of cards) {
      if (events.some((event) => event.id === id)) continue;
      card.node.remove();
      cards.delete(id);
    }
    events.forEach((event, index) => {
      const card = cards.get(event.id) ?? createCard(event);
      cards.set(event.id, card);
      card.update(event);
      // Cards in their right place stay untouched, so that focus and hover stay with them.
      const here = list.children[index];
      if (here !== card.node) list.insertBefore(card.node, here ?? null);
    });
    more.hidden = next === null;
    watch();
  }

  const newest = createNewest();
  const live = createLive({
    signal,
    onSeats(seats) {
      events = events.map((event) => withSeats(event, seats));
      const event = events.find(({ id }) => id === seats.event_id);
      if (event) cards.get(event.id)?.update(event);
      setText(updated, `Updated ${formatClock(new Date())}`);
    },
    onEnd: () => polling.soon(),
  });

  // A draft is told to nobody who shows no token, and a stream shows none.
  const watch = () => live.watch(events.filter(({ status }) => status !== "draft"));
  const areAllWatched = () => live.isOn() && events.length <= LIVE_EVENTS_MAX;

  const polling = startPolling({
    everyMs: POLL_MS,
    calmMs: () => (areAllWatched() ? CALM_POLL_MS : null),
    signal,
    ask: (abort) => read(eventsPath(Math.min(Math.max(events.length, PAGE_EVENTS), POLL_EVENTS_MAX)), abort),
    onAnswer(page) {
      const tail = olderThan(page.items, page.next !== null, events);
      const known = new Map(events.map((event) => [event.id, event]));
      events = [...page.items.map((event) => newest(known.get(event.id), event)), ...tail];
      if (tail.length === 0) next = page.next;
      setText(updated, `Updated ${formatClock(new Date())}`);
      draw();
    },
    onFailure(error) {
      if (!loaded) showLoadError(body, el("h2", {}, "The events could not be loaded"), error);
      return "again";
    },
  });

  more.addEventListener("click", async () => {
    if (next === null || more.hasAttribute("aria-disabled")) return;
    more.setAttribute("aria-disabled", "true");
    setText(moreError, "");
    try {
      const page = await read(next, signal);
      const fresh = page.items.filter((event) => !events.some(({ id }) => id === event.id));
      events = [...events, ...fresh];
      next = page.next;
      draw();
      setText(status, `${plural(fresh.length, "more event", "more events")} shown.`);
      cards.get(fresh[0]?.id ?? "")?.focus();
    } catch {
      if (!signal.aborted) setText(moreError, "Those could not be loaded. Please try again.");
    } finally {
      more.removeAttribute("aria-disabled");
    }
  });

  return polling.first;
}

/**
 * What was paged in before and lies beyond the end of a fresh first page.
 *
 * @param {BookingEvent[]} fresh
 * @param {boolean} hasNext
 * @param {BookingEvent[]} known
 */
function olderThan(fresh, hasNext, known) {
  const last = fresh.at(-1);
  if (!last || !hasNext) return [];
  const ids = new Set(fresh.map(({ id }) => id));
  // Parsed, since two RFC 3339 texts of different precision do not sort as texts.
  const end = Date.parse(last.created_at);
  return known.filter(({ id, created_at }) => !ids.has(id) && Date.parse(created_at) <= end);
}

function emptyNotice() {
  return el(
    "div",
    { class: "blank", "data-testid": "empty" },
    el("h2", {}, "No events yet"),
    ...(mayPutUp()
      ? [
          el("p", {}, "The first one starts here. It takes a name and a number of seats."),
          el("a", { class: "button", href: "#/new" }, "Create event"),
        ]
      : []),
  );
}
