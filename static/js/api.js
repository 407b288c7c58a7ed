// @ts-check
/** The HTTP contract, route by route: public requests, and those of organizers. */

import { BASE } from "./base.js";
import { ProblemError, nextPath, read, write } from "./http.js";
import { asOrganizer } from "./session.js";

/** @import { Answer, ReadOptions } from "./http.js" */
/** @import { BookingEvent, CheckedIn, Claimed, Counts, HistoryEntry, Page, Person, PersonChanges, Question } from "./types.js" */
/** @import { Registration, ScanRequest, ScanResult, Seated, Ticket, TicketKeys } from "./types.js" */

export { ConnectionError, ProblemError } from "./http.js";

/** @param {string} id */
export const eventPath = (id) => `/events/${encodeURIComponent(id)}`;

/** @param {string} id */
const registrationPath = (id) => `/registrations/${encodeURIComponent(id)}`;

/** Whether the server lists by date. An older server lists by creation time, and refuses to list otherwise. */
let listsByDate = true;

export const isListedByDate = () => listsByDate;

/**
 * A list of events: upcoming ones with the next first, past ones with the latest first.
 *
 * @param {number} limit
 * @param {"upcoming" | "past"} when
 */
export const eventsPath = (limit, when) =>
  listsByDate ? `/events?limit=${limit}&when=${when}&sort=starts_at` : `/events?limit=${limit}`;

/** @param {string} eventId @param {number} limit */
export const registrationsPath = (eventId, limit) => `${eventPath(eventId)}/registrations?limit=${limit}`;

/** Registrations of an event whose name or address contains the text. @param {string} eventId @param {string} text @param {number} limit */
export const guestsPath = (eventId, text, limit) =>
  `${registrationsPath(eventId, limit)}&q=${encodeURIComponent(text)}`;

/** @param {string} eventId */
export const calendarPath = (eventId) => `${BASE}${eventPath(eventId)}/calendar.ics`;

/**
 * The path of the event stream with seat states.
 *
 * @param {Map<string, number | null>} watched The known version of each.
 */
export function livePath(watched) {
  const [ids, versions] = [[...watched.keys()], [...watched.values()].map((version) => version ?? "")];
  if (ids.length !== 1) return `${BASE}/live?events=${ids.map(encodeURIComponent).join()}&since=${versions.join()}`;
  const since = versions[0] === "" ? "" : `?since=${versions[0]}`;
  return `${BASE}${eventPath(ids[0] ?? "")}/live${since}`;
}

/** @typedef {Page<BookingEvent> | null} EventsAnswer Null if nothing has changed. */

/**
 * @param {string} path
 * @param {AbortSignal} signal
 * @param {string | null} [etag]
 * @returns {Promise<EventsAnswer>}
 */
export const getEvents = (path, signal, etag) => getList(path, { signal, etag });

/**
 * Only the organizer's, drafts too.
 *
 * @param {string} path
 * @param {AbortSignal} signal
 * @param {string | null} [etag]
 * @returns {Promise<EventsAnswer>}
 */
export const getOwnEvents = (path, signal, etag) =>
  asOrganizer((token) => getList(path, { signal, etag, token }));

/**
 * Events by a search: a query that the server does not understand is an error, and not another list.
 *
 * @param {string} path
 * @param {AbortSignal} signal
 * @returns {Promise<Page<BookingEvent>>}
 */
export const findEvents = async (path, signal) => pageOf(await read(path, { signal }), path);

/** The same among the organizer's. @param {string} path @param {AbortSignal} signal @returns {Promise<Page<BookingEvent>>} */
export const findOwnEvents = (path, signal) =>
  asOrganizer(async (token) => pageOf(await read(path, { signal, token }), path));

/** @param {string} path @param {AbortSignal} signal @returns {Promise<Page<Registration>>} */
export const getRegistrations = (path, signal) =>
  asOrganizer(async (token) => pageOf(await read(path, { signal, token }), path));

/** @typedef {{ event: BookingEvent, etag: string | null } | null} EventAnswer Null if nothing has changed. */

/**
 * The event, or null if it is still the one of `etag`.
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
  return { event: /** @type {BookingEvent} */ (answer.body), etag: answer.headers.get("ETag") };
}

/**
 * The same for an event of the organizer. Another organizer's is not found.
 *
 * @param {string} id
 * @param {string | null} etag
 * @param {AbortSignal} [signal]
 */
export const getOwnEvent = (id, etag, signal) => asOrganizer((token) => getEvent(id, etag, signal, token));

