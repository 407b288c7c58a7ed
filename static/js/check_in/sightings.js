// @ts-check
/** Decides which of the codes that a camera sees count as scans. */

import { parseTicket } from "../ticket.js";

/** A code that is held before the camera is one scan, not one for each frame. */
const SAME_MS = 3_000;

/**
 * @returns {(texts: string[], now: number) => string | null} The new one of these, if any. A ticket goes
 *   before the poster behind it; and a poster that stays in sight is reported once, whatever is held up in between.
 */
export function createSightings() {
  /** When each was last seen. @type {Map<string, number>} */
  const seen = new Map();

  return (texts, now) => {
    for (const [text, at] of seen) if (now - at >= SAME_MS) seen.delete(text);
    const tickets = texts.filter((text) => parseTicket(text) !== null);
    const fresh = (tickets.length > 0 ? tickets : texts).find((text) => !seen.has(text)) ?? null;
    // Of several new ones one is taken now, and the next one with the next frame.
    for (const text of texts) if (text === fresh || seen.has(text)) seen.set(text, now);
    return fresh;
  };
}
