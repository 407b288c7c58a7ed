// @ts-check
import { isCutOff, pageAddress } from "../address.js";
import { el } from "../dom.js";
import { t } from "../words.js";

/** @import { View } from "../types.js" */

/** An address that leads nowhere. @param {View} view */
export function missingView({ root, setTitle }) {
  const isCut = isCutOff(location.pathname + location.hash);
  const title = t(isCut ? "registration.not_found_title" : "missing.title");
  const find = isCut && el("p", {}, el("a", { href: pageAddress("find") }, t("registration.find")));
  setTitle(title);
  root.replaceChildren(missingNotice(title, t(isCut ? "registration.not_found" : "missing.text"), find));
}

/** @param {string} title @param {string} text @param {HTMLElement | false} [more] */
export const missingNotice = (title, text, more = false) =>
  el(
    "div",
    { class: "blank", "data-testid": "not-found" },
    el("h1", { tabindex: -1 }, title),
    el("p", {}, text),
    el("a", { class: "button", href: pageAddress("list") }, t("nav.see_all")),
    more,
  );
