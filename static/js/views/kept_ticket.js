// @ts-check
/** The ticket stored on this device, while the server cannot be reached. */

import { serverNow } from "../clock.js";
import { el } from "../dom.js";
import { momentElement } from "../format.js";
import { isOver } from "../registration_window.js";
import { t, tNodes } from "../words.js";
import { createPass } from "./pass.js";
import { createTicketStub } from "./ticket_panel.js";

/** @import { KeptTicket } from "../kept_tickets.js" */

/**
 * Replaces all else in a page that keeps polling.
 *
 * @param {HTMLElement} body
 * @param {KeptTicket} kept
 */
export function showKeptTicket(body, { registration, event, text, svg, kept_at }) {
  // Once is enough: redrawing loses the focus.
  if (body.querySelector("[data-testid=kept-ticket]")) return;
  const stub = createTicketStub();
  const pass = createPass(stub.node);
  stub.show(svg, text, isOver(event, serverNow()));
  pass.update(registration, event);
  body.removeAttribute("data-testid");
  body.replaceChildren(
    el(
      "div",
      { class: "registration", "data-testid": "kept-ticket" },
      el(
        "div",
        { class: "page-head" },
        el(
          "div",
          {},
          el("h1", { tabindex: -1 }, t("ticket.title")),
          el(
            "p",
            { class: "lede", role: "status" },
            ...tNodes("ticket.kept", { time: momentElement(kept_at) }),
          ),
        ),
      ),
      pass.node,
      stub.code,
    ),
  );
}