/**
 * An event's description as the server renders it, from the event's page.
 *
 * @param {string} id
 * @param {boolean} isOwn Whether it belongs to the organizer who is signed in: only they see a draft.
 * @param {AbortSignal} signal
 * @returns {Promise<Node[]>}
 */
export async function getDescription(id, isOwn, signal) {
  const path = `/e/${encodeURIComponent(id)}`;
  /** @param {string} [token] */
  const ask = (token) => read(path, { signal, token, as: "text" });
  const { body } = await (isOwn ? asOrganizer(ask) : ask());
  const page = new DOMParser().parseFromString(String(body), "text/html");
  return [...(page.querySelector("[data-description]")?.childNodes ?? [])];
}

/**
 * An event's questions; for its organizer also retired ones.
 *
 * @param {string} id
 * @param {AbortSignal} signal
 * @returns {Promise<Question[]>}
 */
export const getQuestions = (id, signal) => bodyOf(read(`${eventPath(id)}/questions`, { signal }));

/** @param {Record<string, unknown>} draft @param {string} key @returns {Promise<BookingEvent>} */
export const createEvent = (draft, key) =>
  asOrganizer((token) => bodyOf(write("POST", "/events", draft, { key, token })));

/**
 * Changes an event, if it still has the version that the changes are based on.
 *
 * @param {string} id
 * @param {Record<string, unknown>} changes
 * @param {number | undefined} version
 * @param {string} key
 * @returns {Promise<BookingEvent>}
 */
export function editEvent(id, changes, version, key) {
  // Not the answer's ETag: an event that time alone has changed has none.
  const ifMatch = version === undefined ? null : `"${version}"`;
  return asOrganizer((token) => bodyOf(write("PATCH", eventPath(id), changes, { ifMatch, key, token })));
}

/** @param {string} id @param {string} key @returns {Promise<BookingEvent>} */
export const cancelEvent = (id, key) =>
  asOrganizer((token) => bodyOf(write("POST", `${eventPath(id)}/cancel`, {}, { key, token })));

/**
 * Takes a seat, or a place on the waitlist if `on_full` says so.
 *
 * @param {string} eventId
 * @param {Person & { on_full?: "waitlist" }} person
 * @param {string} key
 * @returns {Promise<Claimed>}
 */
export const register = (eventId, person, key) =>
  bodyOf(write("POST", `${eventPath(eventId)}/register`, person, { key }));

/**
 * The same for the event's manager: outside its hours, too.
 *
 * @param {string} eventId
 * @param {Person} person
 * @param {string} key
 * @returns {Promise<Seated>}
 */
export const registerGuest = (eventId, person, key) =>
  asOrganizer((token) =>
    bodyOf(write("POST", `${eventPath(eventId)}/register`, { ...person, as_organizer: true }, { key, token })),
  );

/**
 * @param {string} eventId
 * @param {Person} person
 * @param {string} key
 * @returns {Promise<Claimed>}
 */
export const hold = (eventId, person, key) =>
  bodyOf(write("POST", `${eventPath(eventId)}/holds`, person, { key }));

/**
 * The organizer's correction of a registration. Another address gets another token.
 *
 * @param {string} id
 * @param {PersonChanges} changes
 * @param {string} key
 * @returns {Promise<Seated>}
 */
export const correctRegistration = (id, changes, key) =>
  asOrganizer((token) => bodyOf(write("PATCH", registrationPath(id), changes, { key, token })));

/**
 * A new private link, which replaces the old one.
 *
 * @param {string} id
 * @param {string} key
 * @returns {Promise<Seated>}
 */
export const renewLink = (id, key) =>
  asOrganizer((token) => bodyOf(write("POST", `${registrationPath(id)}/link`, {}, { key, token })));

/**
 * Has the links of an address mailed to it. The answer is the same whether or not there are any.
 *
 * @param {string} user_email
 */
export const findRegistrations = (user_email) => write("POST", "/registrations/find", { user_email });

/** @param {string} id @param {AbortSignal} signal @returns {Promise<Registration>} */
export const getRegistration = (id, signal) => asOrganizer((token) => registrationApi(id, token).get(signal));

/** @typedef {ReturnType<typeof registrationApi>} RegistrationApi */

/**
 * What the holder of a token may do with a registration. Servers of the first contract issued none.
 *
 * @param {string} id
 * @param {string} [token]
 */
