// @ts-check
/** What of all that a camera sees is a scan. */

import { parseTicket } from "../ticket.js";

/** A code that is held before the camera is one scan, not one for each look. */
const SAME_MS = 3_000;

/**
 * @returns {(texts: string[], now: number) => string | null} What is new of these, if anything is. A ticket goes
 *   before the poster behind it; and a poster that stays in sight is told once, whatever is held up between.
 */
export function createSightings() {
  /** When each was seen last. @type {Map<string, number>} */
  const seen = new Map();

  return (texts, now) => {
    for (const [text, at] of seen) if (now - at >= SAME_MS) seen.delete(text);
    const tickets = texts.filter((text) => parseTicket(text) !== null);
    const fresh = (tickets.length > 0 ? tickets : texts).find((text) => !seen.has(text)) ?? null;
    // Of several that are new one is taken, and the next one with the next look.
    for (const text of texts) if (text === fresh || seen.has(text)) seen.set(text, now);
    return fresh;
  };
}
