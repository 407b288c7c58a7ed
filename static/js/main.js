// @ts-check
import { timeZone } from "./format.js";
import { loadSession } from "./session.js";
import { startSessionBand } from "./session_band.js";
import { startRouter } from "./router.js";
import { startMineLink } from "./views/mine.js";

const main = /** @type {HTMLElement} */ (document.getElementById("main"));
const zone = /** @type {HTMLElement} */ (document.getElementById("zone"));

zone.textContent = `Where no other time zone is named, times are in yours, ${timeZone()}.`;

// The hash belongs to the router, so the skip link moves the focus by hand.
document.querySelector(".skip-link")?.addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});

startSessionBand();
startMineLink();
loadSession();
startRouter();

// After the page, which needs the network more. Where there is none of it (over plain HTTP, in private
// windows), the pages work all the same, but not offline.
window.addEventListener("load", () => {
  navigator.serviceWorker?.register("/sw.js").catch(() => {});
});
