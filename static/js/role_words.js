// @ts-check
/** The names of tokens' roles. */

/** @import { Role } from "./types.js" */

/** @type {Record<Role, string>} */
export const ROLE_WORDS = {
  reader: "role.reader",
  door: "role.door",
  manager: "role.manager",
  owner: "role.owner",
};
