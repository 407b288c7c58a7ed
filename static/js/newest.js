// @ts-check
/** Which of two states of an event counts. Pure. */

/** @import { BookingEvent } from "./types.js" */

/**
 * Answers and messages overtake one another, and the version tells which is the newer. But where a backup was restored
 * versions begin again lower down: what is older counts once it was answered twice, and nothing newer was told meanwhile.
 *
 * @returns {(known: BookingEvent | null | undefined, answered: BookingEvent) => BookingEvent}
 */
export function createNewest() {
  /** The versions that were known when something older was answered. @type {Map<string, number>} */
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
