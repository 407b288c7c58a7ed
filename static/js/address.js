// @ts-check
/**
 * The addresses of pages, read and written. The token that opens a registration is behind the `#`, which stays in
 * the browser: no server ever sees it. Pure.
 */

import { BASE, withoutBase } from "./base.js";
import { trimmedCode } from "./text.js";

/** @typedef {"event" | "edit" | "check_in" | "desk" | "questions" | "import"} EventPage */
/** @typedef {"list" | "create" | "organizer" | "webhooks" | "find" | "mine"} SinglePage */

/**
 * @typedef {{ page: SinglePage | "missing" }
 *   | { page: EventPage, id: string }
 *   | { page: "registration", id: string, token: string }} Address
 */

/** Pages that exist once. @type {Record<SinglePage, string>} */
const SINGLE = { list: "/", create: "/o/new", organizer: "/o", webhooks: "/o/webhooks", find: "/find", mine: "/mine" };

/** The pages of an organizer's event, by their names in addresses. @type {Record<string, EventPage>} */
const PARTS = { edit: "edit", door: "check_in", desk: "desk", questions: "questions", import: "import" };

/** @param {SinglePage} page */
export const pageAddress = (page) => BASE + SINGLE[page];

/** @param {string} id @param {EventPage} [page] */
export function eventAddress(id, page = "event") {
  const name = encodeURIComponent(id);
  if (page === "event") return `${BASE}/e/${name}`;
  // The path of the check-in page is older than the page's own name.
  return `${BASE}/o/e/${name}/${page === "check_in" ? "door" : page}`;
}

/** The absolute address, for others. @param {string} id */
export const sharedAddress = (id) => new URL(eventAddress(id), location.origin).href;

/** @param {string} id @param {string} token */
export const registrationAddress = (id, token) =>
  `${BASE}/r/${encodeURIComponent(id)}#${encodeURIComponent(token)}`;

/** The present address of a page; null if there is none. @param {Address} address */
export function writtenAddress(address) {
  switch (address.page) {
    case "missing":
      return null;
    case "registration":
      return registrationAddress(address.id, address.token);
    case "event":
    case "edit":
    case "check_in":
    case "desk":
    case "questions":
    case "import":
      return eventAddress(address.id, address.page);
    default:
      return pageAddress(address.page);
  }
}

/** Whether a fragment holds a whole address, as before pages had paths. @param {string} hash */
export const isOldAddress = (hash) => hash.startsWith("#/");

/** Whether it is a registration's address without its token, like a link that was cut off. @param {string} address */
export const isCutOff = (address) =>
  /^\/r\/[^/#]+\/?#?$/.test(withoutBase(address)) || /#\/registrations\/[^/]+\/?$/.test(address);

/** @param {string} address A path, and its fragment. @returns {Address} */
export function parseAddress(address) {
  const at = address.indexOf("#");
  const [path, hash] = at === -1 ? [address, ""] : [address.slice(0, at), address.slice(at)];
  return isOldAddress(hash) ? parseOld(hash.slice(2)) : parsePath(withoutBase(path), hash.slice(1));
}

/** @param {string} path @param {string} token @returns {Address} */
function parsePath(path, token) {
  const trimmed = path.length > 1 ? path.replace(/\/$/, "") : path;
  // The path of the list is older than its address.
  if (["", "/templates/index.html"].includes(trimmed)) return { page: "list" };
  for (const page of /** @type {SinglePage[]} */ (Object.keys(SINGLE))) {
    if (SINGLE[page] === trimmed) return { page };
  }
  const [, event] = /^\/e\/([^/]+)$/.exec(trimmed) ?? [];
  if (event) return { page: "event", id: decode(event) };
  const [, own, part = ""] = /^\/o\/e\/([^/]+)\/([a-z]+)$/.exec(trimmed) ?? [];
  const page = Object.hasOwn(PARTS, part) ? PARTS[part] : undefined;
  if (own && page) return { page, id: decode(own) };
  const [, registration] = /^\/r\/([^/]+)$/.exec(trimmed) ?? [];
  if (!registration || token === "") return { page: "missing" };
  return { page: "registration", id: decode(registration), token: decode(token) };
}

/** @param {string} path @returns {Address} */
function parseOld(path) {
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
    // A pasted link may include text around it.
    return trimmedCode(decodeURIComponent(text));
  } catch {
    return text;
  }
}
