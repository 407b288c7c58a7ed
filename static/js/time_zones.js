// @ts-check
/**
 * Wall time in a time zone to moments, for input fields; the reverse is in `wall_time.js`. Pure.
 *
 * When clocks are set forward an hour of wall time does not exist, and when they are set back one comes twice. A
 * guess would move an event by an hour unnoticed, so both cases are reported to the caller.
 */

import { formatOf, offsetAt } from "./wall_time.js";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const WALL = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?$/;

/**
 * @typedef {{ kind: "one", moment: number }
 *   | { kind: "gap", before: number, after: number }
 *   | { kind: "overlap", moments: [number, number] }
 *   | { kind: "invalid" }} Moments In ms since 1970. Of a gap: the wall time as if the clock had not been
 *   set yet, and as if it had been already; the first is the later moment.
 */

/**
 * @param {string} wall As `<input type="datetime-local">` has it: "2026-03-29T02:30".
 * @param {string} zone An IANA name.
 * @returns {Moments}
 */
export function momentsOf(wall, zone) {
  const asUtc = readWall(wall);
  if (asUtc === null) return { kind: "invalid" };
  // No zone is further from UTC than 15 hours, and none sets its clock twice within two days: a day before and a
  // day after show all offsets that the wall time may have.
  const early = asUtc - offsetAt(asUtc - DAY_MS, zone);
  const late = asUtc - offsetAt(asUtc + DAY_MS, zone);
  const found = [...new Set([early, late])].filter((moment) => moment + offsetAt(moment, zone) === asUtc);
  found.sort((a, b) => a - b);
  const [first, second] = found;
  if (first === undefined) return { kind: "gap", before: early, after: late };
  return second === undefined ? { kind: "one", moment: first } : { kind: "overlap", moments: [first, second] };
}

/** The offset as people write it: "UTC+2", "UTC−3:30". @param {number} moment @param {string} zone */
export function offsetName(moment, zone) {
  const minutes = Math.round(offsetAt(moment, zone) / MINUTE_MS);
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  if (minutes === 0) return "UTC";
  return `UTC${minutes < 0 ? "−" : "+"}${hours}${rest === 0 ? "" : `:${String(rest).padStart(2, "0")}`}`;
}

/** All zones that this browser knows, by name. @returns {string[]} */
export function zones() {
  // Older browsers know zones, but cannot list them.
  const known = Intl.supportedValuesOf?.("timeZone") ?? WELL_KNOWN.filter(isKnown);
  // Browsers know it, but not all of them list it.
  return known.includes("UTC") ? known : [...known, "UTC"];
}

/** For browsers without a list: at least one zone for each offset where many people live. Visitors elsewhere have their own zone. */
const WELL_KNOWN = [
  "Africa/Cairo Africa/Casablanca Africa/Johannesburg Africa/Lagos Africa/Nairobi America/Anchorage",
  "America/Bogota America/Chicago America/Denver America/Halifax America/Lima America/Los_Angeles",
  "America/Mexico_City America/New_York America/Phoenix America/Santiago America/Sao_Paulo",
  "America/St_Johns America/Toronto Asia/Bangkok Asia/Dhaka Asia/Dubai Asia/Hong_Kong Asia/Jakarta",
  "Asia/Jerusalem Asia/Karachi Asia/Kathmandu Asia/Kolkata Asia/Manila Asia/Riyadh Asia/Seoul",
  "Asia/Shanghai Asia/Singapore Asia/Tehran Asia/Tokyo Australia/Adelaide Australia/Brisbane",
  "Australia/Perth Australia/Sydney Europe/Amsterdam Europe/Athens Europe/Berlin Europe/Dublin",
  "Europe/Helsinki Europe/Istanbul Europe/Kyiv Europe/Lisbon Europe/London Europe/Madrid Europe/Moscow",
  "Europe/Paris Europe/Rome Europe/Stockholm Europe/Vienna Europe/Warsaw Europe/Zurich Pacific/Auckland",
  "Pacific/Honolulu",
].flatMap((names) => names.split(" "));

/** @param {string} zone */
function isKnown(zone) {
  try {
    return formatOf(zone) !== null;
  } catch {
    return false;
  }
}

/** @param {string} wall @returns {number | null} */
function readWall(wall) {
  const match = WALL.exec(wall);
  if (!match) return null;
  /** @param {number} group */
  const part = (group) => Number(match[group] ?? 0);
  const [year, month, day, hour, minute, second] = [part(1), part(2), part(3), part(4), part(5), part(6)];
  const time = Date.UTC(year, month - 1, day, hour, minute, second);
  // `Date.UTC` turns the 30th of February into the first of March; that must not be accepted.
  const isReal = new Date(time).toISOString().startsWith(wall.slice(0, "2026-03-29T02:30".length));
  return isReal ? time : null;
}
