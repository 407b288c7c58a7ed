// @ts-check
/** A part of the page that is collapsed until the visitor opens it. */

import { el } from "./dom.js";

/**
 * @param {string} testid
 * @param {string} summary
 * @param {...HTMLElement} children
 */
export const disclosureElement = (testid, summary, ...children) =>
  el(
    "details",
    { class: "disclosure", "data-testid": testid },
    el("summary", {}, summary),
    el("div", { class: "disclosure__body" }, ...children),
  );
