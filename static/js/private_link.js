// @ts-check
/** The link to a registration. What comes after the # stays in the browser: no server ever sees it. */

import { registrationAddress } from "./address.js";
import { copyButtonElement } from "./copy.js";
import { el } from "./dom.js";

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
    copyButtonElement("Copy the link", () => location.origin + address, "copy-link"),
  );
}

export const KEEP_IT =
  "Keep this link: it is the only way back to your registration, to its ticket, and to cancel or pass it on. " +
  "Whoever has it can do the same. If it is lost, it can be mailed to you, where this server sends mail, or the " +
  "organizer can make a new one.";

export const THEIRS =
  "It is shown this once: send it to them, for nobody else does. Whoever has it has the seat.";
