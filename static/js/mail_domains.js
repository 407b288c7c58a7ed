// @ts-check
/** Likely typos in the domains of common mail providers. They are asked about, and never refused. Pure. */

/** The most common mail providers. */
const WELL_KNOWN = [
  "gmail.com",
  "googlemail.com",
  "hotmail.com",
  "hotmail.co.uk",
  "hotmail.de",
  "hotmail.fr",
  "outlook.com",
  "outlook.de",
  "live.com",
  "icloud.com",
  "yahoo.com",
  "yahoo.co.uk",
  "yahoo.de",
  "yahoo.fr",
  "aol.com",
  "proton.me",
  "protonmail.com",
  "gmx.de",
  "gmx.net",
  "gmx.at",
  "gmx.ch",
  "web.de",
  "freenet.de",
  "t-online.de",
  "posteo.de",
  "mailbox.org",
  "orange.fr",
  "libero.it",
  "bluewin.ch",
];

/** Real domains that look like a typo of one of these. */
const ALIKE = new Set([
  "email.com",
  "mail.com",
  "mail.de",
  "ymail.com",
  "rocketmail.com",
  "hotmail.it",
  "hotmail.es",
  "hotmail.ch",
  "hotmail.be",
  "outlook.fr",
  "outlook.it",
  "outlook.es",
  "outlook.at",
  "live.de",
  "live.fr",
  "live.nl",
  "live.it",
  "yahoo.it",
  "yahoo.es",
  "yahoo.ca",
  "yahoo.at",
  "aol.de",
  "gmx.com",
  "gmx.fr",
  "gmx.eu",
  "gmx.us",
  "mac.com",
  "me.com",
  "pm.me",
]);

/** In a shorter domain a different letter is as likely another domain as a typo. */
const LENGTH_MIN = 8;

/**
 * The address that was probably meant.
 *
 * @param {string} address
 * @returns {string | null}
 */
export function likelyAddress(address) {
  const at = address.lastIndexOf("@");
  const domain = address.slice(at + 1).toLowerCase();
  if (at < 1 || WELL_KNOWN.includes(domain) || ALIKE.has(domain)) return null;
  const meant = WELL_KNOWN.find((known) => isSlip(domain, known));
  return meant === undefined ? null : `${address.slice(0, at)}@${meant}`;
}

/** @param {string} typed @param {string} known */
function isSlip(typed, known) {
  if (isSwapped(typed, known)) return true;
  return known.length >= LENGTH_MIN && isOneOff(typed, known);
}

/** Whether two letters beside each other have changed places. @param {string} typed @param {string} known */
function isSwapped(typed, known) {
  if (typed.length !== known.length) return false;
  const first = firstDifference(typed, known);
  return (
    typed[first] === known[first + 1] &&
    typed[first + 1] === known[first] &&
    typed.slice(first + 2) === known.slice(first + 2)
  );
}

/** Whether one letter is missing, too many or another one. @param {string} typed @param {string} known */
function isOneOff(typed, known) {
  const first = firstDifference(typed, known);
  const rest = (/** @type {string} */ text, /** @type {number} */ skipped) => text.slice(first + skipped);
  return (
    rest(typed, 1) === rest(known, 1) || rest(typed, 0) === rest(known, 1) || rest(typed, 1) === rest(known, 0)
  );
}

/** @param {string} one @param {string} other */
function firstDifference(one, other) {
  let place = 0;
  while (place < one.length && one[place] === other[place]) place += 1;
  return place;
}
