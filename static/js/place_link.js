// @ts-check
/** Where a place leads to, if it says enough of itself. Pure. */

const MAP = "https://www.openstreetmap.org/search";

/** Of what takes place online. @param {string} venue @returns {string | null} */
export const siteOf = (venue) => (/^https?:\/\/\S+$/.test(venue) ? venue : null);

/** A map of it, if it is an address rather than what people there call it. @param {string} venue @returns {string | null} */
export function mapUrl(venue) {
  const isAddress = siteOf(venue) === null && /\d/.test(venue) && /\p{L}{3}/u.test(venue);
  return isAddress ? `${MAP}?${new URLSearchParams({ query: venue })}` : null;
}
