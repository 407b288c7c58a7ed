// @ts-check
/** Text that is typed at a door instead of a ticket, and identifies a person. Pure. */

const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/i;
/** The part of a private link that names a registration: before its secret, in any form of the pages' addresses. */
const LINK = /^https?:\/\/\S*?\/(?:r|registrations)\/(\S+)$/i;

/**
 * @param {string} text
 * @returns {{ id: string } | { search: string } | null} Null if it identifies nobody.
 */
export function guestOf(text) {
  const [, path] = LINK.exec(text) ?? [];
  const [id] = UUID.exec(path ?? "") ?? [];
  if (id) return { id: id.toLowerCase() };
  return /^\S+@\S+$/.test(text) && !text.includes("://") ? { search: text } : null;
}
