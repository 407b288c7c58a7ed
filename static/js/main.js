// @ts-check
import { BASE } from "./base.js";
import { timeZone } from "./format.js";
import { loadSession } from "./session.js";
import { startSessionBand } from "./session_band.js";
import { startRouter } from "./router.js";

const main = /** @type {HTMLElement} */ (document.getElementById("main"));
const zone = document.getElementById("zone");

// Within another site's page there is no foot.
if (zone) zone.textContent = `Where no other time zone is named, times are in yours, ${timeZone()}.`;

// What is behind the # may open a registration, so the skip link moves the focus by hand.
document.querySelector(".skip-link")?.addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});

startSessionBand();
loadSession();
startRouter();

// After the page, which needs the network more. Where there is none of it (over plain HTTP, in private
// windows), the pages work all the same, but not offline.
window.addEventListener("load", () => {
  navigator.serviceWorker?.register(`${BASE}/sw.js`).catch(() => {});
});
