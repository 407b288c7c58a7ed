// @ts-check
/** The HTTP contract, and the only module that calls `fetch`. */

/** @import { BookingEvent, Problem, Registration } from "./types.js" */

const READ_TIMEOUT_MS = 10_000;
const WRITE_TIMEOUT_MS = 30_000;

/** The server answered, and the answer was no. */
export class ProblemError extends Error {
  /**
   * @param {number} status
   * @param {Problem} problem
   * @param {number | null} retryAfterSeconds
   */
  constructor(status, problem, retryAfterSeconds) {
    super(problem.detail ?? problem.title ?? `The server answered ${status}.`);
    this.name = "ProblemError";
    this.status = status;
    this.problem = problem;
    this.code = problem.code ?? "";
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** No whole answer arrived. `sent` is false only if the request cannot have left this device. */
export class ConnectionError extends Error {
  /** @param {boolean} sent @param {unknown} cause */
  constructor(sent, cause) {
    super("The server could not be reached.", { cause });
    this.name = "ConnectionError";
    this.sent = sent;
  }
}

/**
 * @template T
 * @typedef {object} Page
 * @property {T[]} items
 * @property {string | null} next The address of the page after this one.
 */

/** @param {number} limit */
export const eventsPath = (limit) => `/events?limit=${limit}`;

/** @param {string} eventId @param {number} limit */
export const registrationsPath = (eventId, limit) =>
  `/events/${encodeURIComponent(eventId)}/registrations?limit=${limit}`;

/**
 * @param {string} path
 * @param {AbortSignal} signal
 * @returns {Promise<Page<BookingEvent>>}
 */
export const getEvents = (path, signal) => getPage(path, signal);

/**
 * @param {string} path
 * @param {AbortSignal} signal
 * @returns {Promise<Page<Registration>>}
 */
export const getRegistrations = (path, signal) => getPage(path, signal);

/**
 * The event, or null if it is still the one that `etag` names.
 *
 * @param {string} id
 * @param {string | null} etag
 * @param {AbortSignal} [signal]
 * @returns {Promise<{ event: BookingEvent, etag: string | null } | null>}
 */
export async function getEvent(id, etag, signal) {
  /** @type {Record<string, string>} */
  const headers = etag === null ? {} : { "If-None-Match": etag };
  const path = `/events/${encodeURIComponent(id)}`;
  const answer = await send(path, { headers }, READ_TIMEOUT_MS, signal);
  if (answer.status === 304) return null;
  return { event: answer.body, etag: answer.headers.get("ETag") };
}

/**
 * @param {{ name: string, description?: string, capacity: number }} draft
 * @returns {Promise<BookingEvent>}
 */
export const createEvent = (draft) => post("/events", draft);

/**
 * @param {string} eventId
 * @param {string} email
 * @returns {Promise<Registration>}
 */
export const register = (eventId, email) =>
  post(`/events/${encodeURIComponent(eventId)}/register`, { user_email: email });

/** @param {string} path @param {unknown} body */
async function post(path, body) {
  const headers = { "Content-Type": "application/json" };
  const init = { method: "POST", headers, body: JSON.stringify(body) };
  // Not tied to the view: a booking under way is not called off by looking at another page.
  return (await send(path, init, WRITE_TIMEOUT_MS)).body;
}

/** @param {string} path @param {AbortSignal} signal */
async function getPage(path, signal) {
  const answer = await send(path, {}, READ_TIMEOUT_MS, signal);
  return { items: answer.body, next: nextPath(answer.headers.get("Link"), path) };
}

/**
 * @param {string} path
 * @param {RequestInit} init
 * @param {number} timeoutMs
 * @param {AbortSignal} [signal]
 * @returns {Promise<{ status: number, headers: Headers, body: any }>}
 */
async function send(path, init, timeoutMs, signal) {
  const timeout = AbortSignal.timeout(timeoutMs);
  const offlineBefore = !navigator.onLine;
  try {
    const response = await fetch(path, {
      ...init,
      // Freshness is settled with ETags here; the browser's cache would only add a second opinion.
      cache: "no-store",
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    if (!response.ok && response.status !== 304) throw await problemOf(response);
    const body = response.status === 304 ? null : await response.json();
    return { status: response.status, headers: response.headers, body };
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    if (signal?.aborted) throw signal.reason;
    throw new ConnectionError(!offlineBefore, error);
  }
}

/** @param {Response} response */
async function problemOf(response) {
  const type = response.headers.get("Content-Type") ?? "";
  const isJson = /^application\/(problem\+)?json\b/i.test(type);
  // A proxy in front may answer with a page of its own; that page is no problem document.
  const problem = isJson ? await response.json().catch(() => ({})) : {};
  const seconds = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  return new ProblemError(response.status, problem ?? {}, Number.isNaN(seconds) ? null : seconds);
}

/**
 * The path in `Link: <…>; rel="next"`. Only path and query are kept: behind a proxy the server may not
 * know by which host the visitor reached it.
 *
 * @param {string | null} header
 * @param {string} base
 * @returns {string | null}
 */
export function nextPath(header, base) {
  for (const [, target, parameters] of (header ?? "").matchAll(/<([^>]*)>([^<]*)/g)) {
    if (!/;\s*rel="?next"?\s*(;|,|$)/i.test(parameters)) continue;
    const url = new URL(target, new URL(base, location.origin));
    return url.pathname + url.search;
  }
  return null;
}
