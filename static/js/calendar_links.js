// @ts-check
/** Links that add an event to the most common calendars. Pure. */

/** @import { BookingEvent } from "./types.js" */

const GOOGLE = "https://calendar.google.com/calendar/render";
const OUTLOOK = "https://outlook.live.com/calendar/0/deeplink/compose";

/**
 * @param {BookingEvent} event One with a start.
 * @param {string} address The address of its page, which has the details.
 */
export function googleUrl({ name, venue, starts_at, ends_at }, address) {
  const start = compact(starts_at);
  return urlOf(GOOGLE, {
    action: "TEMPLATE",
    text: name,
    // It accepts no start without an end.
    dates: `${start}/${ends_at ? compact(ends_at) : start}`,
    details: address,
    location: venue,
  });
}

/** @param {BookingEvent} event @param {string} address */
export const outlookUrl = ({ name, venue, starts_at, ends_at }, address) =>
  urlOf(OUTLOOK, {
    path: "/calendar/action/compose",
    rru: "addevent",
    subject: name,
    startdt: whole(starts_at),
    enddt: ends_at ? whole(ends_at) : null,
    body: address,
    location: venue,
  });

/** @param {string} base @param {Record<string, string | null | undefined>} parameters */
function urlOf(base, parameters) {
  const given = Object.entries(parameters).flatMap(([name, value]) => (value ? [[name, value]] : []));
  return `${base}?${new URLSearchParams(given)}`;
}

/** To the second, in UTC. @param {string | null | undefined} iso */
const whole = (iso) => `${new Date(iso ?? "").toISOString().slice(0, "2026-12-31T20:00:00".length)}Z`;

/** @param {string | null | undefined} iso */
const compact = (iso) => whole(iso).replaceAll(/[-:]/g, "");
