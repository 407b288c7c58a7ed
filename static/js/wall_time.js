// @ts-check
/**
 * The clock of a time zone at a moment: what lists of events need of time zones, and no more. Pure: it uses only
 * `Intl`.
 */

/**
 * The wall time of a moment, to the minute, as `<input type="datetime-local">` wants it.
 *
 * @param {number} moment
 * @param {string} zone
 */
export const wallOf = (moment, zone) =>
  new Date(moment + offsetAt(moment, zone)).toISOString().slice(0, "2026-03-29T02:30".length);

/**
 * How far the zone is ahead of UTC at a moment, in ms.
 *
 * @param {number} moment
 * @param {string} zone
 */
export function offsetAt(moment, zone) {
  const parts = formatOf(zone).formatToParts(moment);
  /** @param {string} type */
  const part = (type) => Number(parts.find((each) => each.type === type)?.value);
  const wall = Date.UTC(
    part("year"),
    part("month") - 1,
    part("day"),
    part("hour"),
    part("minute"),
    part("second"),
  );
  // The parts have no milliseconds; `floor` and not `%`, for the time before 1970.
  return wall - Math.floor(moment / 1_000) * 1_000;
}

/** Making a format is slow, and there is one for each zone. @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/** Throws if this browser does not know the zone. @param {string} zone */
export function formatOf(zone) {
  const format =
    formats.get(zone) ??
    new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      calendar: "gregory",
      numberingSystem: "latn",
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
  formats.set(zone, format);
  return format;
}
