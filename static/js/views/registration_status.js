// @ts-check
/** A registration's status, in words. */

import { formatMoment } from "../event_times.js";
import { t } from "../words.js";

/** @import { BookingEvent, Registration } from "../types.js" */

/** @param {Registration} registration @param {boolean} isPast Whether the event is over. */
export function headingOf({ status = "confirmed", checked_in_at }, isPast) {
  if (checked_in_at) return t("status.checked_in");
  if (isPast && isLive(status)) return t("status.event_over");
  switch (status) {
    case "held":
      return t("status.held");
    case "offered":
      return t("status.offered");
    case "waitlisted":
      return t("status.waitlisted");
    case "cancelled":
      return t("status.cancelled");
    case "expired":
      return t("status.expired");
    default:
      return t("status.confirmed");
  }
}

/** @param {string} status */
const isLive = (status) => ["confirmed", "held", "offered", "waitlisted"].includes(status);

/** @param {string} status */
function pastStatusText(status) {
  if (status === "confirmed") return t("status.past_confirmed");
  if (status === "waitlisted") return t("status.past_waitlisted");
  return t("status.past_unconfirmed");
}

/** @param {Registration} registration @param {BookingEvent} event @param {boolean} isPast */
export function statusText({ status = "confirmed", checked_in_at, position }, event, isPast) {
  const time = checked_in_at && formatMoment(checked_in_at, event.timezone);
  if (time) return isPast ? t("status.since_past", { time }) : t("status.since", { time });
  if (isPast && isLive(status)) return pastStatusText(status);
  switch (status) {
    case "held":
      return t("status.held_text");
    case "offered":
      return t("status.offered_text");
    case "waitlisted":
      return position === 1
        ? t("status.next_text")
        : t("status.waitlisted_text");
    case "cancelled":
      return event.status === "cancelled"
        ? t("status.called_off_text")
        : t("status.cancelled_text");
    case "expired":
      if (isPast) return t("status.expired_past_text");
      return t("status.expired_text");
    default:
      return t("status.confirmed_text");
  }
}
