// @ts-check
/**
 * The hold in progress, so that a reload does not lose its countdown. Only for this tab and until it is
 * closed: nothing of an attendee stays behind on a shared computer.
 */

/**
 * @typedef {object} Held
 * @property {string} id
 * @property {string | undefined} token
 * @property {string} email
 * @property {string} [name]
 * @property {string} expires_at
 */

/** @param {string} eventId */
const nameOf = (eventId) => `hold:${eventId}`;

/** @param {string} eventId @returns {Held | null} */
export function recall(eventId) {
  try {
    return JSON.parse(sessionStorage.getItem(nameOf(eventId)) ?? "null");
  } catch {
    return null;
  }
}

/** @param {string} eventId @param {Held} held */
export function remember(eventId, held) {
  try {
    sessionStorage.setItem(nameOf(eventId), JSON.stringify(held));
  } catch {
    // Storage may be forbidden; then a reload loses the countdown, and nothing else.
  }
}

/** @param {string} eventId */
export function forget(eventId) {
  try {
    sessionStorage.removeItem(nameOf(eventId));
  } catch {
    // Then nothing was remembered.
  }
}
