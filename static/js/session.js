// @ts-check
/** Who is signed in: whether this server asks organizers for a token, and the one that it was given. */

import { ProblemError, read } from "./http.js";
import { createStoredText } from "./storage.js";
import { t } from "./words.js";

/** @import { Organizer, OrganizerAnswer, Role } from "./types.js" */

/**
 * @typedef {object} Session
 * @property {"unknown" | "open" | "asks"} server Unknown until it has answered. An open one takes anybody
 *   for the organizer.
 * @property {Organizer | null} organizer Whose token it is.
 */

/** The token, a good one as far as anybody knows. Gone with the tab: nothing that outlives it ever holds it. */
const token = createStoredText(() => sessionStorage, "organizer-token");

/** @type {Session} */
let session = { server: "unknown", organizer: null };
/** @type {Promise<unknown> | null} */
let loading = null;
/** @type {Set<() => void>} */
const listeners = new Set();

export const currentSession = () => session;

export const hasToken = () => token.get() !== null;

/** Whether organizers' pages have nothing to show before somebody signs in. */
export const mustSignIn = () => session.server === "asks" && session.organizer === null;

/** The least first. @type {Role[]} */
const ROLES = ["reader", "door", "manager", "owner"];

/**
 * Whether whoever is signed in may do what takes this role. Who is not signed in is asked for a token first, and the
 * server decides in any case: this only spares people what would be refused.
 *
 * @param {Role} role
 */
export function may(role) {
  const { organizer } = session;
  return organizer === null || ROLES.indexOf(organizer.role ?? "owner") >= ROLES.indexOf(role);
}

/** The same for what is about no event that there is already. */
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

/** Asks the server how it stands, if it has not said so yet. If it cannot be asked, that stays unknown. */
export async function loadSession() {
  if (session.server !== "unknown") return;
  loading ??= ask(token.get()).finally(() => (loading = null));
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
  if (mustSignIn()) throw signedOut();
  const shown = token.get();
  try {
    return await send(shown ?? undefined);
  } catch (error) {
    // Unless somebody has signed in meanwhile.
    if (error instanceof ProblemError && error.status === 401 && token.get() === shown) signOut();
    throw error;
  }
}

/** What the server would answer, which so need not be asked. */
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
    // It says nothing of another token than the one that is kept.
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

/** Whose a token is and what it may do, in a text that is another if one of them is. @param {Organizer | null} organizer */
const scopeOf = (organizer) => JSON.stringify(organizer && [organizer.id, organizer.role, organizer.events]);
