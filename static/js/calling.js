// @ts-check
/** Alerts a visitor in another tab by this tab's icon. The title is the view's. */

import { BASE } from "./base.js";

/**
 * Shows the alert icon as long as it is needed, and while the view is there.
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
