// @ts-check
/** Who is behind a registration, as far as this page has heard. It is kept nowhere: a device gets lost. */

/** @import { Registration } from "../types.js" */

/** @typedef {Pick<Registration, "id" | "name" | "user_email">} Guest */

/** As many as a door can have seen in a day. */
const NAMES_MAX = 5_000;

/** @param {(registrationId: string) => Promise<Guest>} ask */
export function createNames(ask) {
  /** @type {Map<string, string>} */
  const names = new Map();
  /** @type {Map<string, Promise<string>>} */
  const asked = new Map();

  /** @param {Guest} guest */
  function learn({ id, name, user_email }) {
    const text = name ? `${name} (${user_email})` : user_email;
    if (names.size < NAMES_MAX || names.has(id)) names.set(id, text);
    return text;
  }

  return {
    learn,
    /** @param {string} id @returns {string | null} */
    known: (id) => names.get(id) ?? null,
    /** Asks each once at a time; what failed is asked again by whoever wants it next. @param {string} id @returns {Promise<string>} */
    of(id) {
      const known = names.get(id);
      if (known !== undefined) return Promise.resolve(known);
      const answer = asked.get(id) ?? ask(id).then(learn).finally(() => asked.delete(id));
      asked.set(id, answer);
      return answer;
    },
  };
}

/** @typedef {ReturnType<typeof createNames>} Names */
