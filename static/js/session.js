// @ts-check
/** The organizer's session: whether this server requires a token, and the token that was entered. */

import { ProblemError, read } from "./http.js";
import { createStoredText } from "./storage.js";
import { t } from "./words.js";

/** @import { Organizer, OrganizerAnswer, Role } from "./types.js" */

/**
 * @typedef {object} Session
 * @property {"unknown" | "open" | "asks"} server Unknown until it has answered. An open one treats everybody
 *   as the organizer.
 * @property {Organizer | null} organizer The token's owner.
 */

/** The token, valid as far as is known. Gone with the tab: it is never stored for longer. */
const token = createStoredText(() => sessionStorage, "organizer-token");

/** @type {Session} */
let session = { server: "unknown", organizer: null };
/** @type {Promise<unknown> | null} */
let loading = null;
/** @type {Set<() => void>} */
const listeners = new Set();

export const currentSession = () => session;

export const hasToken = () => token.get() !== null;

/** Whether organizers' pages have nothing to show before sign-in. */
export const mustSignIn = () => session.server === "asks" && session.organizer === null;

/** In ascending order. @type {Role[]} */
const ROLES = ["reader", "door", "manager", "owner"];

/**
 * Whether the session allows what needs this role. Without one a token is asked for first, and the server decides
 * in any case: this only spares people a refusal.
 *
 * @param {Role} role
 */
export function may(role) {
  const { organizer } = session;
  return organizer === null || ROLES.indexOf(organizer.role ?? "owner") >= ROLES.indexOf(role);
}

/** The same for actions without an existing event. */
export const mayPutUp = () => may("manager") && !session.organizer?.events;

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

/** Asks the server for its state, unless it is known. If it cannot be reached, the state stays unknown. */
export async function loadSession() {
  if (session.server !== "unknown") return;
  loading ??= ask(token.get()).finally(() => (loading = null));
  await loading.catch(() => {});
}

/**
 * Tries a token, and keeps it if it is valid.
 *
 * @param {string} candidate
 * @returns {Promise<boolean>} Whether it is valid here.
 */
export async function signIn(candidate) {
  await ask(candidate);
  return session.organizer !== null || session.server === "open";
}

export function signOut() {
  setSession("asks", null, null);
}

/**
 * Sends an organizer's request, and notices when the token is no longer valid.
 *
 * @template T
 * @param {(token: string | undefined) => Promise<T>} send
 * @returns {Promise<T>}
 */
export async function asOrganizer(send) {
  if (mustSignIn()) throw signedOut();
  const shown = token.get();
  try {
    return await send(shown ?? undefined);
  } catch (error) {
    // Unless the organizer has signed in meanwhile.
    if (error instanceof ProblemError && error.status === 401 && token.get() === shown) signOut();
    throw error;
  }
}

/** The state that the server would report, known without a request. */
const signedOut = () =>
  new ProblemError(401, { code: "unauthenticated", detail: t("error.nobody_signed_in") }, null);

/** @param {string | null} candidate */
async function ask(candidate) {
  try {
    const { body } = await read("/organizer", { token: candidate ?? undefined });
    const { open, organizer } = /** @type {OrganizerAnswer} */ (body);
    setSession(open ? "open" : "asks", organizer, open ? null : candidate);
  } catch (error) {
    if (!(error instanceof ProblemError && error.status === 401)) throw error;
    // It says nothing about another token than the stored one.
    if (candidate === token.get()) setSession("asks", null, null);
  }
}

/** @param {"open" | "asks"} server @param {Session["organizer"]} organizer @param {string | null} shown */
function setSession(server, organizer, shown) {
  token.set(shown);
  if (server === session.server && scopeOf(organizer) === scopeOf(session.organizer)) return;
  session = { server, organizer };
  for (const listener of [...listeners]) listener();
}

/** The token's owner and rights, as a text to compare. @param {Organizer | null} organizer */
const scopeOf = (organizer) => JSON.stringify(organizer && [organizer.id, organizer.role, organizer.events]);
