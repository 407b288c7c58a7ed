// @ts-check
/** Keeps the pages in the browser, so that they open without a network. */

import { BASE } from "./base.js";
import { chosenLanguage } from "./language.js";

let isKept = false;

/**
 * After the page, which needs the network more. Without service workers (over plain HTTP, in private windows), the
 * pages work all the same, but not offline.
 */
export function keepPages() {
  if (isKept) return;
  isKept = true;
  // It caches one language's catalogue: another language needs another worker.
  const worker = `${BASE}/sw.js?language=${chosenLanguage().language}`;
  const keep = () => void navigator.serviceWorker?.register(worker).catch(() => {});
  if (document.readyState === "complete") keep();
  else window.addEventListener("load", keep, { once: true });
}
