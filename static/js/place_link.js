// @ts-check
/** The link of a venue, if its text is specific enough. Pure. */

const MAP = "https://www.openstreetmap.org/search";

/** An online event's URL. @param {string} venue @returns {string | null} */
export const siteOf = (venue) => (/^https?:\/\/\S+$/.test(venue) ? venue : null);

/** Words for online events, and for access details. */
const ONLINE = /\b(online|zoom|webinar|passwor[dt]|pin)\b/i;

/**
 * A map, if the text looks like an address, with parts and a number, and not like a local name. A guess.
 *
 * @param {string} venue
 * @returns {string | null}
 */
export function mapUrl(venue) {
  const looksLikeOne = /\S\s*[,;\n、]\s*\S/u.test(venue) && /\d/.test(venue) && /\p{L}{3}/u.test(venue);
  const isAddress = looksLikeOne && siteOf(venue) === null && !ONLINE.test(venue);
  return isAddress ? `${MAP}?${new URLSearchParams({ query: venue })}` : null;
}
