// @ts-check
/** Reads pictures beside the page, which stays quick meanwhile. */

import { parseTicket } from "../ticket.js";
import { createReader } from "./reader.js";

/**
 * @typedef {{ pixels: ArrayBuffer, width: number, height: number }} Question Pixels as RGBA, transferred.
 * @typedef {{ texts: string[] }} Answer A ticket, if there is one, is the last.
 */

/** What a worker sees of the page is what the page sees of the worker. */
const page = /** @type {Worker} */ (/** @type {unknown} */ (self));
const read = createReader();

page.addEventListener("message", (/** @type {MessageEvent<Question>} */ { data: { pixels, width, height } }) => {
  const texts = read(new Uint8ClampedArray(pixels), width, height, (text) => parseTicket(text) !== null);
  page.postMessage({ texts });
});
