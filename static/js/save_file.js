// @ts-check
/** Makes the browser save a file that was already downloaded. */

import { el } from "./dom.js";

/** How long the browser has to take it. */
const KEPT_MS = 60_000;

/** @param {Blob} file @param {string} name */
export function saveFile(file, name) {
  const address = URL.createObjectURL(file);
  const link = el("a", { href: address, download: name, hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), KEPT_MS);
}
