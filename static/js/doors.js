// @ts-check
/** Whether an event takes registrations, and if not, why. */

/** @import { BookingEvent } from "./types.js" */

/** @typedef {"open" | "draft" | "cancelled" | "upcoming" | "closed"} Doors */

/** @param {BookingEvent} event @param {number} now In ms, of the server's clock. @returns {Doors} */
export function doorsOf({ status, opens_at, closes_at }, now) {
  if (status === "draft" || status === "cancelled") return status;
  if (opens_at && now < Date.parse(opens_at)) return "upcoming";
  if (closes_at && now >= Date.parse(closes_at)) return "closed";
  return "open";
}

/** When the doors will change by themselves, if ever. @param {BookingEvent} event @param {number} now */
export function nextChange({ opens_at, closes_at }, now) {
  const times = [opens_at, closes_at].map((time) => Date.parse(time ?? "")).filter((time) => time > now);
  return times.length === 0 ? null : Math.min(...times);
}
