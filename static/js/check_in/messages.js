// @ts-check
/** Results in words and signs, to be read at arm's length. */

import { formatClock } from "../format.js";
import { formatMoment, overWords } from "../event_times.js";
import { sentence } from "../text.js";

/** @import { Result } from "./scanning.js" */
/** @import { Times, Timing } from "./timing.js" */

/** @type {Record<string, string>} */
const REASONS = {
  not_a_ticket: "This code is no ticket.",
  forged: "The signature is wrong. Nobody here made this ticket.",
  other_event: "This ticket is for another event.",
  cancelled: "This registration was cancelled.",
  transferred: "This ticket was passed on to somebody else, and they have a new one.",
  unknown: "Nobody here knows of this registration.",
  closed: "The event was cancelled.",
};

/** @param {string | null} reason @param {string | null} detail */
export const reasonOf = (reason, detail) =>
  REASONS[reason ?? ""] ?? sentence(detail ?? "the server refused it");

/**
 * Nobody is kept out for the hour, but a scan on the wrong day is not waved through unseen.
 *
 * @param {Result} result
 * @param {Times | null} times
 * @returns {{ sign: string, title: string, text: string }}
 */
export function wordsOf(result, times) {
  const words = plainWordsOf(result);
  const isLetIn = result.result === "checked_in" || result.result === "queued";
  const hours = isLetIn ? hoursOf(result.timing, times) : null;
  if (hours === null) return words;
  const text = `${words.text} ${hours} Is this the right day? Undo it if it is not.`;
  // What could not be checked at all is the greater worry.
  if (words.sign === "?") return { ...words, text };
  return { sign: "!", title: result.timing === "early" ? "Too early" : "Too late", text };
}

/**
 * What is out of the ordinary about the hour.
 *
 * @param {Timing | null} timing
 * @param {Times | null} times
 */
export function hoursOf(timing, times) {
  if (timing === "early") {
    const starts = times?.starts_at ? ` at ${formatMoment(times.starts_at, times.timezone)}` : " later";
    return `This event starts only${starts}.`;
  }
  return timing === "late" ? overWords(times ?? {}) : null;
}

/** @param {Result} result @returns {{ sign: string, title: string, text: string }} */
function plainWordsOf({ result, reason, at, verified, detail }) {
  switch (result) {
    case "checked_in":
      return { sign: "✓", title: "Come in", text: "Checked in." };
    case "queued":
      return verified
        ? { sign: "✓", title: "Come in", text: "The ticket is genuine. It is sent once the network is back." }
        : {
            sign: "?",
            title: "Not checked",
            text: "No network, and this device cannot tell a genuine ticket. It is sent later; let in whom you trust.",
          };
    case "already_checked_in":
      return {
        sign: "!",
        title: "Already in",
        text: at ? `This ticket was used at ${formatClock(new Date(at))}.` : "This ticket was used before.",
      };
    case "refused":
      return { sign: "✕", title: "Do not let in", text: reasonOf(reason, detail) };
  }
}
