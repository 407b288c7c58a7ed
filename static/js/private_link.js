// @ts-check
/** The link to a registration. What comes after the # stays in the browser: no server ever sees it. */

import { registrationAddress } from "./address.js";
import { copyButtonElement } from "./copy.js";
import { el } from "./dom.js";
import { t } from "./words.js";

/**
 * @param {string} id
 * @param {string} token
 * @param {string} label
 * @param {string} hint
 */
export function privateLinkElement(id, token, label, hint) {
  const address = registrationAddress(id, token);
  return el(
    "div",
    { class: "private" },
    el("p", {}, el("a", { href: address, "data-testid": "private-link" }, label)),
    el("p", { class: "private__hint" }, hint),
    copyButtonElement(t("private.copy"), () => location.origin + address, "copy-link"),
  );
}
