// @ts-check
/** The ticket: as a QR code for the scanner at the door, and as text for when that fails. */

import { copyButtonElement } from "../copy.js";
import { el, setText } from "../dom.js";
import { explainRead } from "../explain.js";
import { t } from "../words.js";

/** @import { RegistrationApi } from "../api.js" */

/**
 * @param {RegistrationApi} api
 * @param {AbortSignal} signal
 */
export function createTicket(api, signal) {
  // A picture from an SVG runs no script and reads nothing of this page, whatever is in it.
  const code = el("img", {
    class: "qr",
    alt: t("ticket.qr"),
    width: 280,
    height: 280,
    hidden: true,
  });
  code.setAttribute("data-testid", "ticket-qr");
  const text = el("p", { class: "mono ticket-text", "data-testid": "ticket-text" });
  const status = el("p", { class: "quiet", role: "status" });
  const copy = copyButtonElement(t("ticket.copy"), () => text.textContent ?? "", "ticket-copy");
  const details = el("div", { class: "ticket-code", hidden: true }, el("h3", {}, t("ticket.as_text")), text, copy);
  const node = el(
    "section",
    { class: "panel ticket-panel", "data-testid": "ticket", "aria-labelledby": "ticket-title", hidden: true },
    el("h2", { id: "ticket-title" }, t("ticket.title")),
    status,
    el("div", { class: "ticket-panel__codes" }, code, details),
  );
  /** @type {"none" | "loading" | "shown"} */
  let state = "none";

  async function load() {
    state = "loading";
    try {
      const [ticket, svg] = await Promise.all([api.ticket(signal), api.ticketSvg(signal)]);
      code.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
      setText(text, ticket.ticket);
      code.hidden = details.hidden = false;
      setText(status, t("ticket.hint"));
      state = "shown";
    } catch (error) {
      if (signal.aborted) return;
      state = "none";
      setText(status, t("ticket.load_error", { why: explainRead(error) }));
    }
  }

  return {
    node,
    /** @param {boolean} isDue Whether there is a ticket. */
    update(isDue) {
      node.hidden = !isDue;
      if (isDue && state === "none") load();
      if (isDue || state === "none") return;
      // A ticket that is worth nothing must not be shown at a door.
      code.removeAttribute("src");
      setText(text, "");
      code.hidden = details.hidden = true;
      state = "none";
    },
  };
}
