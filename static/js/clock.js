// @ts-check
/**
 * The server's clock. Deadlines are the server's, and a visitor's clock may be minutes off; the `Date` header of
 * its answers shows by how much.
 */

/** The header has whole seconds, and servers may write it down up to half a second before they send it. */
const HEADER_LATE_MS = 1_500;

/** @typedef {{ min: number, max: number }} Range Of the server's time less ours. */

/**
 * Each answer bounds the difference: the server wrote `Date` between the sending and the receiving. The
 * intersection of all bounds is narrower than any of them. If it is empty, a clock was set: only the newest counts.
 *
 * @param {Range | null} known
 * @param {Range} seen
 * @returns {Range}
 */
export function narrow(known, seen) {
  if (known === null) return seen;
  const both = { min: Math.max(known.min, seen.min), max: Math.min(known.max, seen.max) };
  return both.min > both.max ? seen : both;
}

/** @type {Range | null} */
let range = null;

/** @param {string | null} header @param {number} sentAt @param {number} receivedAt */
export function noteServerTime(header, sentAt, receivedAt) {
  const time = Date.parse(header ?? "");
  if (Number.isNaN(time)) return;
  range = narrow(range, { min: time - receivedAt, max: time + HEADER_LATE_MS - sentAt });
}

/**
 * The server wrote this time before we read it: a bound to the millisecond, where the header has seconds.
 *
 * @param {string} iso
 */
export function noteServerMoment(iso) {
  const min = Date.parse(iso) - Date.now();
  if (range !== null && range.min < min && min <= range.max) range = { ...range, min };
}

/** Milliseconds since 1970 by the server's clock. By our own until the server has answered. */
export const serverNow = () => Date.now() + (range === null ? 0 : (range.min + range.max) / 2);

/**
 * Whether the server may not have reached this time yet, although `serverNow` has. It stays so for as long as the
 * header may be late, and no longer. Times of the server may have microseconds, which are lost here.
 *
 * @param {string} iso
 */
export const mayBeAhead = (iso) => range !== null && Date.now() + range.min <= Date.parse(iso);
