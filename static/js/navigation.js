// @ts-check
/** Going to a page of ours without loading anything anew. */

import { parseAddress } from "./address.js";
import { IS_EMBEDDED } from "./base.js";

/** @param {string} address */
export function go(address) {
  history.pushState(null, "", address);
  // As if somebody had gone back or forth to it, of which whoever shows pages hears anyway.
  window.dispatchEvent(new PopStateEvent("popstate"));
}

/** Follows links to pages, unless they are to open elsewhere. A page within another site's opens others beside it. */
export function followLinks() {
  if (IS_EMBEDDED) return;
  document.addEventListener("click", (event) => {
    const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link?.href || event.defaultPrevented || !isPlain || !isPage(link)) return;
    event.preventDefault();
    if (link.href !== location.href) go(link.href);
  });
}

/** @param {HTMLAnchorElement} link */
function isPage(link) {
  const isHere = link.origin === location.origin && link.target === "" && !link.hasAttribute("download");
  return isHere && parseAddress(link.pathname + link.hash).page !== "missing";
}
