// @ts-check
/** How full events are, told by the server as it changes: an event stream of what is on the screen. */

import { livePath } from "./api.js";

/** @import { BookingEvent, SeatState } from "./types.js" */

/** The most events that the server tells of in one stream. */
export const LIVE_EVENTS_MAX = 100;
/** How long after the server would not be listened to it is tried again. */
const AGAIN_MS = 45_000;
/** How long what is known from elsewhere may not have been told: that it is listened to is no proof of hearing. */
const TOLD_WITHIN_MS = 5_000;

/**
 * @typedef {object} Live
 * @property {() => boolean} isOn Whether the server is being listened to, so that it need not be asked.
 * @property {(events: BookingEvent[]) => void} watch Listens to what is told of these, and of no others.
 */

/**
 * Browsers allow six connections to a server, over all their tabs: so only a page that is looked at has one.
 * Where there is none, or the server has too many, the caller goes on asking.
 *
 * @param {object} listener
 * @param {(seats: SeatState) => void} listener.onSeats
 * @param {() => void} listener.onEnd When it was listened to, and is no more.
 * @param {AbortSignal} listener.signal
 * @returns {Live}
 */
export function createLive({ onSeats, onEnd, signal }) {
  /** @type {EventSource | null} */
  let source = null;
  /** What is watched, with the version that is known. @type {Map<string, number | null>} */
  let watched = new Map();
  /** The versions that were told, or need not be. @type {Map<string, number | null>} */
  let told = new Map();
  /** What is newer than that, and since when it is known. @type {Map<string, { version: number, since: number }>} */
  const untold = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let isOn = false;
  /** Whether the caller counts on it, and is to hear when it ends. */
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
      // The caller knows as much.
      isTrusted = false;
      return;
    }
    told = new Map(watched);
    untold.clear();
    const opened = new EventSource(livePath(watched));
    source = opened;
    opened.addEventListener("open", () => {
      if (source !== opened) return;
      isOn = isTrusted = true;
      // What came meanwhile is told at once now.
      untold.clear();
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
    told.set(seats.event_id, seats.version);
    if ((untold.get(seats.event_id)?.version ?? 0) <= seats.version) untold.delete(seats.event_id);
    onSeats(seats);
  }

  /** @param {EventSource} ended */
  function end(ended) {
    isOn = false;
    // Where the stream broke off, the browser comes again by itself; where it was refused, it does not.
    if (ended.readyState === EventSource.CLOSED) openLater();
    tell();
  }

  function openLater() {
    close();
    // Those who were refused together should not come back together.
    timer = setTimeout(open, AGAIN_MS * (0.8 + Math.random() * 0.4));
  }

  function tell() {
    if (!isTrusted) return;
    isTrusted = false;
    onEnd();
  }

  /** Notices that nothing comes: the connection is dead without a word, or somebody on the way waits for more. */
  function checkThatItHears() {
    const now = Date.now();
    for (const [id, version] of watched) {
      if (version === null || version <= (told.get(id) ?? 0)) continue;
      if (!untold.has(id)) untold.set(id, { version, since: now });
    }
    if (!isOn || [...untold.values()].every(({ since }) => now - since < TOLD_WITHIN_MS)) return;
    openLater();
    tell();
  }

  document.addEventListener("visibilitychange", () => open(), { signal });
  // Another network: a connection over the one before may be dead without a word.
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
      if (isSame) checkThatItHears();
      else open();
    },
  };
}

/**
 * The event as it is told to be now; the same if that is older than what is known.
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
