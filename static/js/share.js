// @ts-check
/** Shares the address of a page: by the device's share dialog, or by the clipboard. */

import { copy } from "./copy.js";
import { el, setText } from "./dom.js";
import { t } from "./words.js";

const SAID_FOR_MS = 4_000;
/** Time to select a text that could not be copied. */
const SHOWN_FOR_MS = 60_000;

/**
 * @param {() => { title: string, url: string }} what
 * @returns {HTMLElement}
 */
export function shareElement(what) {
  const statusLine = el("span", { class: "quiet", role: "status" });
  const share = el("button", { type: "button", class: "link-button", "data-testid": "share" }, t("share.share"));
  const copyLink = el(
    "button",
    { type: "button", class: "link-button", "data-testid": "copy-event-link" },
    t("private.copy"),
  );
  share.hidden = typeof navigator.share !== "function";
  share.addEventListener("click", async () => {
    try {
      await navigator.share(what());
    } catch (error) {
      // A cancelled share needs no message.
      if (!(error instanceof DOMException && error.name === "AbortError")) await say(what().url);
    }
  });
  copyLink.addEventListener("click", () => say(what().url));

  /** @param {string} url */
  async function say(url) {
    // If it cannot be copied it is shown, to be copied by hand.
    const isCopied = await copy(url);
    setText(statusLine, isCopied ? t("copy.done") : url);
    setTimeout(() => setText(statusLine, ""), isCopied ? SAID_FOR_MS : SHOWN_FOR_MS);
  }

  return el("div", { class: "links", "data-testid": "share-links" }, share, copyLink, statusLine);
}
