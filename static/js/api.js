// @ts-check
/** The HTTP contract, route by route: what anybody may ask for, and what organizers may. */

import { nextPath, read, write } from "./http.js";
import { asOrganizer } from "./session.js";

/** @import { BookingEvent, HistoryEntry, Registration, ScanResult, Seated, Ticket } from "./types.js" */

export { ConnectionError, ProblemError, nextPath } from "./http.js";

/**
 * @template T
 * @typedef {object} Page
 * @property {T[]} items
 * @property {string | null} next The address of the page after this one.
 */

/** @param {string} id */
export const eventPath = (id) => `/events/${encodeURIComponent(id)}`;

/** @param {string} id */
const registrationPath = (id) => `/registrations/${encodeURIComponent(id)}`;

/** @param {number} limit */
export const eventsPath = (limit) => `/events?limit=${limit}`;

/** @param {string} eventId @param {number} limit */
export const registrationsPath = (eventId, limit) => `${eventPath(eventId)}/registrations?limit=${limit}`;

/** @param {string} eventId */
export const calendarPath = (eventId) => `${eventPath(eventId)}/calendar.ics`;

/** @param {string} path @param {AbortSignal} signal @returns {Promise<Page<BookingEvent>>} */
export const getEvents = (path, signal) => getPage(path, signal);

/** The organizer's alone, drafts too. @param {string} path @param {AbortSignal} signal @returns {Promise<Page<BookingEvent>>} */
export const getOwnEvents = (path, signal) => asOrganizer((token) => getPage(path, signal, token));

/** @param {string} path @param {AbortSignal} signal @returns {Promise<Page<Registration>>} */
export const getRegistrations = (path, signal) => asOrganizer((token) => getPage(path, signal, token));

/** @typedef {{ event: BookingEvent, etag: string | null } | null} EventAnswer Null if it is what it was. */

/**
 * The event, or null if it is still the one that `etag` names.
 *
 * @param {string} id
 * @param {string | null} etag
 * @param {AbortSignal} [signal]
 * @param {string} [token]
 * @returns {Promise<EventAnswer>}
 */
export async function getEvent(id, etag, signal, token) {
  const answer = await read(eventPath(id), { etag, signal, token });
  if (answer.status === 304) return null;
  return { event: answer.body, etag: answer.headers.get("ETag") };
}

/**
 * The same of an event of the organizer's. Another's is not found.
 *
 * @param {string} id
 * @param {string | null} etag
 * @param {AbortSignal} [signal]
 */
export const getOwnEvent = (id, etag, signal) => asOrganizer((token) => getEvent(id, etag, signal, token));

/** @param {Record<string, unknown>} draft @param {string} key @returns {Promise<BookingEvent>} */
export const createEvent = async (draft, key) =>
  (await asOrganizer((token) => write("POST", "/events", draft, { key, token }))).body;

/**
 * Changes an event, if it still has the version that the changes were made for.
 *
 * @param {string} id
 * @param {Record<string, unknown>} changes
 * @param {number | undefined} version
 * @param {string} key
 * @returns {Promise<BookingEvent>}
 */
export async function editEvent(id, changes, version, key) {
  // Not the ETag of the answer: one that time alone has changed comes without.
  const ifMatch = version === undefined ? null : `"${version}"`;
  return (await asOrganizer((token) => write("PATCH", eventPath(id), changes, { ifMatch, key, token }))).body;
}

/** @param {string} id @param {string} key @returns {Promise<BookingEvent>} */
export const cancelEvent = async (id, key) =>
  (await asOrganizer((token) => write("POST", `${eventPath(id)}/cancel`, {}, { key, token }))).body;

/**
 * Takes a seat, or a place on the waitlist if `on_full` says so.
 *
 * @param {string} eventId
 * @param {{ user_email: string, name?: string, on_full?: "waitlist" }} who
 * @param {string} key
 * @returns {Promise<Seated>}
 */
