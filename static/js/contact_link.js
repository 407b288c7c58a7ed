// @ts-check
/** An event's contact: an e-mail address, or the URL of a page. Pure. */

/** @param {string} contact */
export const isPage = (contact) => /^https?:\/\//i.test(contact);

/**
 * The target of a link to it; null for anything but mail or a page.
 *
 * @param {string} contact
 * @returns {string | null}
 */
export function contactHref(contact) {
  if (isPage(contact)) return /\s/.test(contact) ? null : contact;
  if (!/^\S+@[^\s@:/?#]+$/.test(contact)) return null;
  // Everything before the @ is encoded, and so names no other scheme.
  return `mailto:${encodeURIComponent(contact).replaceAll("%40", "@")}`;
}
