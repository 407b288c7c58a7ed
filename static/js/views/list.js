// @ts-check
/** Events by date, with live meters: all public ones, or the organizer's own. */

import { pageAddress } from "../address.js";
import { eventsPath, findEvents, findOwnEvents, getEvents, getOwnEvents, isListedByDate } from "../api.js";
import { serverNow } from "../clock.js";
import { el, setText } from "../dom.js";
import { groupsOf, startOf } from "../event_groups.js";
import { explainRead } from "../explain.js";
import { timeZone } from "../format.js";
import { createInView } from "../in_view.js";
import { lastOf } from "../lists.js";
import { LIVE_EVENTS_MAX, createLive, withSeats } from "../live.js";
import { createNewest } from "../newest.js";
import { startPolling } from "../poll.js";
import { isOver } from "../registration_window.js";
import { mayPutUp, onSessionChange } from "../session.js";
import { t } from "../words.js";
import { createCard } from "./card.js";
import { createGroup } from "./event_group.js";
import { createEventSearch } from "./event_search.js";
import { showLoadError } from "./load_error.js";

/** @import { BookingEvent, Page, View } from "../types.js" */
/** @import { Card } from "./card.js" */

const PAGE_EVENTS = 20;
/** The most events in one poll, however many are shown. */
const POLL_EVENTS_MAX = 200;
const POLL_MS = 5_000;
/** The interval while the stream sends the seats of all visible events: then only new events are missing. */
const CALM_POLL_MS = 30_000;
/** How long after the last scrolling the stream is switched to the visible events. */
const WATCH_AFTER_MS = 300;

/**
 * The state of a list when the visitor left it, to restore on return.
 *
 * @typedef {object} Left
 * @property {BookingEvent[]} events
 * @property {Set<string>} pastIds
 * @property {boolean} isPastRead
 * @property {string | null} next
 * @property {string | null} nextPast
 * @property {number} scrollY
 * @property {string} openedId The event that was opened.
 */

/** By the title of the list, for the lifetime of the page. @type {Map<string, Left>} */
const left = new Map();
// Another user must not see the last one's list.
onSessionChange(() => left.clear());

/** @param {View} view */
export const listView = (view) =>
  showList(view, {
    read: getEvents,
    find: findEvents,
    title: t("nav.events"),
    lede: t("list.lede"),
  });

/** @param {View} view */
export const ownListView = (view) =>
  showList(view, { read: getOwnEvents, find: findOwnEvents, title: t("list.own_title"), lede: t("list.own_lede") });

/**
 * @param {View} view
 * @param {{ read: typeof getEvents, find: typeof findEvents, title: string, lede: string }} what
 */
