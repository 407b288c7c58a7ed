// @ts-check
/** Keys by which a write can be sent again without being done twice. */

import { isSame } from "./changed.js";
import { ConnectionError, ProblemError } from "./http.js";
import { lastOf } from "./lists.js";
import { isBusy } from "./retry.js";
import { createStoredJson, isRecord } from "./storage.js";

/**
 * The identity of a write: its kind, the id of its subject, and its other content.
 *
 * @typedef {unknown[]} What
 *
 * @typedef {object} Attempt A write whose answer has not arrived.
 * @property {What} what
 * @property {string} key
 * @property {boolean} isOpen Whether it may have been done.
 * @property {number} since In ms.
 */

/** As long as the server remembers a key. After that the same write would be done again. */
const KEPT_MS_MAX = 24 * 60 * 60 * 1_000;
const KEPT_MAX = 20;

/** Refusals that the server repeats for a while under the same key, even if a seat has come free since. */
const DECIDED = new Set([409, 410, 412, 422]);
/** Refusals that the server gives only after it has looked the key up, and found no write done under it. */
const NOT_DONE = new Set(["forbidden", "not_found"]);

/** Kinds of writes that only organizers send. */
const ORGANIZERS = new Set([
  "event",
  "edit",
  "cancel-event",
  "correction",
  "link",
  "let-in",
  "undo-check-in",
  "walk-in",
  "cancel-registration",
  "questions",
  "copy",
  "webhook",
  "webhook-secret",
]);
/**
 * A write of this kind invalidates the answers to these kinds about the same id. Other kinds only invalidate their
 * own.
 *
 * @type {ReadonlyMap<unknown, unknown[]>}
 */
const OUTDATES = new Map([
  ["name", ["name", "correction"]],
  ["correction", ["correction", "name", "transfer", "link"]],
  ["transfer", ["transfer", "name", "correction", "link"]],
  ["link", ["link", "correction"]],
]);
/** Kinds that name the former state after the id: once the state differs, it is another write. */
const SAYING_BEFORE = new Set(["name", "correction"]);

/** @param {unknown} value @returns {value is Attempt[]} */
const areAttempts = (value) =>
  Array.isArray(value) &&
  value.every(
    (one) =>
      isRecord(one) &&
      Array.isArray(one.what) &&
      typeof one.key === "string" &&
      typeof one.isOpen === "boolean" &&
      typeof one.since === "number",
  );

/**
 * Attempts outlive the view and the page: a visitor who leaves or reloads gets the answer by sending the same write
 * again. Only for this tab and until it is closed, like holds.
 */
const attempts = createStoredJson(() => sessionStorage, "attempts", areAttempts);
// Those of the day before are useless, and name people.
store(storedAttempts());

/** @type {WeakSet<object>} */
const leavingOpen = new WeakSet();

/** A random UUID, also where `randomUUID` is missing: on pages that came over plain HTTP. */
export function randomUuid() {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const view = new DataView(bytes.buffer);
  // RFC 9562, section 5.4: the version and the variant.
  view.setUint8(6, (view.getUint8(6) & 0x0f) | 0x40);
  view.setUint8(8, (view.getUint8(8) & 0x3f) | 0x80);
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/**
 * Whether, after this error, the write may have been done: by this try or by an earlier one.
 *
 * @param {unknown} error
 */
export const leavesOpen = (error) => error instanceof Error && leavingOpen.has(error);

/**
 * The other content of the last write of this kind and about this id, of those that may have been done.
 *
 * @param {string} kind
 * @param {string} id
 * @returns {What | null}
 */
export function openAttempt(kind, id) {
  const open = storedAttempts().filter(({ what, isOpen }) => isOpen && what[0] === kind && what[1] === id);
  return lastOf(open)?.what.slice(2) ?? null;
}

/**
 * Runs a write with its attempt's key. The key is kept until the server has decided and the visitor has seen its
 * answer.
 *
 * @template T
 * @param {What} what
 * @param {(key: string) => Promise<T>} write
 * @param {AbortSignal} signal Aborted when the visitor has left the view.
 * @returns {Promise<T>}
 */
export async function attempt(what, write, signal) {
  const before = storedAttempts().find((one) => isSame(one.what, what));
  const { key, since } = before ?? { key: randomUuid(), since: Date.now() };
  // From now on it may be done without an answer: the page can be reloaded at any time.
  storeAttempt({ what, key, since, isOpen: true });
  try {
    const answer = await write(key);
    // Its answer can be requested again as long as the visitor has not seen it.
    deleteAttempts((one) => (one.key === key ? !signal.aborted : isOutdated(one.what, what)));
    return answer;
  } catch (error) {
    if (isDecided(error)) deleteAttempts((one) => one.key === key);
    else settle(key, error, before?.isOpen ?? false);
    throw error;
  }
}

/** Deletes organizers' attempts at sign-out: they name people. */
export const deleteOrganizerAttempts = () => deleteAttempts(({ what: [kind] }) => ORGANIZERS.has(String(kind)));

/** @param {unknown} error */
const isDecided = (error) => error instanceof ProblemError && DECIDED.has(error.status);

/** @param {string} key @param {unknown} error @param {boolean} wasOpen */
function settle(key, error, wasOpen) {
  const isOpen = mayBeDone(error) || (wasOpen && !(error instanceof ProblemError && NOT_DONE.has(error.code)));
  if (error instanceof Error) leavingOpen[isOpen ? "add" : "delete"](error);
  store(storedAttempts().map((one) => (one.key === key ? { ...one, isOpen } : one)));
}

/** Whether this try may have done it. @param {unknown} error */
function mayBeDone(error) {
  if (error instanceof ConnectionError) return error.sent;
  return !(error instanceof ProblemError) || (error.status >= 500 && !isBusy(error));
}

/**
 * Whether the later write invalidates the earlier one's answer. The earlier one is then sent again under a new key.
 *
 * @param {What} one
 * @param {What} done
 */
function isOutdated(one, done) {
  const kinds = OUTDATES.get(done[0]) ?? [done[0]];
  return kinds.includes(one[0]) && isSame(one[1], done[1]) && isSame(addressIn(one), addressIn(done));
}

/** Which of several people who may get a seat. @param {What} what */
const addressIn = ([kind, , ...content]) => (kind === "seat" ? content.find(isRecord)?.user_email : null);

/** Whether a write started from a state that the later write has changed. */
const isOvertaken = (/** @type {What} */ one, /** @type {What} */ later) =>
  SAYING_BEFORE.has(String(one[0])) && isSame(one.slice(0, 2), later.slice(0, 2)) && !isSame(one[2], later[2]);

/** Oldest first. */
function storedAttempts() {
  return (attempts.get() ?? []).filter(({ since }) => Date.now() - since < KEPT_MS_MAX);
}

/** @param {Attempt} latest */
function storeAttempt(latest) {
  const others = storedAttempts().filter(({ key, what }) => key !== latest.key && !isOvertaken(what, latest.what));
  while (others.length >= KEPT_MAX) {
    // A write that cannot have been done can use another key as well.
    const spare = others.findIndex(({ isOpen }) => !isOpen);
    others.splice(Math.max(spare, 0), 1);
  }
  store([...others, latest]);
}

/** @param {(one: Attempt) => boolean} isOver */
const deleteAttempts = (isOver) => store(storedAttempts().filter((one) => !isOver(one)));

/** @param {Attempt[]} list */
function store(list) {
  attempts.set(list.length > 0 ? list : null);
}
