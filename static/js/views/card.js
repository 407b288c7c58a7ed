// @ts-check
/** One event in the list: a ticket that is one big link. */

import { eventAddress } from "../address.js";
import { createChanged } from "../changed.js";
import { createDateBlock } from "../date_block.js";
import { el, setLanguage, setText } from "../dom.js";
import { formatMoment } from "../event_times.js";
import { createSeats, isScarce, isSpent } from "../seats.js";
import { nameShown, withoutMarks } from "../text.js";
import { badgeOf, badgeElement, unlistedElement } from "./event_facts.js";

/** @import { BookingEvent } from "../types.js" */

/**
 * @typedef {object} Card
 * @property {HTMLElement} node
 * @property {(event: BookingEvent) => void} update
 * @property {(options?: FocusOptions) => void} focus
 */

/** @param {BookingEvent} event @returns {Card} */
export function createCard(event) {
  const link = el("a", {
    href: eventAddress(event.id),
    "data-testid": "event-name",
  });
  const date = createDateBlock();
  const description = el("p", { class: "quiet clamp card__description", dir: "auto" });
  const place = createPlace();
  const seats = createSeats();
  const ticket = el(
    "article",
    { class: "ticket" },
    el(
      "div",
      { class: "ticket__body" },
      date.node,
      el("div", { class: "card__text" }, el("h3", { dir: "auto" }, link), place.node, description),
    ),
    el("div", { class: "ticket__stub" }, seats.node),
  );
  const node = el("li", { class: "card", "data-testid": "event-card", "data-event-id": event.id }, ticket);

  return {
    node,
    focus: (options) => link.focus(options),
    update(latest) {
      setText(link, nameShown(latest.name));
      setText(description, withoutMarks(latest.description ?? ""));
      description.hidden = !latest.description;
      // Read aloud and hyphenated in the event's language.
      setLanguage(latest.language, link, description);
      date.update(latest);
      place.update(latest);
      ticket.classList.toggle("ticket--spent", isSpent(latest));
      ticket.classList.toggle("ticket--few", isScarce(latest));
      seats.update(latest);
    },
  };
}

/** When and where it is, and its badge if it has one. */
function createPlace() {
  const node = el("div", { class: "card__place" });
  const isChanged = createChanged();

  return {
    node,
    /** @param {BookingEvent} event */
    update(event) {
      const { starts_at, timezone, venue, unlisted } = event;
      if (!isChanged(badgeOf(event), starts_at, timezone, venue, unlisted)) return;
      const badges = [badgeElement(event), unlistedElement(event)].filter((badge) => badge !== null);
      const time = starts_at && el("span", {}, formatMoment(starts_at, timezone));
      // The time before the venue stays as it is, in either writing direction.
      const where = venue && el("bdi", {}, venue);
      const words = el("p", { class: "card__when" }, time, time && where && " · ", where);
      node.replaceChildren(...(time || where ? [words] : []), ...badges);
      node.hidden = node.childElementCount === 0;
    },
  };
}