export function registrationApi(id, token) {
  const path = registrationPath(id);
  return {
    id,
    /** @param {AbortSignal} [signal] @returns {Promise<Registration>} */
    get: (signal) => bodyOf(read(path, { token, signal })),
    /** @param {AbortSignal} [signal] @returns {Promise<HistoryEntry[]>} */
    history: (signal) => bodyOf(read(`${path}/history`, { token, signal })),
    /** @param {AbortSignal} [signal] @returns {Promise<Ticket>} */
    ticket: (signal) => bodyOf(read(`${path}/ticket`, { token, signal })),
    /** @param {AbortSignal} [signal] @returns {Promise<string>} */
    ticketSvg: (signal) => bodyOf(read(`${path}/ticket.svg`, { token, signal, as: "text" })),
    /** @param {string} key @returns {Promise<Registration>} */
    confirm: (key) => bodyOf(write("POST", `${path}/confirm`, {}, { key, token })),
    /** @param {string | null} name @param {string} key @returns {Promise<Registration>} */
    correctName: (name, key) => bodyOf(write("PATCH", path, { name }, { key, token })),
    /** @param {Record<string, unknown>} answers Null removes one. @param {string} key @returns {Promise<Registration>} */
    changeAnswers: (answers, key) => bodyOf(write("PATCH", path, { answers }, { key, token })),
    /** @param {string} key @returns {Promise<Registration>} */
    cancel: (key) => bodyOf(write("DELETE", path, undefined, { key, token })),
    /** @param {Person} to @param {string} key @returns {Promise<Seated>} */
    transfer: (to, key) => bodyOf(write("POST", `${path}/transfer`, to, { key, token })),
  };
}

/** @returns {Promise<TicketKeys>} */
export const getTicketKeys = () => bodyOf(read("/tickets/keys"));

/**
 * @param {string} eventId
 * @param {ScanRequest[]} scans At most 50.
 * @param {string} key
 * @returns {Promise<ScanResult[]>}
 */
export async function checkInBatch(eventId, scans, key) {
  const path = `${eventPath(eventId)}/check-ins/batch`;
  /** @type {{ results: ScanResult[] }} */
  const { results } = await asOrganizer((token) => bodyOf(write("POST", path, { scans }, { key, token })));
  return results;
}

/**
 * Checks in a known person without a ticket.
 *
 * @param {string} eventId
 * @param {string} registrationId
 * @param {string} key
 * @returns {Promise<CheckedIn>}
 */
export const checkInGuest = (eventId, registrationId, key) =>
  asOrganizer((token) =>
    bodyOf(
      write("POST", `${eventPath(eventId)}/check-ins`, { registration_id: registrationId }, { key, token }),
    ),
  );

/** The counts of an event's registrations by status, at all doors. @param {string} eventId @param {AbortSignal} signal @returns {Promise<Counts>} */
export const getCounts = (eventId, signal) =>
  asOrganizer((token) => bodyOf(read(`${eventPath(eventId)}/counts`, { token, signal })));

/** @param {string} eventId @param {string} registrationId @param {string} key */
export const undoCheckIn = (eventId, registrationId, key) =>
  asOrganizer((token) =>
    write("DELETE", `${eventPath(eventId)}/check-ins/${encodeURIComponent(registrationId)}`, undefined, {
      key,
      token,
    }),
  );

/**
 * By date if the server can, else in its own order.
 *
 * @param {string} path
 * @param {ReadOptions} options
 * @returns {Promise<EventsAnswer>}
 */
async function getList(path, options) {
  try {
    const answer = await read(path, options);
    return answer.status === 304 ? null : pageOf(answer, path);
  } catch (error) {
    const isUnknown = error instanceof ProblemError && error.status === 400 && path.includes("&when=");
    if (!isUnknown) throw error;
    listsByDate = false;
    return getList(path.replace(/&when=.*/, ""), { ...options, etag: null });
  }
}

/**
 * @template T
 * @param {Answer} answer
 * @param {string} path
 * @returns {Page<T>}
 */
export function pageOf({ body, headers }, path) {
  const etag = headers.get("ETag");
  const total = headers.get("Booking-Total");
  const listed = { items: /** @type {T[]} */ (body), next: nextPath(headers.get("Link"), path) };
  const page = total === null ? listed : { ...listed, total };
  return etag === null ? page : { ...page, etag };
}

/**
 * The server's answers are trusted to follow the contract: here, and nowhere else.
 *
 * @template T
 * @param {Promise<Answer>} answer
 * @returns {Promise<T>}
 */
export const bodyOf = async (answer) => /** @type {T} */ ((await answer).body);
