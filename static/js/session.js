// @ts-check
/** Who is at the keys: whether this server asks organizers for a token, and the one that it was given. */

import { ProblemError, read } from "./http.js";

/**
 * @typedef {object} Session
 * @property {"unknown" | "open" | "asks"} server Unknown until it has answered. An open one takes anybody
 *   for the organizer.
 * @property {{ id: string, name: string } | null} organizer Whose token it is.
 */

/** Gone with the tab. Nothing that outlives it ever holds the token. */
const KEPT_AS = "organizer-token";

/** @type {Session} */
let session = { server: "unknown", organizer: null };
let token = recall();
/** @type {Promise<unknown> | null} */
let loading = null;
/** @type {Set<() => void>} */
const listeners = new Set();

export const currentSession = () => session;

/** Whether there is a token to show: a good one, as far as anybody knows. */
export const hasToken = () => token !== null;

/** Whether organizers' pages have nothing to show before somebody signs in. */
export const mustSignIn = () => session.server === "asks" && session.organizer === null;

/**
 * Calls `listener` with every change for as long as the signal lives.
 *
 * @param {() => void} listener
 * @param {AbortSignal} [signal]
 */
export function onSessionChange(listener, signal) {
  listeners.add(listener);
  signal?.addEventListener("abort", () => listeners.delete(listener));
}

/** Asks the server how it stands, if it has not said so yet. If it cannot be asked, that stays unknown. */
export async function loadSession() {
  if (session.server !== "unknown") return;
  loading ??= ask(token).finally(() => (loading = null));
  await loading.catch(() => {});
}

/**
 * Tries a token, and keeps it if it is one.
 *
 * @param {string} candidate
 * @returns {Promise<boolean>} Whether it opens anything here.
 */
export async function signIn(candidate) {
  await ask(candidate);
  return session.organizer !== null || session.server === "open";
}

export function signOut() {
  setSession("asks", null, null);
}

/**
 * Lets the organizer ask for something, and notices when they are not taken for one any more.
 *
 * @template T
 * @param {(token: string | undefined) => Promise<T>} send
 * @returns {Promise<T>}
 */
export async function asOrganizer(send) {
  if (mustSignIn()) throw SIGNED_OUT;
  const shown = token;
  try {
    return await send(shown ?? undefined);
  } catch (error) {
    // Unless somebody has signed in meanwhile.
    if (error instanceof ProblemError && error.status === 401 && token === shown) signOut();
    throw error;
  }
}

/** What the server would answer, which so need not be asked. */
const SIGNED_OUT = new ProblemError(401, { code: "unauthenticated", detail: "Nobody is signed in." }, null);

/** @param {string | null} candidate */
async function ask(candidate) {
  try {
    const { body } = await read("/organizer", { token: candidate ?? undefined });
    setSession(body.open ? "open" : "asks", body.organizer, body.open ? null : candidate);
  } catch (error) {
    if (!(error instanceof ProblemError && error.status === 401)) throw error;
    // It says nothing of another token than the one that is kept.
    if (candidate === token) setSession("asks", null, null);
  }
}

/** @param {"open" | "asks"} server @param {Session["organizer"]} organizer @param {string | null} shown */
function setSession(server, organizer, shown) {
  keep(shown);
  if (server === session.server && organizer?.id === session.organizer?.id) return;
  session = { server, organizer };
  for (const listener of [...listeners]) listener();
}

/** @param {string | null} next */
function keep(next) {
  token = next;
  try {
    if (next === null) sessionStorage.removeItem(KEPT_AS);
    else sessionStorage.setItem(KEPT_AS, next);
  } catch {
    // Then it is there only as long as the page is.
  }
}

/** @returns {string | null} */
function recall() {
  try {
    return sessionStorage.getItem(KEPT_AS);
  } catch {
    return null;
  }
}
