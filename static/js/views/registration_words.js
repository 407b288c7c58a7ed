// @ts-check
/** How a registration stands, in words. */

import { formatMoment } from "../when.js";

/** @import { BookingEvent, Registration } from "../types.js" */

/** @param {Registration} registration */
export function headingOf({ status, checked_in_at }) {
  if (checked_in_at) return "You’re checked in";
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

/** @param {Registration} registration @param {BookingEvent} event */
export function standingOf({ status, checked_in_at, position }, event) {
  if (checked_in_at) return `Since ${formatMoment(checked_in_at, event.timezone)}. Enjoy it.`;
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
      return "It was not confirmed in time, so the seat went to somebody else. Nothing is booked.";
    default:
      return "This seat is yours. Show the ticket at the door.";
  }
}
