// @ts-check
/** How much the server takes of each text, counted as it counts. Pure. */

import { trimmed } from "./text.js";

/**
 * @typedef {object} Limit
 * @property {number} max
 * @property {"characters" | "bytes"} unit
 * @property {(text: string) => number} count
 * @property {boolean} mustShow Whether something of it has to be seen, if there is anything.
 */

const bytes = new TextEncoder();

/** Unicode's characters: `length` counts an emoji as two. @param {string} text */
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

/** An e-mail address or a URL, which is counted as it is typed. @type {Limit} */
export const CONTACT = { max: 500, unit: "bytes", count: (text) => bytes.encode(trimmed(text)).length, mustShow: true };

/** Of a question: lines are kept. @type {Limit} */
export const ANSWER = line(1_000);

/** @type {Limit} */
export const QUESTION_WORDING = line(2_000);

/** Kept as it is, with all the white space around it. @type {Limit} */
export const DESCRIPTION = { max: 10_000, unit: "characters", count: characters, mustShow: false };

/** In the form that is compared, which may be shorter than what was typed. @type {Limit} */
export const EMAIL = {
  max: 254,
  unit: "bytes",
  count: (text) => bytes.encode(addressOf(trimmed(text))).length,
  mustShow: true,
};

/**
 * About as the server writes it, and never longer: what it would take is not to be refused here. It writes no
 * quotes that are not needed, and domains as DNS has them.
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
