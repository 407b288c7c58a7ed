// @ts-check
import { words } from "./first_words.js";
import { connectionBad } from "./connection.js";
import { timeZone } from "./format.js";
import { keepLanguage } from "./language.js";
import { startMineLink } from "./mine_link.js";
import { showLanguages, translatePage } from "./page_words.js";
import { loadSession } from "./session.js";
import { startSessionBand } from "./session_band.js";
import { startRouter } from "./router.js";
import { t } from "./words.js";

/** @param {string} id */
const part = (id) => document.getElementById(id);

// What is behind the # may open a registration, so the skip link moves the focus by hand.
document.querySelector(".skip-link")?.addEventListener("click", (event) => {
  event.preventDefault();
  part("main")?.focus();
});

// An uncaught error is a bug of these pages.
window.addEventListener("error", ({ error }) => connectionBad(error));

// Without a catalogue only the texts in the page can be shown.
words.then(start, () => part("unloaded")?.removeAttribute("hidden"));

function start() {
  keepLanguage();
  translatePage();
  // An embedded page has no footer.
  const [zone, languages] = [part("zone"), part("languages")];
  if (zone) zone.textContent = t("footer.zone", { zone: timeZone() });
  if (languages) showLanguages(languages);
  startSessionBand();
  startMineLink();
  loadSession();
  startRouter();
}
