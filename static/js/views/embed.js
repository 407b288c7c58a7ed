// @ts-check
/** The HTML that an organizer pastes into another site to embed an event's page. */

import { eventAddress } from "../address.js";
import { copyButtonElement } from "../copy.js";
import { disclosureElement } from "../disclosure.js";
import { el, setText } from "../dom.js";
import { t } from "../words.js";

/** @import { BookingEvent } from "../types.js" */

/** Enough for the ticket and the form, on a phone too; longer pages scroll. */
const HEIGHT_PX = 900;

/** @param {string} text */
const escaped = (text) =>
  text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** @param {Pick<BookingEvent, "id" | "name">} event @param {string} origin */
export const snippetOf = ({ id, name }, origin) =>
  `<iframe src="${origin}${eventAddress(id)}?embed" title="${escaped(name)}" ` +
  `width="100%" height="${HEIGHT_PX}" loading="lazy"></iframe>`;

/** Null if embedding is not allowed. */
export function createEmbed() {
  if (document.documentElement.dataset.embeddable === undefined) return null;
  const code = el("code", { class: "mono", "data-testid": "embed-snippet" });
  const node = disclosureElement(
    "embed",
    t("embed.title"),
    el("p", {}, t("embed.text")),
    el("p", {}, code),
    copyButtonElement(t("embed.copy"), () => code.textContent ?? "", "copy-embed"),
  );

  return {
    node,
    /** @param {BookingEvent} event */
    update(event) {
      setText(code, snippetOf(event, location.origin));
    },
  };
}
