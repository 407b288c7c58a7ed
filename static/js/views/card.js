// @ts-check
/** One event in the list: a ticket that is one big link. */

import { eventAddress } from "../address.js";
import { el, setLanguage, setText } from "../dom.js";
import { dateElement } from "../format.js";
import { createSeats, isSpent } from "../seats.js";
import { nameShown } from "../text.js";
import { formatMoment } from "../event_times.js";
import { tNodes } from "../words.js";
import { badgeOf, badgeElement } from "./event_facts.js";

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
    href: eventAddress(event.id),
    "data-testid": "event-name",
  });
  const description = el("p", { class: "quiet clamp", dir: "auto" });
  const place = el("div", { class: "card__place" });
  const seats = createSeats();
  const ticket = el(
    "article",
    { class: "ticket" },
    el(
      "div",
      { class: "ticket__body" },
      el("h2", { dir: "auto" }, link),
      place,
      description,
      el("p", { class: "stamp" }, ...tNodes("event.added", { time: dateElement(event.created_at) })),
    ),
    el("div", { class: "ticket__stub" }, seats.node),
  );
  const node = el("li", { class: "card", "data-testid": "event-card", "data-event-id": event.id }, ticket);

  return {
    node,
    focus: () => link.focus(),
    update(latest) {
      setText(link, nameShown(latest.name));
      // Read out, and broken at the ends of lines, as the event's language does.
      setLanguage(link, latest.language);
      setLanguage(description, latest.language);
      setText(description, latest.description ?? "");
      description.hidden = !latest.description;
      drawPlace(place, latest);
      ticket.classList.toggle("ticket--spent", isSpent(latest));
      seats.update(latest);
    },
  };
}

/** @param {HTMLElement} place @param {BookingEvent} event */
function drawPlace(place, event) {
  const { starts_at, timezone, venue } = event;
  const now = JSON.stringify([badgeOf(event), starts_at, timezone, venue]);
  if (place.dataset.drawn === now) return;
  place.dataset.drawn = now;
  const badge = badgeElement(event);
  const time = starts_at && el("span", {}, formatMoment(starts_at, timezone));
  // Whichever way the place is written, the time before it stays as it is.
  const where = venue && el("bdi", {}, venue);
  const words = el("p", {}, time, time && where && " · ", where);
  place.replaceChildren(...(badge ? [badge] : []), ...(time || where ? [words] : []));
  place.hidden = place.childElementCount === 0;
}
