// @ts-check
/** What every address of this server begins with, where it is a part of another site; else nothing. */

/** As the page says. Where there is no page, as in tests of single modules, there is no such part. */
export const BASE = globalThis.document?.documentElement?.dataset.base ?? "";

/** Whether the page is a part of another site's. */
export const IS_EMBEDDED = globalThis.document?.documentElement?.dataset.embedded !== undefined;

/** The path of a request as the server's contract has it. @param {string} path */
export const withoutBase = (path) =>
  BASE !== "" && (path === BASE || path.startsWith(`${BASE}/`)) ? path.slice(BASE.length) : path;
