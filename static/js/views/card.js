// @ts-check
/** One event in the list: a ticket that is one big link. */

import { el, setText } from "../dom.js";
import { dateElement } from "../format.js";
import { createSeats, seatsLeft } from "../seats.js";

/** @import { BookingEvent } from "../types.js" */

/**
 * @typedef {object} Card
 * @property {HTMLElement} node
 * @property {(event: BookingEvent) => void} update
 * @property {() => void} focus
 */

/** @param {BookingEvent} event @returns {Card} */
export function createCard(event) {
  const link = el("a", {
    href: `#/events/${encodeURIComponent(event.id)}`,
    "data-testid": "event-name",
  });
  const description = el("p", { class: "quiet clamp", dir: "auto" });
  const seats = createSeats();
  const ticket = el(
    "article",
    { class: "ticket" },
    el(
      "div",
      { class: "ticket__body" },
      el("h2", { dir: "auto" }, link),
      description,
      el("p", { class: "stamp" }, "Added ", dateElement(event.created_at)),
    ),
    el("div", { class: "ticket__stub" }, seats.node),
  );
  const node = el("li", { class: "card", "data-testid": "event-card", "data-event-id": event.id }, ticket);

  return {
    node,
    focus: () => link.focus(),
    update(latest) {
      setText(link, latest.name);
      setText(description, latest.description ?? "");
      description.hidden = !latest.description;
      ticket.classList.toggle("ticket--spent", seatsLeft(latest) === 0);
      seats.update(latest);
    },
  };
}
