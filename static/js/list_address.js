// @ts-check
/** The way back to the list of events: to what somebody had looked for there, if they had. */

import { pageAddress } from "./address.js";

let search = "";

/** @param {string} latest As it stands in the address, such as "?q=jazz"; "" for all. */
export function rememberSearch(latest) {
  search = latest;
}

export const listAddress = () => pageAddress("list") + search;
