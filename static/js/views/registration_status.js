// @ts-check
/** How a registration stands, in words. */

import { formatMoment } from "../event_times.js";

/** @import { BookingEvent, Registration } from "../types.js" */

/** @param {Registration} registration @param {boolean} isPast Whether the event is over. */
export function headingOf({ status = "confirmed", checked_in_at }, isPast) {
  if (checked_in_at) return "You’re checked in";
  if (isPast && isLive(status)) return "The event is over";
  switch (status) {
    case "held":
      return "Your seat is held";
    case "offered":
      return "A seat is offered to you";
    case "waitlisted":
      return "You’re on the waitlist";
    case "cancelled":
      return "Your registration was cancelled";
    case "expired":
      return "The time to confirm is over";
    default:
      return "You’re in";
  }
}

/** @param {string} status */
const isLive = (status) => ["confirmed", "held", "offered", "waitlisted"].includes(status);

/** @param {string} status */
function pastStatusText(status) {
  if (status === "confirmed") return "This seat was yours. Your ticket is still here.";
  if (status === "waitlisted") return "No seat came free in time, and nobody is offered one any more.";
  return "The seat was not confirmed in time. Nothing is booked.";
}

/** @param {Registration} registration @param {BookingEvent} event @param {boolean} isPast */
export function statusText({ status = "confirmed", checked_in_at, position }, event, isPast) {
  if (checked_in_at && isPast) return `Since ${formatMoment(checked_in_at, event.timezone)}. The event is over.`;
  if (checked_in_at) return `Since ${formatMoment(checked_in_at, event.timezone)}. Enjoy it.`;
  if (isPast && isLive(status)) return pastStatusText(status);
  switch (status) {
    case "held":
      return "Confirm it before the time is up, or it goes back to the others.";
    case "offered":
      return "It came free, and you were the first in line. Confirm before the time is up, or the next one gets it.";
    case "waitlisted":
      return position === 1
        ? "You are the next in line. This page keeps watching: look here for your offer."
        : "Seats that come free go to the first in line. This page keeps watching: look here for your offer.";
    case "cancelled":
      return event.status === "cancelled"
        ? "The event was called off."
        : "Nothing is booked under this link any more.";
    case "expired":
      if (isPast) return "It was not confirmed in time, and the event is over. Nothing is booked.";
      return "It was not confirmed in time, so the seat went to somebody else. Nothing is booked.";
    default:
      return "This seat is yours. Show the ticket at the door.";
  }
}
