// @ts-check
/** The holders of registrations, as far as this page knows them. They are not stored: a device gets lost. */

/** @import { Registration } from "../types.js" */

/** @typedef {Pick<Registration, "id" | "name" | "user_email">} Guest */

/** As many as a door can see in a day. */
const NAMES_MAX = 5_000;

/** @param {(registrationId: string) => Promise<Guest>} ask */
export function createNames(ask) {
  /** @type {Map<string, Guest>} */
  const guests = new Map();
  /** @type {Map<string, Promise<Guest>>} */
  const asked = new Map();

  /** @param {Guest} guest @returns {Guest} */
  function learn({ id, name, user_email }) {
    const guest = { id, name, user_email };
    if (guests.size < NAMES_MAX || guests.has(id)) guests.set(id, guest);
    return guest;
  }

  /** Requests each only once at a time; after a failure the next caller requests it again. @param {string} id @returns {Promise<Guest>} */
  function guest(id) {
    const known = guests.get(id);
    if (known !== undefined) return Promise.resolve(known);
    const answer = asked.get(id) ?? ask(id).then(learn).finally(() => asked.delete(id));
    asked.set(id, answer);
    return answer;
  }

  return {
    learn,
    guest,
    /** @param {string} id @returns {string | null} */
    known(id) {
      const known = guests.get(id);
      return known ? textOf(known) : null;
    },
    /** @param {string} id @returns {Promise<string>} */
    of: (id) => guest(id).then(textOf),
  };
}

/** @param {Guest} guest */
const textOf = ({ name, user_email }) => (name ? `${name} (${user_email})` : user_email);

/** @typedef {ReturnType<typeof createNames>} Names */
