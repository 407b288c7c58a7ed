// @ts-check
/** Events by the day on which they begin, in groups that a heading can be put over. Pure. */

import { isOver } from "./registration_window.js";
import { wallOf } from "./wall_time.js";

/** @import { BookingEvent } from "./types.js" */

/**
 * @typedef {object} Group
 * @property {string} key "today", "soon", a month as "2026-12", "undated" or "past".
 * @property {BookingEvent[]} events
 */

/** How many days after today are still near. */
const SOON_DAYS = 6;
const DAY_MS = 86_400_000;
/** What has no time comes after all that has one. */
const NEVER = Infinity;

/** When it begins, in ms. @param {Pick<BookingEvent, "starts_at">} event */
export const startOf = ({ starts_at }) => {
  const start = Date.parse(starts_at ?? "");
  return Number.isNaN(start) ? NEVER : start;
};

/**
 * The next first, what has no time after it, the newest made first, and what is over at the end, the last first.
 *
 * @param {BookingEvent[]} events
 * @param {number} now In ms, of the server's clock.
 * @param {string} ownZone For events without a zone of their own.
 * @returns {Group[]}
 */
export function groupsOf(events, now, ownZone) {
  const past = events.filter((event) => isOver(event, now));
  const upcoming = events.filter((event) => !isOver(event, now));
  upcoming.sort((a, b) => compare(startOf(a), startOf(b)) || compare(madeAt(b), madeAt(a)));
  past.sort((a, b) => compare(startOf(b), startOf(a)) || compare(madeAt(b), madeAt(a)));
  /** @type {Map<string, BookingEvent[]>} */
  const groups = new Map();
  for (const event of upcoming) add(groups, keyOf(event, now, ownZone), event);
  for (const event of past) add(groups, "past", event);
  return Array.from(groups, ([key, members]) => ({ key, events: members }));
}

/** @param {BookingEvent} event */
const madeAt = ({ created_at }) => Date.parse(created_at);

/** Not a subtraction: what is without an end less itself is no number. @param {number} a @param {number} b */
const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

/** @param {Map<string, BookingEvent[]>} groups @param {string} key @param {BookingEvent} event */
function add(groups, key, event) {
  const members = groups.get(key);
  if (members) members.push(event);
  else groups.set(key, [event]);
}

/** @param {BookingEvent} event @param {number} now @param {string} ownZone */
function keyOf(event, now, ownZone) {
  const start = startOf(event);
  if (start === NEVER) return "undated";
  const zone = event.timezone ?? ownZone;
  const day = dayOf(start, zone, ownZone);
  const days = (Date.parse(day) - Date.parse(dayOf(now, zone, ownZone))) / DAY_MS;
  // What has begun and is not over goes on today.
  if (days <= 0) return "today";
  return days <= SOON_DAYS ? "soon" : day.slice(0, "2026-12".length);
}

/**
 * The date on the clock of the event: the one that it is announced for, wherever the visitor is.
 *
 * @param {number} moment
 * @param {string} zone
 * @param {string} ownZone In the place of one that this browser has not heard of.
 */
function dayOf(moment, zone, ownZone) {
  try {
    return wallOf(moment, zone).slice(0, "2026-12-31".length);
  } catch {
    return wallOf(moment, ownZone).slice(0, "2026-12-31".length);
  }
}
