// @ts-check
/** Results in words and signs, to be read at arm's length. */

import { formatClock } from "../format.js";
import { formatMoment, overWords } from "../event_times.js";
import { sentence } from "../text.js";
import { t } from "../words.js";

/** @import { Result } from "./scanning.js" */
/** @import { Times, Timing } from "./timing.js" */

/** @type {Record<string, string>} */
const REASONS = {
  not_a_ticket: "door.not_a_ticket",
  forged: "door.forged",
  other_event: "door.other_event",
  cancelled: "door.cancelled",
  transferred: "door.transferred",
  unknown: "door.unknown",
  closed: "door.closed",
};

/** @param {string | null} reason @param {string | null} detail */
export function reasonOf(reason, detail) {
  const known = REASONS[reason ?? ""];
  if (known) return t(known);
  return detail ? sentence(detail) : t("door.refused");
}

/**
 * Nobody is refused for the hour, but a scan on the wrong day must not go unnoticed.
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
  const text = t("door.right_day", { result: words.text, hours });
  // A ticket that could not be verified is the greater problem.
  if (words.sign === "?") return { ...words, text };
  return { sign: "!", title: result.timing === "early" ? t("door.too_early") : t("door.too_late"), text };
}

/**
 * What is unusual about the hour.
 *
 * @param {Timing | null} timing
 * @param {Times | null} times
 */
export function hoursOf(timing, times) {
  if (timing === "early") {
    const time = times?.starts_at && formatMoment(times.starts_at, times.timezone);
    return time ? t("door.starts_at", { time }) : t("door.starts_later");
  }
  return timing === "late" ? overWords(times ?? {}) : null;
}

/** @param {Result} result @returns {{ sign: string, title: string, text: string }} */
function plainWordsOf({ result, reason, at, verified, detail }) {
  switch (result) {
    case "checked_in":
      return { sign: "✓", title: t("door.come_in"), text: t("door.checked_in") };
    case "queued":
      return verified
        ? { sign: "✓", title: t("door.come_in"), text: t("door.genuine") }
        : {
            sign: "?",
            title: t("door.not_checked_title"),
            text: t("door.not_checked"),
          };
    case "already_checked_in":
      return {
        sign: "!",
        title: t("door.already_in"),
        text: at ? t("door.used_at", { time: formatClock(new Date(at)) }) : t("door.used"),
      };
    case "refused":
      return { sign: "✕", title: t("door.keep_out"), text: reasonOf(reason, detail) };
  }
}
