// @ts-check
/** The address of the list of events, with the visitor's last search, if there was one. */

import { pageAddress } from "./address.js";

let search = "";

/** @param {string} latest The query of the address, such as "?q=jazz"; "" for all. */
export function rememberSearch(latest) {
  search = latest;
}

export const listAddress = () => pageAddress("list") + search;
