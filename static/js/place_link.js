// @ts-check
/** Where a place leads to, if it says enough of itself. Pure. */

const MAP = "https://www.openstreetmap.org/search";

/** Of what takes place online. @param {string} venue @returns {string | null} */
export const siteOf = (venue) => (/^https?:\/\/\S+$/.test(venue) ? venue : null);

/** How people say that it is nowhere, and what has to be known to get in. */
const ONLINE = /\b(online|zoom|webinar|passwor[dt]|pin)\b/i;

/**
 * A map of it, if it looks like an address, which has parts and a number, and not like what people there call it. A guess.
 *
 * @param {string} venue
 * @returns {string | null}
 */
export function mapUrl(venue) {
  const looksLikeOne = /\S\s*[,;\n、]\s*\S/u.test(venue) && /\d/.test(venue) && /\p{L}{3}/u.test(venue);
  const isAddress = looksLikeOne && siteOf(venue) === null && !ONLINE.test(venue);
  return isAddress ? `${MAP}?${new URLSearchParams({ query: venue })}` : null;
}
