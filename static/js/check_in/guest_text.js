// @ts-check
/** What is typed in at a door in the place of a ticket, and says who somebody is. Pure. */

const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/i;
/** The part of a private link that names a registration: before its secret, whatever the pages' addresses look like. */
const LINK = /^https?:\/\/\S*?\/(?:r|registrations)\/(\S+)$/i;

/**
 * @param {string} text
 * @returns {{ id: string } | { search: string } | null} Null if it says nothing of the kind.
 */
export function guestOf(text) {
  const [, path] = LINK.exec(text) ?? [];
  const [id] = UUID.exec(path ?? "") ?? [];
  if (id) return { id: id.toLowerCase() };
  return /^\S+@\S+$/.test(text) && !text.includes("://") ? { search: text } : null;
}
