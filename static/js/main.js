// @ts-check
import { timeZone } from "./format.js";
import { startRouter } from "./router.js";

const main = /** @type {HTMLElement} */ (document.getElementById("main"));
const zone = /** @type {HTMLElement} */ (document.getElementById("zone"));

zone.textContent = `Times are shown in your time zone, ${timeZone()}.`;

// The hash belongs to the router, so the skip link moves the focus by hand.
document.querySelector(".skip-link")?.addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});

startRouter();
