// @ts-check
/** A search for events: as a request, and as the list's address. Pure. */

/**
 * @typedef {object} EventQuery
 * @property {string} q A part of a name or a venue.
 * @property {string} from A date such as "2026-12-01"; "" for any.
 * @property {string} to The last day.
 * @property {"upcoming" | "past"} when
 */

/** The longest search text, as in the server. */
export const QUERY_MAX = 200;

const DATE = /^\d{4}-\d\d-\d\d$/;

/** Whether it differs from the upcoming events. @param {EventQuery} query */
export const isNarrowed = ({ q, from, to, when }) => q.trim() !== "" || from !== "" || to !== "" || when === "past";

/** @param {string} search Of an address, as "?q=jazz". @returns {EventQuery} */
export function queryIn(search) {
  const given = new URLSearchParams(search);
  /** @param {string} name */
  const dateOf = (name) => (DATE.test(given.get(name) ?? "") ? (given.get(name) ?? "") : "");
  return {
    q: (given.get("q") ?? "").slice(0, QUERY_MAX),
    from: dateOf("from"),
    to: dateOf("to"),
    when: given.get("when") === "past" ? "past" : "upcoming",
  };
}

/** The search as in an address; "" if empty. @param {EventQuery} query */
export function searchOf({ q, from, to, when }) {
  const parts = Object.entries({ q: q.trim(), from, to, when: when === "past" ? when : "" });
  const given = new URLSearchParams(parts.filter(([, value]) => value !== ""));
  const text = given.toString();
  return text === "" ? "" : `?${text}`;
}

/** @param {EventQuery} query @param {number} limit */
export function queryPath({ q, from, to, when }, limit) {
  const given = new URLSearchParams({ limit: String(limit), when, sort: "starts_at" });
  if (q.trim() !== "") given.set("q", q.trim());
  if (from !== "") given.set("from", dayOf(from, 0).toISOString());
  if (to !== "") given.set("to", dayOf(to, 1).toISOString());
  return `/events?${given}`;
}

/** The beginning of that day by this device's clock, or of a day so many days later. @param {string} date @param {number} after */
function dayOf(date, after) {
  const [year = 0, month = 1, day = 1] = date.split("-").map(Number);
  return new Date(year, month - 1, day + after);
}
