// @ts-check
/** Calls somebody back who is looking at another tab: by the icon of this one. Its title is the view's. */

import { BASE } from "./base.js";

/**
 * Shows the icon that calls for as long as it is to, and while the view is there.
 *
 * @param {AbortSignal} signal
 * @returns {(isCalling: boolean) => void}
 */
export function createCalling(signal) {
  const icon = document.querySelector("link[rel=icon]");
  /** @param {boolean} isCalling */
  const show = (isCalling) => {
    icon?.setAttribute("href", `${BASE}/static/favicon${isCalling ? "-calling" : ""}.svg`);
  };
  signal.addEventListener("abort", () => show(false));
  return show;
}
