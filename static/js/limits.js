// @ts-check
/** The server's limits of each text, counted in the same way. Pure. */

import { trimmed } from "./text.js";

/**
 * @typedef {object} Limit
 * @property {number} max
 * @property {"characters" | "bytes"} unit
 * @property {(text: string) => number} count
 * @property {boolean} mustShow Whether it must have a visible character, if it is not empty.
 */

const bytes = new TextEncoder();

/** Code points: `length` counts an emoji as two. @param {string} text */
export function characters(text) {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/** @param {number} max @returns {Limit} */
const line = (max) => ({
  max,
  unit: "characters",
  count: (text) => characters(trimmed(text)),
  mustShow: true,
});

export const EVENT_NAME = line(200);
export const PERSON_NAME = line(200);
export const VENUE = line(200);
export const ORGANIZER_NAME = line(200);

/** An e-mail address or a URL, counted as typed. @type {Limit} */
export const CONTACT = { max: 500, unit: "bytes", count: (text) => bytes.encode(trimmed(text)).length, mustShow: true };

/** A text of several lines. @type {Limit} */
export const ANSWER = line(1_000);

/** @type {Limit} */
export const QUESTION_WORDING = line(2_000);

/** Stored unchanged, with surrounding white space. @type {Limit} */
export const DESCRIPTION = { max: 10_000, unit: "characters", count: characters, mustShow: false };

/** In canonical form, which may be shorter than the typed one. @type {Limit} */
export const EMAIL = {
  max: 254,
  unit: "bytes",
  count: (text) => bytes.encode(addressOf(trimmed(text))).length,
  mustShow: true,
};

/**
 * Roughly the server's canonical form, and never longer: an address that the server accepts must not be refused
 * here. It has no unnecessary quotes, and domains in their DNS form.
 *
 * @param {string} typed
 */
function addressOf(typed) {
  const address = typed.normalize("NFC").toLowerCase();
  const at = address.lastIndexOf("@");
  if (at === -1) return address;
  return `${address.slice(0, at).replaceAll(/["\\]/g, "")}@${inDns(address.slice(at + 1))}`;
}

/** @param {string} domain */
function inDns(domain) {
  try {
    return new URL(`https://${domain}`).hostname;
  } catch {
    return domain;
  }
}
