// @ts-check
/** Groups events by the day on which they begin, for headings. Pure. */

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
/** Events without a time come after all that have one. */
const NEVER = Infinity;

/** When it begins, in ms. @param {Pick<BookingEvent, "starts_at">} event */
export const startOf = ({ starts_at }) => {
  const start = Date.parse(starts_at ?? "");
  return Number.isNaN(start) ? NEVER : start;
};

/**
 * The next first; then those without a time, the newest first; then past ones, the latest first.
 *
 * @param {BookingEvent[]} events
 * @param {number} now In ms, of the server's clock.
 * @param {string} ownZone For events without their own zone.
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

/** Not a subtraction: infinity less infinity is NaN. @param {number} a @param {number} b */
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
  // An event in progress counts as today's.
  if (days <= 0) return "today";
  return days <= SOON_DAYS ? "soon" : day.slice(0, "2026-12".length);
}

/**
 * The date in the event's zone: the one that it is announced for, wherever the visitor is.
 *
 * @param {number} moment
 * @param {string} zone
 * @param {string} ownZone Used if this browser does not know the event's zone.
 */
function dayOf(moment, zone, ownZone) {
  try {
    return wallOf(moment, zone).slice(0, "2026-12-31".length);
  } catch {
    return wallOf(moment, ownZone).slice(0, "2026-12-31".length);
  }
}
