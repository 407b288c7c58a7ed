// @ts-check
/** The visitor's own registrations on this device: only those that they chose to keep, and not for longer than needed. */

import { isSame } from "./changed.js";
import { createStoredJson, isRecord } from "./storage.js";
import { isOver } from "./registration_window.js";

/** @import { BookingEvent } from "./types.js" */

/**
 * @typedef {object} Mine
 * @property {string} id
 * @property {string} token It gives its bearer all of the holder's rights: that is why the visitor is asked first.
 * @property {string} event_id
 * @property {string} name The event's name.
 * @property {string | null} starts_at
 * @property {string | null} [ends_at]
 * @property {string | null} [over_at]
 * @property {string | null} timezone
 */

/** Beyond this the oldest are removed. */
const KEPT_MAX = 50;
/** How long after the end of its event a registration can still be looked up. */
const KEPT_AFTER_MS = 30 * 86_400_000;

/** @param {unknown} value @returns {value is Mine[]} */
const areMine = (value) =>
  Array.isArray(value) &&
  value.every(
    (one) =>
      isRecord(one) && [one.id, one.token, one.event_id, one.name].every((each) => typeof each === "string"),
  );

const stored = createStoredJson(() => localStorage, "registrations", areMine, { isShared: true });
/** @type {Set<() => void>} */
const listeners = new Set();

/** The last kept last. */
export const myRegistrations = () =>
  (stored.get() ?? []).filter((one) => !isOver(one, Date.now() - KEPT_AFTER_MS));

/** @param {string} id */
export const isMine = (id) => myRegistrations().some((one) => one.id === id);

/** @param {Mine[]} list */
function store(list) {
  stored.set(list.length > 0 ? list : null);
  for (const listener of [...listeners]) listener();
}

/**
 * @param {string} id
 * @param {string} token
 * @param {BookingEvent} event
 */
export function keepMine(id, token, { id: event_id, name, starts_at, ends_at, over_at, timezone }) {
  const others = myRegistrations().filter((one) => one.id !== id);
  const times = { starts_at: starts_at ?? null, ends_at, over_at, timezone: timezone ?? null };
  store([...others, { id, token, event_id, name, ...times }].slice(-KEPT_MAX));
}

/** Updates the event of a kept registration. @param {string} id @param {string} token @param {BookingEvent} event */
export function refreshMine(id, token, event) {
  const known = myRegistrations().find((one) => one.id === id);
  if (!known) return;
  const { name, starts_at = null, ends_at, over_at } = event;
  const before = [known.token, known.name, known.starts_at, known.ends_at, known.over_at];
  if (!isSame(before, [token, name, starts_at, ends_at, over_at])) keepMine(id, token, event);
}

/**
 * @param {string} id
 * @param {string} [token] Only if this link is stored, and not a newer one.
 */
export function removeMine(id, token) {
  const list = myRegistrations();
  const others = list.filter((one) => one.id !== id || (token !== undefined && one.token !== token));
  if (others.length < list.length) store(others);
}

export const clearMine = () => store([]);

/** Calls `listener` with every change. @param {() => void} listener @param {AbortSignal} [signal] */
export function onMineChange(listener, signal) {
  listeners.add(listener);
  signal?.addEventListener("abort", () => listeners.delete(listener));
}
