// @ts-check
/** The path prefix of this server's addresses, where it is a part of another site; else empty. */

/** As the page says. Without a page, as in tests of single modules, it is empty. */
export const BASE = globalThis.document?.documentElement?.dataset.base ?? "";

/** Whether the page is embedded in another site's. */
export const IS_EMBEDDED = globalThis.document?.documentElement?.dataset.embedded !== undefined;

/** The path of a request in the server's contract. @param {string} path */
export const withoutBase = (path) =>
  BASE !== "" && (path === BASE || path.startsWith(`${BASE}/`)) ? path.slice(BASE.length) : path;
