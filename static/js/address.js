// @ts-check
/** What the hash of the address says, read and written. It stays in the browser: no server ever sees it. Pure. */

import { trimmedCode } from "./text.js";

/** @typedef {"event" | "edit" | "check_in"} EventPage */

/**
 * @typedef {{ page: "list" | "create" | "organizer" | "find" | "mine" | "missing" }
 *   | { page: EventPage, id: string }
 *   | { page: "registration", id: string, token: string }} Address
 */

/** @type {Record<EventPage, string>} The name of the check-in page is older than the page's own. */
const PARTS = { event: "", edit: "/edit", check_in: "/door" };

/** @param {string} id @param {EventPage} [page] */
export const eventAddress = (id, page = "event") => `#/events/${encodeURIComponent(id)}${PARTS[page]}`;

/** The whole of it, for others. @param {string} id */
export const sharedAddress = (id) => new URL(`/${eventAddress(id)}`, location.origin).href;

/** @param {string} id @param {string} token */
export const registrationAddress = (id, token) =>
  `#/registrations/${encodeURIComponent(id)}/${encodeURIComponent(token)}`;

/** @param {string} hash @returns {Address} */
export function parseAddress(hash) {
  const path = hash.replace(/^#\/?/, "");
  if (path === "") return { page: "list" };
  if (path === "new") return { page: "create" };
  if (path === "organizer") return { page: "organizer" };
  if (path === "find") return { page: "find" };
  if (path === "mine") return { page: "mine" };
  const [, id, part] = /^events\/([^/]+)(?:\/(edit|door))?$/.exec(path) ?? [];
  if (id) return { page: part === "door" ? "check_in" : part === "edit" ? "edit" : "event", id: decode(id) };
  const [, registration, token] = /^registrations\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
  if (!registration || !token) return { page: "missing" };
  return { page: "registration", id: decode(registration), token: decode(token) };
}

/** @param {string} text */
function decode(text) {
  try {
    // A link that was pasted may have brought along what was around it.
    return trimmedCode(decodeURIComponent(text));
  } catch {
    return text;
  }
}
