// @ts-check
/** Where people ask about an event: an e-mail address, or the URL of a page. Pure. */

/** @param {string} contact */
export const isPage = (contact) => /^https?:\/\//i.test(contact);

/**
 * Where a link to it leads; null where that would be anything but a mail or a page.
 *
 * @param {string} contact
 * @returns {string | null}
 */
export function contactHref(contact) {
  if (isPage(contact)) return /\s/.test(contact) ? null : contact;
  if (!/^\S+@[^\s@:/?#]+$/.test(contact)) return null;
  // Whatever stands before the @ is encoded, and so names no other scheme.
  return `mailto:${encodeURIComponent(contact).replaceAll("%40", "@")}`;
}
