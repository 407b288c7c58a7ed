// @ts-check
/** Times of an event: in its own zone, which is named, and in the visitor's, if that differs. */

import { el } from "./dom.js";
import { timeZone } from "./format.js";

/** @import { BookingEvent } from "./types.js" */

/**
 * @param {BookingEvent} event
 * @returns {HTMLElement | null} Null if the event has no time.
 */
export function whenElement({ starts_at, ends_at, timezone }) {
  if (!starts_at) return null;
  const own = formatRange(starts_at, ends_at, timezone ?? timeZone());
  const theirs = formatRange(starts_at, ends_at, timeZone());
  const isSame = own === theirs || [starts_at, ends_at].every((iso) => !iso || sameWall(iso, timezone));
  return el(
    "span",
    { "data-testid": "event-when" },
    el("time", { datetime: starts_at }, own),
    // "GMT+1" alone says little; the name of the zone says where.
    timezone &&
      !isSame &&
      el("span", { class: "when__local" }, `The clock of ${timezone.replaceAll("_", " ")}`),
    isSame
      ? null
      : el("span", { class: "when__local", "data-testid": "event-when-local" }, `${theirs} where you are`),
  );
}

/**
 * The parts of a date, as the visitor's language writes each.
 *
 * @param {string} iso
 * @param {string | null | undefined} zone
 * @returns {{ month: string, day: string, weekday: string } | null} Null of what is no time.
 */
export function formatDay(iso, zone) {
  const moment = new Date(iso);
  if (Number.isNaN(moment.getTime())) return null;
  const parts = formatIn(zone ?? timeZone()).formatToParts(moment);
  /** @param {string} type */
  const part = (type) => parts.find((each) => each.type === type)?.value ?? "";
  return { month: part("month").replace(/\.$/, ""), day: part("day"), weekday: part("weekday").replace(/\.$/, "") };
}

/** @param {string} iso @param {string | null | undefined} zone */
export function formatMoment(iso, zone) {
  return formatRange(iso, null, zone ?? timeZone());
}

/**
 * That an event is over, and since when.
 *
 * @param {Pick<BookingEvent, "starts_at" | "ends_at" | "timezone">} event
 */
export function overWords({ starts_at, ends_at, timezone }) {
  if (ends_at) return `This event is over: it ended at ${formatMoment(ends_at, timezone)}.`;
  if (starts_at) return `This event is over: it began at ${formatMoment(starts_at, timezone)}.`;
  return "This event is over.";
}

/** @param {string} start @param {string | null | undefined} end @param {string} zone */
function formatRange(start, end, zone) {
  const format = formatIn(zone);
  const from = new Date(start);
  const to = new Date(end ?? "");
  if (Number.isNaN(from.getTime())) return start;
  if (Number.isNaN(to.getTime()) || to < from) return format.format(from);
  // `formatRange` writes what both have in common once, in the order of the visitor's language. It takes the
  // offset for common, too, where clocks are set between the two.
  const isSet = offsetIn(format, from) !== offsetIn(format, to);
  return isSet ? `${format.format(from)} – ${format.format(to)}` : format.formatRange(from, to);
}

/** @param {Intl.DateTimeFormat} format @param {Date} moment */
const offsetIn = (format, moment) =>
  format.formatToParts(moment).find(({ type }) => type === "timeZoneName")?.value;

/** @param {string} zone */
function formatIn(zone) {
  /** @type {Intl.DateTimeFormatOptions} */
  const options = {
    weekday: "short",
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    timeZoneName: "short",
  };
  try {
    return new Intl.DateTimeFormat(undefined, { ...options, timeZone: zone });
  } catch {
    // A zone that this browser has not heard of: rather another zone, named, than nothing.
    return new Intl.DateTimeFormat(undefined, options);
  }
}

/** @param {string} iso @param {string | null | undefined} zone */
function sameWall(iso, zone) {
  if (!zone) return true;
  /** @param {string} [timeZone] */
  const wall = (timeZone) =>
    new Intl.DateTimeFormat("en", { dateStyle: "short", timeStyle: "short", timeZone }).format(new Date(iso));
  try {
    return wall(zone) === wall();
  } catch {
    return true;
  }
}
