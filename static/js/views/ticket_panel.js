// @ts-check
/** The ticket: a QR code for the scanner at the door, and a text in case that fails. */

import { copyButtonElement } from "../copy.js";
import { disclosureElement } from "../disclosure.js";
import { el, setText } from "../dom.js";
import { explainRead } from "../explain.js";
import { t } from "../words.js";

/** @import { RegistrationApi } from "../api.js" */

/** The stub of a ticket, and what belongs below it. */
export function createTicketStub() {
  // An image from an SVG runs no script and reads nothing of this page, whatever it contains.
  const code = el("img", {
    class: "qr",
    alt: t("ticket.qr"),
    width: 280,
    height: 280,
    hidden: true,
  });
  code.setAttribute("data-testid", "ticket-qr");
  const text = el("p", { class: "mono ticket-text", "data-testid": "ticket-text" });
  const status = el("p", { class: "ticket-stub__status", role: "status", "data-testid": "ticket-hint" });
  const copy = copyButtonElement(t("ticket.copy"), () => text.textContent ?? "", "ticket-copy");
  const print = el("button", { type: "button", class: "link-button", "data-testid": "ticket-print" }, t("ticket.print"));
  print.addEventListener("click", () => window.print());
  const details = disclosureElement("ticket-code", t("ticket.as_text"), text, copy);
  details.classList.add("ticket-code");
  details.hidden = true;
  const node = el(
    "section",
    { class: "ticket__stub ticket-stub", "data-testid": "ticket", "aria-labelledby": "ticket-title" },
    el("h2", { id: "ticket-title", class: "visually-hidden" }, t("ticket.title")),
    code,
    status,
    print,
  );
  print.hidden = true;

  return {
    node,
    /** The collapsed part. */
    code: details,
    /** @param {string} svg @param {string} ticket @param {boolean} isPast Whether the event is over. */
    show(svg, ticket, isPast) {
      code.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
      setText(text, ticket);
      code.hidden = details.hidden = print.hidden = false;
      setText(status, hintOf(isPast));
    },
    /** A void ticket must not be shown at a door. */
    clear() {
      code.removeAttribute("src");
      setText(text, "");
      code.hidden = details.hidden = print.hidden = true;
    },
    /** @param {string} words */
    say: (words) => setText(status, words),
    /** @param {boolean} isPast */
    hint: (isPast) => setText(status, hintOf(isPast)),
  };
}

/** The hint for a shown ticket, which is not scanned any more once the event is over. @param {boolean} isPast */
const hintOf = (isPast) => t(isPast ? "ticket.hint_over" : "ticket.hint");

/**
 * @param {RegistrationApi} api
 * @param {AbortSignal} signal
 * @param {(ticket: { text: string, svg: string }) => void} onShown
 */
export function createTicket(api, signal, onShown) {
  const stub = createTicketStub();
  stub.node.hidden = true;
  /** @type {"none" | "loading" | "shown"} */
  let state = "none";
  let isOver = false;

  async function load() {
    state = "loading";
    try {
      const [ticket, svg] = await Promise.all([api.ticket(signal), api.ticketSvg(signal)]);
      // It may have been cancelled meanwhile.
      if (state !== "loading") return;
      stub.show(svg, ticket.ticket, isOver);
      state = "shown";
      onShown({ text: ticket.ticket, svg });
    } catch (error) {
      if (signal.aborted) return;
      state = "none";
      stub.say(t("ticket.load_error", { why: explainRead(error) }));
    }
  }

  return {
    node: stub.node,
    code: stub.code,
    /** @param {boolean} isDue Whether there is a ticket. @param {boolean} isPast Whether the event is over. */
    update(isDue, isPast) {
      isOver = isPast;
      stub.node.hidden = !isDue;
      if (isDue && state === "shown") stub.hint(isPast);
      if (isDue && state === "none") load();
      if (isDue || state === "none") return;
      stub.clear();
      state = "none";
    },
  };
}
