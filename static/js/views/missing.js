// @ts-check
import { pageAddress } from "../address.js";
import { el } from "../dom.js";
import { t } from "../words.js";

/** @import { View } from "../types.js" */

/** An address that leads nowhere. @param {View} view */
export function missingView({ root, setTitle }) {
  setTitle(t("missing.title"));
  root.replaceChildren(missingNotice(t("missing.title"), t("missing.text")));
}

/** @param {string} title @param {string} text */
export const missingNotice = (title, text) =>
  el(
    "div",
    { class: "blank", "data-testid": "not-found" },
    el("h1", { tabindex: -1 }, title),
    el("p", {}, text),
    el("a", { class: "button", href: pageAddress("list") }, t("nav.see_all")),
  );
