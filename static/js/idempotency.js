// @ts-check
/** Keys that let a write be sent again without being done again. */

import { ProblemError } from "./http.js";
import { isBusy } from "./retry.js";

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
 * Whether it is open what the server made of it: the next try then needs the same key, so that what was
 * lost on the way is found and not repeated. After a decision it needs another, or a "full" would be
 * repeated for a day, whatever seats came free.
 *
 * @param {unknown} error
 */
const isUndecided = (error) => !(error instanceof ProblemError) || error.status >= 500 || isBusy(error);

/**
 * @returns {<T>(what: unknown, write: (key: string) => Promise<T>) => Promise<T>} Runs a write with the
 *   key of the attempt. `what` is all that makes it the same: the route and the body.
 */
export function createAttempts() {
  /** @type {Map<string, string>} */
  const keys = new Map();
  return async (what, write) => {
    const name = JSON.stringify(what);
    const key = keys.get(name) ?? randomUuid();
    keys.set(name, key);
    try {
      const answer = await write(key);
      keys.delete(name);
      return answer;
    } catch (error) {
      if (!isUndecided(error)) keys.delete(name);
      throw error;
    }
  };
}
