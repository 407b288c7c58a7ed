// @ts-check
/**
 * Whether a scan comes on the day of the event. The server decides it for each scan that it gets; these are its
 * rules, for a door without network.
 */

import { isOver } from "../registration_window.js";
import { createStoredJson, isRecord } from "../storage.js";

/** @import { BookingEvent } from "../types.js" */

/** @typedef {"early" | "on_time" | "late"} Timing */
/** @typedef {Pick<BookingEvent, "starts_at" | "ends_at" | "over_at" | "timezone">} Times */

/** Before that it is likely the wrong day. */
const EARLY_MS = 86_400_000;

/** Older releases stored no name. @param {unknown} value @returns {value is { id: string, times: Times, name?: string }} */
const isStored = (value) => isRecord(value) && typeof value.id === "string" && isRecord(value.times);

/** @param {Times | null} times @param {number} at In ms. @returns {Timing | null} Null if unknown. */
export function timingOf(times, at) {
  if (times === null) return null;
  if (times.starts_at && at < Date.parse(times.starts_at) - EARLY_MS) return "early";
  return isOver(times, at) ? "late" : "on_time";
}

/** An event's times and name, from storage until the server sends them. @param {string} eventId */
export function createTimes(eventId) {
  // Only of the last event at whose door this browser was: more would be useless, and leave more data behind.
  const stored = createStoredJson(() => localStorage, "door-times", isStored);
  const kept = stored.get();
  const last = kept?.id === eventId ? kept : null;
  let times = last?.times ?? null;
  return {
    now: () => times,
    /** The event's stored name; null if unknown. */
    lastName: typeof last?.name === "string" ? last.name : null,
    /** @param {BookingEvent} event */
    set({ name, starts_at, ends_at, over_at, timezone }) {
      times = { starts_at, ends_at, over_at, timezone };
      stored.set({ id: eventId, times, name });
    },
  };
}
