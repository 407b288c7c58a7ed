// @ts-check
/** Seat states that the server sends as they change: an event stream of the events on the screen. */

import { livePath } from "./api.js";

/** @import { BookingEvent, SeatState } from "./types.js" */

/** The most events in one stream. */
export const LIVE_EVENTS_MAX = 100;
/** The delay before the stream is tried again after the server refused it. */
const AGAIN_MS = 45_000;
/** How long the stream may lag behind other answers: an open connection is no proof that it works. */
const UNSENT_MS_MAX = 5_000;

/**
 * @typedef {object} Live
 * @property {() => boolean} isOn Whether the stream is open, so that polling is unnecessary.
 * @property {(events: BookingEvent[]) => void} watch Replaces the events to listen to.
 */

/**
 * Browsers allow six connections to a server, over all their tabs: so only a visible page has one. Without a
 * stream, or if the server has too many, the caller goes on polling.
 *
 * @param {object} listener
 * @param {(seats: SeatState) => void} listener.onSeats
 * @param {() => void} listener.onEnd Called when an open stream ends.
 * @param {AbortSignal} listener.signal
 * @returns {Live}
 */
export function createLive({ onSeats, onEnd, signal }) {
  /** @type {EventSource | null} */
  let source = null;
  /** The watched events, with the known version. @type {Map<string, number | null>} */
  let watched = new Map();
  /** The versions that the stream has sent, or need not send. @type {Map<string, number | null>} */
  let sent = new Map();
  /** Newer versions from other answers, and since when they are known. @type {Map<string, { version: number, since: number }>} */
  const unsent = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let isOn = false;
  /** Whether the caller relies on the stream, and must be notified when it ends. */
  let isTrusted = false;

  function close() {
    clearTimeout(timer);
    source?.close();
    source = null;
    isOn = false;
  }

  function open() {
    close();
    if (signal.aborted || document.hidden || watched.size === 0 || !("EventSource" in globalThis)) {
      // The caller knows this by itself, and is not notified.
      isTrusted = false;
      return;
    }
    sent = new Map(watched);
    unsent.clear();
    const opened = new EventSource(livePath(watched));
    source = opened;
    opened.addEventListener("open", () => {
      if (source !== opened) return;
      isOn = isTrusted = true;
      // The server sends changes since then at once.
      unsent.clear();
    });
    opened.addEventListener("seats", ({ data }) => {
      if (source === opened) take(data);
    });
    opened.addEventListener("error", () => {
      if (source === opened) end(opened);
    });
  }

  /** @param {string} data */
  function take(data) {
    /** @type {SeatState} */
    const seats = JSON.parse(data);
    watched.set(seats.event_id, seats.version);
    sent.set(seats.event_id, seats.version);
    if ((unsent.get(seats.event_id)?.version ?? 0) <= seats.version) unsent.delete(seats.event_id);
    onSeats(seats);
  }

  /** @param {EventSource} ended */
  function end(ended) {
    isOn = false;
    // After a broken connection the browser reconnects by itself; after a refusal it does not.
    if (ended.readyState === EventSource.CLOSED) openLater();
    notifyEnd();
  }

  function openLater() {
    close();
    // Clients that were refused together should not come back together.
    timer = setTimeout(open, AGAIN_MS * (0.8 + Math.random() * 0.4));
  }

  function notifyEnd() {
    if (!isTrusted) return;
    isTrusted = false;
    onEnd();
  }

  /** Detects a silent stream: the connection is dead, or a proxy on the way buffers it. */
  function checkStreamHealth() {
    const now = Date.now();
    for (const [id, version] of watched) {
      if (version === null || version <= (sent.get(id) ?? 0)) continue;
      if (!unsent.has(id)) unsent.set(id, { version, since: now });
    }
    if (!isOn || [...unsent.values()].every(({ since }) => now - since < UNSENT_MS_MAX)) return;
    openLater();
    notifyEnd();
  }

  document.addEventListener("visibilitychange", () => open(), { signal });
  // Another network: the old connection may be dead without an error.
  window.addEventListener("online", () => open(), { signal });
  signal.addEventListener("abort", close);

  return {
    isOn: () => isOn,
    watch(events) {
      const wanted = new Map(
        events.slice(0, LIVE_EVENTS_MAX).map(({ id, version }) => [id, version ?? null]),
      );
      const isSame = wanted.size === watched.size && [...wanted.keys()].every((id) => watched.has(id));
      watched = wanted;
      if (isSame) checkStreamHealth();
      else open();
    },
  };
}

/**
 * The event with the stream's seat state; unchanged if that is older.
 *
 * @param {BookingEvent} event
 * @param {SeatState} seats
 * @returns {BookingEvent}
 */
export function withSeats(event, seats) {
  if (seats.event_id !== event.id || seats.version < (event.version ?? 0)) return event;
  const { capacity, booked_count, available, waitlist_count, status, version } = seats;
  return { ...event, capacity, booked_count, available, waitlist_count, status, version };
}
