// @ts-check
/** Whether an event takes registrations, and if not, why; and whether it is over. Pure. */

/** @import { BookingEvent } from "./types.js" */

/** @typedef {"open" | "draft" | "cancelled" | "over" | "upcoming" | "closed"} WindowState */

/** An event with a start and no end is over after this. */
const LENGTH_MS_DEFAULT = 86_400_000;

/** @param {BookingEvent} event @param {number} now In ms, of the server's clock. @returns {WindowState} */
export function windowState(event, now) {
  const { status, opens_at, closes_at } = event;
  if (status === "draft" || status === "cancelled") return status;
  if (isOver(event, now)) return "over";
  if (opens_at && now < Date.parse(opens_at)) return "upcoming";
  if (closes_at && now >= Date.parse(closes_at)) return "closed";
  return "open";
}

/** When that will change without an edit, if ever. @param {BookingEvent} event @param {number} now */
export function nextChange(event, now) {
  const { opens_at, closes_at } = event;
  const times = [Date.parse(opens_at ?? ""), Date.parse(closes_at ?? ""), overAt(event) ?? NaN];
  const ahead = times.filter((time) => time > now);
  return ahead.length === 0 ? null : Math.min(...ahead);
}

/**
 * When the event is over, in ms since 1970; null if never. Older servers do not send it.
 *
 * @param {Pick<BookingEvent, "over_at" | "starts_at" | "ends_at">} event
 * @returns {number | null}
 */
export function overAt({ over_at, starts_at, ends_at }) {
  if (over_at !== undefined) return over_at === null ? null : Date.parse(over_at);
  if (ends_at) return Date.parse(ends_at);
  return starts_at ? Date.parse(starts_at) + LENGTH_MS_DEFAULT : null;
}

/** @param {Pick<BookingEvent, "over_at" | "starts_at" | "ends_at">} event @param {number} now */
export function isOver(event, now) {
  const over = overAt(event);
  return over !== null && now >= over;
}
