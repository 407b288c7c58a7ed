// @ts-check
/**
 * Whether a scan comes on the day of the event. The server says it of each scan that it decides; these are
 * its rules, for a door that cannot ask.
 */

import { isOver } from "../registration_window.js";
import { createStoredJson, isRecord } from "../storage.js";

/** @import { BookingEvent } from "../types.js" */

/** @typedef {"early" | "on_time" | "late"} Timing */
/** @typedef {Pick<BookingEvent, "starts_at" | "ends_at" | "over_at" | "timezone">} Times */

/** Before that it is likely the wrong day. */
const EARLY_MS = 86_400_000;

/** Releases before this one kept no name. @param {unknown} value @returns {value is { id: string, times: Times, name?: string }} */
const isStored = (value) => isRecord(value) && typeof value.id === "string" && isRecord(value.times);

/** @param {Times | null} times @param {number} at In ms. @returns {Timing | null} Null if nobody knows. */
export function timingOf(times, at) {
  if (times === null) return null;
  if (times.starts_at && at < Date.parse(times.starts_at) - EARLY_MS) return "early";
  return isOver(times, at) ? "late" : "on_time";
}

/** The times of an event and its name, those that were kept until the server says them. @param {string} eventId */
export function createTimes(eventId) {
  // Of the last event at whose door this browser was: one more is no use, and leaves more behind.
  const stored = createStoredJson(() => localStorage, "door-times", isStored);
  const kept = stored.get();
  const last = kept?.id === eventId ? kept : null;
  let times = last?.times ?? null;
  return {
    now: () => times,
    /** What it was called when somebody was here last; null if nobody knows. */
    lastName: typeof last?.name === "string" ? last.name : null,
    /** @param {BookingEvent} event */
    set({ name, starts_at, ends_at, over_at, timezone }) {
      times = { starts_at, ends_at, over_at, timezone };
      stored.set({ id: eventId, times, name });
    },
  };
}