function showList({ root, signal, setTitle }, { read, find, title, lede }) {
  setTitle(title);
  const status = el("p", { class: "visually-hidden", role: "status" });
  const body = el("div", {}, el("p", { class: "quiet", "data-testid": "loading" }, t("list.loading_events")));
  const groups = el("div", { class: "groups", "data-testid": "event-list" });
  const more = el(
    "button",
    { type: "button", class: "button button--plain", "data-testid": "load-more" },
    t("list.more"),
  );
  const moreError = el("p", { role: "alert", class: "field__error" });
  const search = createEventSearch({
    find,
    signal,
    onSearch(isSearching) {
      body.hidden = isSearching;
    },
  });
  root.append(
    el(
      "div",
      { class: "page-head" },
      el(
        "div",
        {},
        el("h1", { class: "display", tabindex: -1 }, title),
        el("p", { class: "lede" }, lede),
      ),
    ),
    search.node,
    status,
    body,
  );

  /** @type {BookingEvent[]} */
  let events = [];
  /** Events that the server reported as over. @type {Set<string>} */
  let pastIds = new Set();
  /** @type {string | null} */
  let next = null;
  /** @type {string | null} */
  let nextPast = null;
  let isPastRead = false;
  /** The last request, and the ETag of its answer. */
  let known = { path: "", etag: /** @type {string | null} */ (null) };
  let loaded = false;
  /** @type {Map<string, Card>} */
  const cards = new Map();
  /** @type {Map<string, ReturnType<typeof createGroup>>} */
  const drawn = new Map();
  const inView = createInView(signal, watchSoon);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let watching;
  signal.addEventListener("abort", () => clearTimeout(watching));

  function draw() {
    loaded = true;
    // An older server would ignore the query.
    search.node.hidden = !isListedByDate();
    if (events.length === 0) {
      if (!body.querySelector("[data-testid=empty]")) body.replaceChildren(emptyNotice());
      return;
    }
    if (!groups.isConnected) body.replaceChildren(groups, el("div", { class: "more" }, more), moreError);
    for (const [id, card] of cards) {
      if (events.some((event) => event.id === id)) continue;
      inView.forget(card.node);
      card.node.remove();
      cards.delete(id);
    }
    drawGroups();
    more.hidden = next === null && nextPast === null;
    watch();
  }

  function drawGroups() {
    const wanted = groupsOf(events, serverNow(), timeZone());
    for (const [key, group] of drawn) {
      if (wanted.some((one) => one.key === key)) continue;
      group.node.remove();
      drawn.delete(key);
    }
    wanted.forEach(({ key, events: members }, index) => {
      const group = drawn.get(key) ?? createGroup(key);
      drawn.set(key, group);
      // A single heading over everything is useless.
      group.title.hidden = key === "undated" && wanted.length === 1;
      placeAt(groups, index, group.node);
      members.forEach((event, place) => {
        const card = cards.get(event.id) ?? createCard(event);
        if (!cards.has(event.id)) inView.add(card.node, event.id);
        cards.set(event.id, card);
        card.update(event);
        placeAt(group.list, place, card.node);
      });
    });
  }

  const newest = createNewest();
  const live = createLive({
    signal,
    onSeats(seats) {
      events = events.map((event) => withSeats(event, seats));
      const event = events.find(({ id }) => id === seats.event_id);
      if (event) cards.get(event.id)?.update(event);
    },
    onEnd: () => polling.soon(),
  });

  /** Visible events that can still change. A draft is only sent to its organizer's token, which a stream does not carry. */
  const watched = () =>
    events.filter(
      (event) => event.status !== "draft" && inView.has(event.id) && !isOver(event, serverNow()),
    );
  const watch = () => live.watch(watched());

  /** Not with each card that scrolls past: every change of the selection is another stream. */
  function watchSoon() {
    clearTimeout(watching);
    watching = setTimeout(watch, WATCH_AFTER_MS);
  }

  const areAllWatched = () => live.isOn() && watched().length <= LIVE_EVENTS_MAX;

  /** With the stream only new events need polling. */
  const headLength = () =>
    areAllWatched() ? PAGE_EVENTS : Math.min(Math.max(events.length, PAGE_EVENTS), POLL_EVENTS_MAX);

  const polling = startPolling({
    everyMs: POLL_MS,
    calmMs: () => (areAllWatched() ? CALM_POLL_MS : null),
    signal,
    async ask(abort) {
      const path = eventsPath(headLength(), "upcoming");
      const page = await read(path, abort, path === known.path ? known.etag : null);
      if (page !== null) known = { path, etag: page.etag ?? null };
      const isWhole = page !== null && page.next === null && isListedByDate() && !isPastRead;
      return { page, past: isWhole ? await read(eventsPath(PAGE_EVENTS, "past"), abort) : null };
    },
    onAnswer({ page, past }) {
      if (page !== null) takeHead(page);
      if (past !== null) takePast(past);
      draw();
    },
    onFailure(error) {
      if (!loaded) showLoadError(body, el("h2", {}, t("list.load_error")), error);
      return "again";
    },
  });

  /** @param {Page<BookingEvent>} page */
  function takeHead(page) {
    const ids = new Set(page.items.map(({ id }) => id));
    const last = page.next === null ? undefined : lastOf(page.items);
    const now = serverNow();
    const isKept = (/** @type {BookingEvent} */ event) =>
      pastIds.has(event.id) ||
      (last !== undefined && isBeyond(event, last)) ||
      // It has ended meanwhile, and is no longer listed as upcoming.
      (isListedByDate() && isOver(event, now));
    const tail = events.filter((event) => !ids.has(event.id) && isKept(event));
    const before = new Map(events.map((event) => [event.id, event]));
    events = [...page.items.map((event) => newest(before.get(event.id), event)), ...tail];
    if (tail.every(({ id }) => pastIds.has(id))) next = page.next;
  }

  /** @param {Page<BookingEvent>} page */
  function takePast(page) {
    const fresh = freshOf(page);
    for (const { id } of page.items) pastIds.add(id);
    events = [...events, ...fresh];
    isPastRead = true;
    nextPast = page.next;
    return fresh;
  }

  /** @param {Page<BookingEvent>} page */
  function takeNext(page) {
    const fresh = freshOf(page);
    events = [...events, ...fresh];
    next = page.next;
    // Past events follow upcoming ones.
    if (next === null && isListedByDate() && !isPastRead) nextPast = eventsPath(PAGE_EVENTS, "past");
    return fresh;
  }

  /** @param {Page<BookingEvent>} page */
  const freshOf = ({ items }) => items.filter((event) => !events.some(({ id }) => id === event.id));

  more.addEventListener("click", async () => {
    const path = next ?? nextPast;
    if (path === null || more.hasAttribute("aria-disabled")) return;
    more.setAttribute("aria-disabled", "true");
    setText(moreError, "");
    try {
      const isOfPast = next === null;
      const page = await read(path, signal);
      const fresh = page === null ? [] : isOfPast ? takePast(page) : takeNext(page);
      draw();
      setText(status, t("list.more_shown", { count: fresh.length }));
      cards.get(fresh[0]?.id ?? "")?.focus();
    } catch (error) {
      if (!signal.aborted) setText(moreError, t("list.more_error", { why: explainRead(error) }));
    } finally {
      more.removeAttribute("aria-disabled");
    }
  });

  groups.addEventListener("click", ({ target }) => {
    const openedId = target instanceof Element && target.closest("[data-event-id]")?.getAttribute("data-event-id");
    if (!openedId) return;
    left.set(title, { events, pastIds, isPastRead, next, nextPast, scrollY: window.scrollY, openedId });
  });

  /** As it was left, until news arrives. */
  function restore() {
    const before = left.get(title);
    if (!before) return;
    left.delete(title);
    ({ events, pastIds, isPastRead, next, nextPast } = before);
    draw();
    // Once it is in the page: before that it cannot be scrolled.
    queueMicrotask(() => {
      if (signal.aborted) return;
      cards.get(before.openedId)?.focus({ preventScroll: true });
      window.scrollTo(0, before.scrollY);
    });
  }

  restore();
  return loaded ? undefined : polling.first;
}

/**
 * Whether it comes after the last of a page, and so may be on an earlier one.
 *
 * @param {BookingEvent} event
 * @param {BookingEvent} last
 */
function isBeyond(event, last) {
  if (isListedByDate()) return startOf(event) >= startOf(last);
  // Parsed, since two RFC 3339 texts of different precision do not sort as texts.
  return Date.parse(event.created_at) <= Date.parse(last.created_at);
}

/**
 * Elements in the right place stay untouched, so that focus and hover stay with them.
 *
 * @param {HTMLElement} parent
 * @param {number} index
 * @param {HTMLElement} node
 */
function placeAt(parent, index, node) {
  const here = parent.children[index];
  if (here !== node) parent.insertBefore(node, here ?? null);
}

function emptyNotice() {
  return el(
    "div",
    { class: "blank", "data-testid": "empty" },
    el("h2", {}, t("list.empty_title")),
    ...(mayPutUp()
      ? [
          el("p", {}, t("list.empty")),
          el("a", { class: "button", href: pageAddress("create") }, t("nav.create")),
        ]
      : []),
  );
}
