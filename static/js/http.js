// @ts-check
/** Requests and answers: the only module that calls `fetch`. */

import { anySignal, timeoutSignal } from "./abort.js";
import { BASE, withoutBase } from "./base.js";
import { noteServerTime } from "./clock.js";
import { language } from "./language.js";
import { t } from "./words.js";

/** @import { Problem } from "./types.js" */

const READ_TIMEOUT_MS = 10_000;
const WRITE_TIMEOUT_MS = 30_000;

/** The server answered with a refusal. */
export class ProblemError extends Error {
  /**
   * @param {number} status
   * @param {Problem} problem
   * @param {number | null} retryAfterSeconds
   */
  constructor(status, problem, retryAfterSeconds) {
    super(problem.detail ?? problem.title ?? t("error.answered", { status }));
    this.name = "ProblemError";
    this.status = status;
    this.problem = problem;
    this.code = problem.code ?? "";
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** No complete answer arrived. `sent` is false only if the request cannot have left this device. */
export class ConnectionError extends Error {
  /** @param {boolean} sent @param {unknown} cause */
  constructor(sent, cause) {
    // Only for logs: `explain` writes the text for people.
    super("no answer", { cause });
    this.name = "ConnectionError";
    this.sent = sent;
  }
}

/** @typedef {{ status: number, headers: Headers, body: unknown }} Answer */

/** @typedef {"json" | "text" | "blob"} As How the body is parsed. */

/**
 * @typedef {object} ReadOptions
 * @property {AbortSignal} [signal]
 * @property {string} [token] The attendee's, or the organizer's. It goes into a header, never into the address.
 * @property {string | null} [etag]
 * @property {As} [as]
 * @property {number} [timeoutMs]
 */

/** @param {string} path @param {ReadOptions} [options] @returns {Promise<Answer>} */
export function read(path, { signal, token, etag, as = "json", timeoutMs = READ_TIMEOUT_MS } = {}) {
  const headers = headersOf({ Authorization: bearer(token), "If-None-Match": etag });
  // ETags handle freshness here; the browser's cache would interfere.
  return send(path, { headers, cache: "no-store" }, as, timeoutMs, signal);
}

/**
 * A static file, which is the same for every visitor. Without own headers, or the file that the page preloaded
 * would not match.
 *
 * @param {string} path
 */
export const readFile = (path) => send(path, {}, "json", READ_TIMEOUT_MS);

/**
 * @typedef {object} WriteOptions
 * @property {string} [key] The idempotency key: the same key gets the same answer, and acts once.
 * @property {string} [token]
 * @property {string | null} [ifMatch]
 * @property {number} [timeoutMs]
 * @property {As} [as]
 */

/**
 * Not tied to a view: opening another page does not cancel a booking in progress.
 *
 * @param {"POST" | "PATCH" | "DELETE"} method
 * @param {string} path
 * @param {unknown} body No body if it is undefined.
 * @param {WriteOptions} [options]
 * @returns {Promise<Answer>}
 */
export function write(method, path, body, { key, token, ifMatch, timeoutMs = WRITE_TIMEOUT_MS, as = "json" } = {}) {
  const headers = headersOf({
    "Content-Type": body === undefined ? null : "application/json",
    "Idempotency-Key": key,
    Authorization: bearer(token),
    "If-Match": ifMatch,
  });
  return send(path, { method, headers, body: JSON.stringify(body), cache: "no-store" }, as, timeoutMs);
}

/**
 * Sends a file unchanged.
 *
 * @param {string} path
 * @param {Blob} file
 * @param {{ type: string, token: string | undefined, timeoutMs: number }} options
 * @returns {Promise<Answer>}
 */
export function writeFile(path, file, { type, token, timeoutMs }) {
  const headers = headersOf({ "Content-Type": type, Authorization: bearer(token) });
  return send(path, { method: "POST", headers, body: file, cache: "no-store" }, "json", timeoutMs);
}

/** @param {string | undefined} token */
const bearer = (token) => (token === undefined ? null : `Bearer ${token}`);

/** @param {Record<string, string | null | undefined>} wished @returns {Record<string, string>} */
const headersOf = (wished) =>
  /** @type {Record<string, string>} */ (
    // What the server says is for the people who read the page.
    Object.fromEntries(
      Object.entries({ "Accept-Language": language(), ...wished }).filter(
        ([, value]) => value !== null && value !== undefined,
      ),
    )
  );

/**
 * @param {string} path
 * @param {RequestInit} init
 * @param {As} as
 * @param {number} timeoutMs
 * @param {AbortSignal} [signal]
 * @returns {Promise<Answer>}
 */
async function send(path, init, as, timeoutMs, signal) {
  const timeout = timeoutSignal(timeoutMs);
  const either = signal ? anySignal(signal, timeout) : timeout;
  const offlineBefore = !navigator.onLine;
  const sentAt = Date.now();
  /** Only the request itself can fail for want of an answer; any other error is a bug of ours. */
  const answered = async (/** @type {Promise<unknown>} */ answer) => {
    try {
      return await answer;
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      throw new ConnectionError(!offlineBefore, error);
    }
  };
  const response = /** @type {Response} */ (await answered(fetch(BASE + path, { ...init, signal: either })));
  noteServerTime(response.headers.get("Date"), sentAt, Date.now());
  if (!response.ok && response.status !== 304) throw await problemOf(response);
  const body = response.status === 304 ? null : await answered(response[as]());
  return { status: response.status, headers: response.headers, body };
}

/** @param {Response} response */
async function problemOf(response) {
  const type = response.headers.get("Content-Type") ?? "";
  const isJson = /^application\/(problem\+)?json\b/i.test(type);
  // A proxy in front may answer with its own page, which is no problem document.
  const problem = isJson ? await problemIn(response).catch(() => null) : null;
  const seconds = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  return new ProblemError(response.status, problem ?? {}, Number.isNaN(seconds) ? null : seconds);
}

/** @param {Response} response @returns {Promise<Problem | null>} */
const problemIn = (response) => response.json();

/**
 * The path in `Link: <…>; rel="next"`. Only path and query are used: behind a proxy the server may not know the
 * host that the visitor used.
 *
 * @param {string | null} header
 * @param {string} base
 * @returns {string | null}
 */
export function nextPath(header, base) {
  for (const [, target = "", parameters = ""] of (header ?? "").matchAll(/<([^>]*)>([^<]*)/g)) {
    if (!/;\s*rel="?next"?\s*(;|,|$)/i.test(parameters)) continue;
    const url = new URL(target, new URL(BASE + base, location.origin));
    return withoutBase(url.pathname) + url.search;
  }
  return null;
}
