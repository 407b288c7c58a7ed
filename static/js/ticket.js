// @ts-check
/** The content of a ticket, and whether the server signed it: verified in this browser, offline too. */

/** @import { TicketKey, TicketKeys } from "./types.js" */

/**
 * @typedef {object} TicketClaims
 * @property {string} keyId The id of the key that it names: 16 hexadecimal digits.
 * @property {string} eventId
 * @property {string} registrationId
 * @property {number} generation Raised by each transfer.
 *
 * @typedef {{ ok: true, claims: TicketClaims } | { ok: false, reason: "not_a_ticket" | "forged" }} Verdict
 *
 * @typedef {object} Verifier
 * @property {(text: string) => Promise<Verdict>} verify
 */

const FORMAT = 1;
// The signed part ends here; the rest is the signature.
const SIGNED_BYTES = 45;
const ALGORITHM = { name: "Ed25519" };

// base64url of 109 bytes. The last character has two bits to say, and the other four must be zero: so one
// ticket has one text.
const TEXT = /^[A-Za-z0-9_-]{145}[AQgw]$/;

/**
 * The ticket's content, or null if the text is no ticket. The signature is not verified.
 *
 * @param {string} text
 * @returns {TicketClaims | null}
 */
export function parseTicket(text) {
  const bytes = decode(text);
  return bytes && readClaims(bytes);
}

/**
 * Throws in older browsers, and where a page did not come over HTTPS: those can read tickets, but not verify them.
 * A ticket whose key is not among these counts as forged, which one signed with a newer key is not: fetch the keys
 * again before turning people away.
 *
 * @param {TicketKeys} jwks
 * @returns {Promise<Verifier>}
 */
export async function createVerifier(jwks) {
  // RFC 7517, section 5: keys of unknown kinds are to be ignored.
  const known = jwks.keys.filter((jwk) => jwk.kty === "OKP" && jwk.crv === "Ed25519");
  const keys = new Map(
    await Promise.all(known.map(async (jwk) => /** @type {const} */ ([jwk.kid, await importKey(jwk)]))),
  );

  /** @param {string} text @returns {Promise<Verdict>} */
  async function verify(text) {
    const bytes = decode(text);
    if (!bytes) return { ok: false, reason: "not_a_ticket" };
    const claims = readClaims(bytes);
    const key = keys.get(claims.keyId);
    const signed = bytes.subarray(0, SIGNED_BYTES);
    const signature = bytes.subarray(SIGNED_BYTES);
    const genuine = key && (await crypto.subtle.verify(ALGORITHM, key, signature, signed));
    return genuine ? { ok: true, claims } : { ok: false, reason: "forged" };
  }

  return { verify };
}

/** @param {TicketKey} jwk */
const importKey = (jwk) => crypto.subtle.importKey("jwk", jwk, ALGORITHM, false, ["verify"]);

/** @param {string} text */
function decode(text) {
  if (!TEXT.test(text)) return null;
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  return bytes[0] === FORMAT ? bytes : null;
}

/** @param {Uint8Array} bytes @returns {TicketClaims} */
function readClaims(bytes) {
  return {
    keyId: hex(bytes.subarray(1, 9)),
    eventId: uuid(bytes.subarray(9, 25)),
    registrationId: uuid(bytes.subarray(25, 41)),
    generation: new DataView(bytes.buffer).getUint32(41),
  };
}

/** @param {Uint8Array} bytes */
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** @param {Uint8Array} bytes */
const uuid = (bytes) => hex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
