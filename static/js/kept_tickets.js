// @ts-check
/** Tickets that this device has shown: without a network they are shown from here. */

import { createStoredJson, isRecord } from "./storage.js";
import { isOver } from "./registration_window.js";

/** @import { BookingEvent, Registration } from "./types.js" */

/**
 * @typedef {object} KeptTicket
 * @property {Registration} registration Of its holder.
 * @property {BookingEvent} event
 * @property {string} text
 * @property {string} svg
 * @property {string} kept_at
 */

/** Beyond this the oldest are removed. */
const KEPT_MAX = 20;
/** How long after the end of its event a ticket is useful. */
const KEPT_AFTER_MS = 7 * 86_400_000;

/** @param {unknown} value @returns {value is KeptTicket[]} */
const areTickets = (value) =>
  Array.isArray(value) &&
  value.every(
    (one) =>
      isRecord(one) &&
      isRecord(one.registration) &&
      isRecord(one.event) &&
      [one.text, one.svg, one.kept_at, one.registration.id].every((each) => typeof each === "string"),
  );

const stored = createStoredJson(() => localStorage, "tickets", areTickets, { isShared: true });

const storedTickets = () => (stored.get() ?? []).filter(({ event }) => !isOver(event, Date.now() - KEPT_AFTER_MS));

/** @param {KeptTicket[]} list */
const store = (list) => stored.set(list.length > 0 ? list : null);

/** @param {string} id Of the registration. @returns {KeptTicket | null} */
export const keptTicket = (id) => storedTickets().find(({ registration }) => registration.id === id) ?? null;

export const countKeptTickets = () => storedTickets().length;

/** Replaces the stored ticket of the same registration. @param {Omit<KeptTicket, "kept_at">} ticket */
export function keepTicket(ticket) {
  const others = storedTickets().filter(({ registration }) => registration.id !== ticket.registration.id);
  store([...others, { ...ticket, kept_at: new Date().toISOString() }].slice(-KEPT_MAX));
}

/** Deletes a ticket that is void or unwanted. @param {string} id */
export const removeKeptTicket = (id) => store(storedTickets().filter(({ registration }) => registration.id !== id));

export const clearKeptTickets = () => store([]);
