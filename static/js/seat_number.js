// @ts-check
/** Which seat a registration took. */

/** @import { BookingEvent, Registration } from "./types.js" */

/**
 * The server does not send it, but often it follows: a registration adds one to both the version and the count, so
 * from an event seen at version v with n seats taken, version v + k is seat n + k, if each change in between was a
 * booking. An event seen right before or right after is enough for that, and so are events on both sides of the
 * registration if both numbers grew alike.
 *
 * @param {Registration} registration
 * @param {BookingEvent | null} before
 * @param {BookingEvent | null} after
 * @returns {number | null} Null if it cannot be known.
 */
export function placeOf(registration, before, after) {
  const made = registration.event_version;
  if (made === undefined) return null;
  if (after?.version === made) return after.booked_count;
  if (before?.version === undefined || before.version >= made) return null;
  const steps = made - before.version;
  if (steps === 1) return before.booked_count + 1;
  if (after?.version === undefined || after.version < made) return null;
  const onlyBookings = after.version - before.version === after.booked_count - before.booked_count;
  return onlyBookings ? before.booked_count + steps : null;
}
