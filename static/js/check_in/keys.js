// @ts-check
/** The keys that tickets are signed with. They are public, and are kept for a door without network. */

import { getTicketKeys } from "../api.js";
import { createVerifier } from "../ticket.js";

/** @import { TicketKey, Verifier } from "../ticket.js" */

const NAME = "ticket-keys";

/**
 * @param {() => void} onChange
 * @returns {{ verifier: () => Verifier | null, state: () => "none" | "ready" | "unsupported",
 *   refresh: () => Promise<void> }}
 */
export function createKeys(onChange) {
  /** @type {Verifier | null} */
  let verifier = null;
  let state = /** @type {"none" | "ready" | "unsupported"} */ ("none");

  /** @param {{ keys: TicketKey[] }} keys */
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
    // Asked anew each time the door is opened: a key may have been added since.
    const keys = /** @type {{ keys: TicketKey[] }} */ (await getTicketKeys());
    keep(JSON.stringify(keys));
    await use(keys);
  }

  const kept = recall();
  if (kept) use(kept);
  return { verifier: () => verifier, state: () => state, refresh };
}

/** @returns {{ keys: TicketKey[] } | null} */
function recall() {
  try {
    return JSON.parse(localStorage.getItem(NAME) ?? "null");
  } catch {
    return null;
  }
}

/** @param {string} text */
function keep(text) {
  try {
    localStorage.setItem(NAME, text);
  } catch {
    // Then they are there only as long as the page is.
  }
}
