// @ts-check
/** The public keys of tickets, which are cached for a door without network. */

import { getTicketKeys } from "../api.js";
import { createStoredJson, isRecord } from "../storage.js";
import { createVerifier } from "../ticket.js";

/** @import { Verifier } from "../ticket.js" */
/** @import { TicketKeys } from "../types.js" */

/** @param {unknown} value @returns {value is TicketKeys} */
const isKeys = (value) => isRecord(value) && Array.isArray(value.keys);

/** @typedef {"none" | "ready" | "unsupported"} KeysState */

/**
 * @param {() => void} onChange
 * @returns {{ verifier: () => Verifier | null, state: () => KeysState, refresh: () => Promise<void> }}
 */
export function createKeys(onChange) {
  const stored = createStoredJson(() => localStorage, "ticket-keys", isKeys);
  /** @type {Verifier | null} */
  let verifier = null;
  /** @type {KeysState} */
  let state = "none";

  /** @param {TicketKeys} keys */
  async function use(keys) {
    try {
      verifier = await createVerifier(keys);
      state = "ready";
    } catch {
      state = "unsupported";
    }
    onChange();
  }

  async function refresh() {
    // Read each time the door is opened: a key may have been added since.
    const keys = await getTicketKeys();
    stored.set(keys);
    await use(keys);
  }

  const known = stored.get();
  if (known) use(known);
  return { verifier: () => verifier, state: () => state, refresh };
}
