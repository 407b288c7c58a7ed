// @ts-check
/** Navigates to a page of ours without a reload. */

import { parseAddress } from "./address.js";
import { IS_EMBEDDED } from "./base.js";

/** @param {string} address */
export function go(address) {
  history.pushState(null, "", address);
  // Like going back or forward, which the router listens to.
  window.dispatchEvent(new PopStateEvent("popstate"));
}

/** Follows links to pages, unless they open elsewhere. An embedded page opens other pages in a new tab. */
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
