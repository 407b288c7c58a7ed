// @ts-check
/** A registration as one ticket: the event, the holder, and on the stub the QR code. */

import { eventAddress } from "../address.js";
import { createDateBlock } from "../date_block.js";
import { el, setLanguage, setText } from "../dom.js";
import { nameShown } from "../text.js";
import { t } from "../words.js";
import { createCalendarLinks, createEventFacts } from "./event_facts.js";

/** @import { BookingEvent, Registration } from "../types.js" */

/** @param {HTMLElement} stub Hidden as long as there is no ticket. @param {...HTMLElement} more */
export function createPass(stub, ...more) {
  const date = createDateBlock();
  const eventLink = el("a", { dir: "auto", "data-testid": "registration-event" });
  const facts = createEventFacts();
  const calendar = createCalendarLinks();
  const email = el("bdi", { "data-testid": "registration-email" });
  const name = el("bdi", { class: "pass__name", "data-testid": "registration-name" });
  const person = el("dl", { class: "facts facts--plain" }, el("dt", {}, t("registration.for")), el("dd", {}, name, " ", email));
  const node = el(
    "section",
    { class: "ticket ticket--hero ticket--pass", "aria-label": t("registration.event_and_you") },
    el(
      "div",
      { class: "ticket__body" },
      date.node,
      el("div", { class: "hero__text" }, el("h2", {}, eventLink), facts.node, person, calendar.node, ...more),
    ),
    stub,
  );

  return {
    node,
    /** The registration was transferred. */
    removePerson: () => person.remove(),
    /** @param {Registration} registration @param {BookingEvent} event */
    update(registration, event) {
      setText(eventLink, nameShown(event.name));
      eventLink.setAttribute("href", eventAddress(event.id));
      setLanguage(event.language, eventLink);
      date.update(event);
      facts.update(event);
      calendar.update(event);
      // A cancelled registration needs no calendar links.
      if (registration.status === "cancelled" || registration.status === "expired") calendar.node.hidden = true;
      setText(name, registration.name ?? "");
      setText(email, registration.user_email);
      node.classList.toggle("ticket--whole", stub.hasAttribute("hidden"));
    },
  };
}
