// @ts-check
/** Which of two states of an event is newer. Pure. */

/** @import { BookingEvent } from "./types.js" */

/**
 * Answers and messages overtake one another, and the version shows which is newer. But after a restored backup
 * versions start again lower: an older state counts once it was received twice, without a newer one in between.
 *
 * @returns {(known: BookingEvent | null | undefined, answered: BookingEvent) => BookingEvent}
 */
export function createNewest() {
  /** The versions that were known when an older state was received. @type {Map<string, number>} */
  const doubted = new Map();
  return (known, answered) => {
    const version = known?.version ?? 0;
    if (known && (answered.version ?? 0) < version && doubted.get(answered.id) !== version) {
      doubted.set(answered.id, version);
      return known;
    }
    doubted.delete(answered.id);
    return answered;
  };
}
