// @ts-check
/** Which registrations of an event are requested, and in which order they are shown. Pure. */

import { eventPath } from "../api.js";

/** @import { Registration, Status } from "../types.js" */

/**
 * @typedef {object} PeopleQuery
 * @property {string} text A part of a name or an address.
 * @property {"seated" | "all" | Status} status
 * @property {"" | "true" | "false"} checkedIn
 *
 * @typedef {"first" | "last" | "name" | "address"} Order
 */

/** @param {string} eventId @param {PeopleQuery} query @param {number} limit */
export function peoplePath(eventId, { text, status, checkedIn }, limit) {
  const parts = [`limit=${limit}`];
  if (status !== "seated") parts.push(`status=${status}`);
  if (checkedIn !== "") parts.push(`checked_in=${checkedIn}`);
  if (text.trim() !== "") parts.push(`q=${encodeURIComponent(text.trim())}`);
  return `${eventPath(eventId)}/registrations?${parts.join("&")}`;
}

/**
 * The same registrations in another order. They come in the order of registration; those without a name go last.
 *
 * @param {Registration[]} people
 * @param {Order} order
 * @param {string} locale
 */
export function inOrder(people, order, locale) {
  if (order === "first") return people;
  if (order === "last") return [...people].reverse();
  const collator = new Intl.Collator(locale, { sensitivity: "base", numeric: true });
  /** @param {Registration} one */
  const textOf = ({ name, user_email }) => (order === "name" ? (name ?? "") : user_email);
  return [...people].sort((a, b) => {
    const [left, right] = [textOf(a), textOf(b)];
    if ((left === "") !== (right === "")) return left === "" ? 1 : -1;
    return collator.compare(left, right);
  });
}

/**
 * How many there are on all pages: exactly, or at least so many, which servers mark with a plus.
 *
 * @param {string | null} total
 */
export function totalOf(total) {
  const [, digits, more] = /^(\d+)(\+?)$/.exec(total ?? "") ?? [];
  return digits === undefined ? null : { count: Number(digits), isMore: more === "+" };
}