export const register = async (eventId, who, key) =>
  (await write("POST", `${eventPath(eventId)}/register`, who, { key })).body;

/**
 * @param {string} eventId
 * @param {{ user_email: string, name?: string }} who
 * @param {string} key
 * @returns {Promise<Seated>}
 */
export const hold = async (eventId, who, key) =>
  (await write("POST", `${eventPath(eventId)}/holds`, who, { key })).body;

/**
 * What the organizer corrects of somebody's registration. Another address comes with another token.
 *
 * @param {string} id
 * @param {{ user_email?: string, name?: string | null }} changes
 * @param {string} key
 * @returns {Promise<Seated>}
 */
export const correctRegistration = async (id, changes, key) =>
  (await asOrganizer((token) => write("PATCH", registrationPath(id), changes, { key, token }))).body;

/** A private link in the place of the one that there is. @param {string} id @param {string} key @returns {Promise<Seated>} */
export const renewLink = async (id, key) =>
  (await asOrganizer((token) => write("POST", `${registrationPath(id)}/link`, {}, { key, token }))).body;

/** @param {string} id @param {AbortSignal} signal @returns {Promise<Registration>} */
export const getRegistration = (id, signal) => asOrganizer((token) => registrationApi(id, token).get(signal));

/**
 * What whoever has its token may do with a registration. Servers of the first contract gave none.
 *
 * @param {string} id
 * @param {string} [token]
 */
export function registrationApi(id, token) {
  const path = registrationPath(id);
  return {
    /** @param {AbortSignal} [signal] @returns {Promise<Registration>} */
    get: async (signal) => (await read(path, { token, signal })).body,
    /** @param {AbortSignal} [signal] @returns {Promise<HistoryEntry[]>} */
    history: async (signal) => (await read(`${path}/history`, { token, signal })).body,
    /** @param {AbortSignal} [signal] @returns {Promise<Ticket>} */
    ticket: async (signal) => (await read(`${path}/ticket`, { token, signal })).body,
    /** @param {AbortSignal} [signal] @returns {Promise<string>} */
    ticketSvg: async (signal) => (await read(`${path}/ticket.svg`, { token, signal, as: "text" })).body,
    /** @param {string} key @returns {Promise<Registration>} */
    confirm: async (key) => (await write("POST", `${path}/confirm`, {}, { key, token })).body,
    /** @param {string | null} name @param {string} key @returns {Promise<Registration>} */
    correctName: async (name, key) => (await write("PATCH", path, { name }, { key, token })).body,
    /** @param {string} key @returns {Promise<Registration>} */
    cancel: async (key) => (await write("DELETE", path, undefined, { key, token })).body,
    /** @param {{ user_email: string, name?: string }} to @param {string} key @returns {Promise<Seated>} */
    transfer: async (to, key) => (await write("POST", `${path}/transfer`, to, { key, token })).body,
  };
}

/** @returns {Promise<{ keys: unknown[] }>} */
export const getTicketKeys = async () => (await read("/tickets/keys")).body;

/**
 * @param {string} eventId
 * @param {{ id: string, ticket: string, scanned_at: string }[]} scans At most 50.
 * @param {string} key
 * @returns {Promise<ScanResult[]>}
 */
export const checkInBatch = async (eventId, scans, key) =>
  (
    await asOrganizer((token) =>
      write("POST", `${eventPath(eventId)}/check-ins/batch`, { scans }, { key, token }),
    )
  ).body.results;

/** @param {string} eventId @param {string} registrationId @param {string} key */
export const undoCheckIn = (eventId, registrationId, key) =>
  asOrganizer((token) =>
    write("DELETE", `${eventPath(eventId)}/check-ins/${encodeURIComponent(registrationId)}`, undefined, {
      key,
      token,
    }),
  );

/** @param {string} path @param {AbortSignal} signal @param {string} [token] */
async function getPage(path, signal, token) {
  const answer = await read(path, { signal, token });
  return { items: answer.body, next: nextPath(answer.headers.get("Link"), path) };
}
