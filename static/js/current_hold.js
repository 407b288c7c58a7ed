// @ts-check
/**
 * The hold in progress, so that a reload does not lose its countdown. Only for this tab and until it is closed: no
 * personal data stays behind on a shared computer.
 */

import { createStoredJson, isRecord } from "./storage.js";

/**
 * @typedef {object} Held
 * @property {string} id
 * @property {string | undefined} token
 * @property {string} email
 * @property {string} [name]
 * @property {string} expires_at
 */

/** @param {unknown} value @returns {value is Held} */
const isHeld = (value) =>
  isRecord(value) && [value.id, value.email, value.expires_at].every((each) => typeof each === "string");

/** The hold at an event. @param {string} eventId */
export const currentHold = (eventId) => createStoredJson(() => sessionStorage, `hold:${eventId}`, isHeld);
