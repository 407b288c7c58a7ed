// @ts-check
/** Times of an event: in its own zone, which is named, and in the visitor's, if that differs. */

import { el } from "./dom.js";
import { timeZone } from "./format.js";
import { locale } from "./language.js";
import { t } from "./words.js";

/** @import { BookingEvent } from "./types.js" */

/**
 * @param {BookingEvent} event
 * @returns {HTMLElement | null} Null if the event has no time.
 */
export function whenElement({ starts_at, ends_at, timezone }) {
  if (!starts_at) return null;
  const own = formatRange(starts_at, ends_at, timezone ?? timeZone());
  const theirs = formatRange(starts_at, ends_at, timeZone());
  // Both ends: of two zones only one may set its clock in between.
  const isSame = own === theirs || (sameWall(starts_at, timezone) && sameWall(ends_at ?? starts_at, timezone));
  return el(
    "span",
    { "data-testid": "event-when" },
    el("time", { datetime: starts_at }, own),
    // "GMT+1" alone says little; the zone's name says where.
    timezone &&
      !isSame &&
      el("span", { class: "when__local" }, t("times.clock_of", { zone: timezone.replaceAll("_", " ") })),
    isSame
      ? null
      : el(
          "span",
          { class: "when__local", "data-testid": "event-when-local" },
          t("times.where_you_are", { time: theirs }),
        ),
  );
}

/**
 * The parts of a date, as the visitor's language writes each.
 *
 * @param {string} iso
 * @param {string | null | undefined} zone
 * @returns {{ month: string, day: string, weekday: string } | null} Null if the time is invalid.
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
  if (ends_at) return t("times.ended", { time: formatMoment(ends_at, timezone) });
  if (starts_at) return t("times.began", { time: formatMoment(starts_at, timezone) });
  return t("times.over");
}

/** @param {string} start @param {string | null | undefined} end @param {string} zone */
function formatRange(start, end, zone) {
  const format = formatIn(zone);
  const from = new Date(start);
  const to = new Date(end ?? "");
  if (Number.isNaN(from.getTime())) return start;
  if (Number.isNaN(to.getTime()) || to < from) return format.format(from);
  // It would name only one offset, though the clocks change in between.
  if (offsetIn(format, from) !== offsetIn(format, to)) return `${format.format(from)} – ${format.format(to)}`;
  // `formatRange` writes common parts once, in the order of the visitor's language.
  return format.formatRange(from, to);
}

/** The zone's name for its offset at a time. @param {Intl.DateTimeFormat} format @param {Date} time */
const offsetIn = (format, time) => format.formatToParts(time).find(({ type }) => type === "timeZoneName")?.value;

/** @param {string} zone */
function formatIn(zone) {
  /** @type {Intl.DateTimeFormatOptions} */
  const options = {
    weekday: "short",
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "numeric",
    minute: "2-digit",
    timeZoneName: "short",
  };
  try {
    return new Intl.DateTimeFormat(locale(), { ...options, timeZone: zone });
  } catch {
    // An unknown zone: another zone, named, is better than nothing.
    return new Intl.DateTimeFormat(locale(), options);
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
