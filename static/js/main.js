// @ts-check
import { words } from "./first_words.js";
import { connectionBad } from "./connection.js";
import { timeZone } from "./format.js";
import { chosenLanguage } from "./language.js";
import { showLanguages, translatePage } from "./page_words.js";
import { loadSession } from "./session.js";
import { startSessionBand } from "./session_band.js";
import { startRouter } from "./router.js";
import { t } from "./words.js";

/** @param {string} id */
const part = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

// The hash belongs to the router, so the skip link moves the focus by hand.
document.querySelector(".skip-link")?.addEventListener("click", (event) => {
  event.preventDefault();
  part("main").focus();
});

// What nobody caught is a mistake of these pages.
window.addEventListener("error", ({ error }) => connectionBad(error));

// Without words nothing can be said but what is in the page already.
words.then(start, () => part("unloaded").removeAttribute("hidden"));

function start() {
  translatePage();
  part("zone").textContent = t("footer.zone", { zone: timeZone() });
  showLanguages(part("languages"));
  startSessionBand();
  loadSession();
  startRouter();
}

// After the page, which needs the network more. Where there is none of it (over plain HTTP, in private
// windows), the pages work all the same, but not offline.
window.addEventListener("load", () => {
  // It keeps the words of one language: with another one it is another worker.
  navigator.serviceWorker?.register(`/sw.js?language=${chosenLanguage().language}`).catch(() => {});
});
