// @ts-check
/** Events under a heading: of a day, a month, or past ones. */

import { el } from "../dom.js";
import { formatMonth } from "../format.js";
import { t } from "../words.js";

/** @param {string} key As `groupsOf` names it. @param {string} [scope] Distinguishes it from the same group of another list. */
export function createGroup(key, scope = "group") {
  const id = `${scope}-${key}`;
  const title = el("h2", { class: "group__title", id }, titleOf(key));
  const list = el("ul", { class: "tickets", role: "list", "aria-labelledby": id });
  const node = el("section", { class: `group group--${key === "past" ? "past" : "upcoming"}` }, title, list);
  return { node, title, list };
}

/** @param {string} key */
function titleOf(key) {
  switch (key) {
    case "today":
      return t("list.today");
    case "soon":
      return t("list.soon");
    case "undated":
      return t("list.undated");
    case "past":
      return t("list.past");
    default:
      return formatMonth(key);
  }
}
