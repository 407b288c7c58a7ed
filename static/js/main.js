// @ts-check
import { timeZone } from "./format.js";
import { loadSession } from "./session.js";
import { startSessionBand } from "./session_band.js";
import { startRouter } from "./router.js";
import { startMineLink } from "./views/mine.js";

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
startMineLink();
loadSession();
startRouter();
