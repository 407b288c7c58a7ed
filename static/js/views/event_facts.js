// @ts-check
/** When and where an event is, how long its waitlist is, and whether it was cancelled. */

import { sharedAddress } from "../address.js";
import { calendarPath } from "../api.js";
import { googleUrl, outlookUrl } from "../calendar_links.js";
import { createChanged } from "../changed.js";
import { serverNow } from "../clock.js";
import { contactHref, isPage } from "../contact_link.js";
import { el } from "../dom.js";
import { mapUrl, siteOf } from "../place_link.js";
import { isOver } from "../registration_window.js";
import { formatNumber } from "../format.js";
import { currentSession } from "../session.js";
import { whenElement } from "../event_times.js";
import { t } from "../words.js";

/** @import { BookingEvent } from "../types.js" */

/** @returns {{ node: HTMLElement, update: (event: BookingEvent) => void }} */
export function createEventFacts() {
  const node = el("div", { class: "event-facts" });
  const isChanged = createChanged();

  return {
    node,
    update(event) {
      const { starts_at, ends_at, timezone, venue, organizer_name, contact, waitlist_count, retention_days } = event;
      const about = [starts_at, ends_at, timezone, venue, organizer_name, contact];
      if (!isChanged(badgeOf(event), about, waitlist_count, retention_days)) return;
      node.replaceChildren(...partsOf(event));
      node.hidden = node.childElementCount === 0;
    },
  };
}

/** @param {BookingEvent} event */
function partsOf(event) {
  const when = whenElement(event);
  const waiting = event.waitlist_count ?? 0;
  const rows = [
    when && [t("facts.when"), when],
    event.venue && [t("facts.where"), venueElement(event.venue, event.language)],
    (event.organizer_name || event.contact) && [t("facts.by"), organizerElement(event)],
    waiting > 0 && [
      t("facts.waiting"),
      el("span", { "data-testid": "waitlist-count", "data-count": waiting }, formatNumber(waiting)),
    ],
    event.retention_days != null && [
      t("facts.your_data"),
      el("span", { "data-testid": "event-retention" }, erasedWhen(event.retention_days)),
    ],
  ].filter((row) => Array.isArray(row));
  const badge = badgeElement(event);
  const facts = el("dl", { class: "facts facts--plain" });
  for (const [term, value] of rows) facts.append(el("dt", {}, term), el("dd", {}, value));
  return [
    ...(badge ? [badge] : []),
    ...(rows.length > 0 ? [facts] : []),
  ];
}

/** Links to calendars and to the venue, as long as the event lies ahead. */
export function createCalendarLinks() {
  const node = el("p", { class: "links" });
  const isChanged = createChanged();

  return {
    node,
    /** @param {BookingEvent} event */
    update(event) {
      const { name, starts_at, ends_at, venue } = event;
      node.hidden = !isToCome(event) || !(starts_at || mapUrl(venue ?? ""));
      if (!isChanged(node.hidden || [name, starts_at, ends_at, venue])) return;
      node.replaceChildren(...(node.hidden ? [] : calendarLinks(event)));
    },
  };
}

/**
 * Whether it is public and lies ahead. A link carries no token, so it cannot lead to a draft.
 *
 * @param {BookingEvent} event
 */
function isToCome(event) {
  const badge = badgeOf(event);
  return badge === null || (badge === "draft" && currentSession().server !== "asks");
}

/** @param {string} venue @param {BookingEvent["language"]} lang */
function venueElement(venue, lang) {
  const site = siteOf(venue);
  const place = site === null ? venue : el("a", { href: site, ...OUTSIDE }, venue);
  return el("span", { dir: "auto", lang, "data-testid": "event-venue" }, place);
}

/** The organizer and the contact. @param {BookingEvent} event */
function organizerElement({ organizer_name, contact }) {
  const name = organizer_name && el("bdi", {}, organizer_name);
  const href = contact ? contactHref(contact) : null;
  const link = contact && href && el(
    "a",
    { href, "data-testid": "event-contact", ...(isPage(contact) ? OUTSIDE : { rel: OUTSIDE.rel }) },
    isPage(contact) ? t(name ? "facts.contact" : "facts.ask") : contact,
  );
  return el("span", { "data-testid": "event-organizer" }, name, name && link && " · ", link);
}

/** @param {number} days */
const erasedWhen = (days) => (days === 0 ? t("facts.erased_at_end") : t("facts.erased", { count: days }));

/** Other sites open in a new tab. */
const OUTSIDE = { target: "_blank", rel: "noopener noreferrer" };

const BADGES = { draft: "badge.draft", cancelled: "badge.cancelled", over: "seats.over" };

/** Its badge, if it has one. @param {BookingEvent} event @returns {keyof typeof BADGES | null} */
export function badgeOf(event) {
  if (event.status === "draft" || event.status === "cancelled") return event.status;
  return isOver(event, serverNow()) ? "over" : null;
}

/** @param {BookingEvent} event */
export function badgeElement(event) {
  const badge = badgeOf(event);
  if (badge === null) return null;
  return el(
    "p",
    { class: `badge badge--${badge}`, "data-testid": "event-status", "data-status": badge },
    t(BADGES[badge]),
  );
}

/** Shown to its organizer: no public list has it. @param {BookingEvent} event */
export const unlistedElement = ({ unlisted }) =>
  unlisted ? el("p", { class: "badge badge--unlisted", "data-testid": "event-unlisted" }, t("badge.unlisted")) : null;

/** @param {BookingEvent} event */
function calendarLinks(event) {
  const address = sharedAddress(event.id);
  const map = mapUrl(event.venue ?? "");
  const calendars = () => [
    el("span", { class: "quiet" }, t("facts.calendar")),
    el("a", { href: googleUrl(event, address), "data-testid": "calendar-google", ...OUTSIDE }, t("calendar.google")),
    el("a", { href: outlookUrl(event, address), "data-testid": "calendar-outlook", ...OUTSIDE }, t("calendar.outlook")),
    el(
      "a",
      { href: calendarPath(event.id), download: "event.ics", "data-testid": "add-to-calendar" },
      t("calendar.other"),
    ),
  ];
  return [
    // Without a time it is in no calendar.
    ...(event.starts_at ? calendars() : []),
    ...(map === null ? [] : [el("a", { href: map, "data-testid": "venue-map", ...OUTSIDE }, t("facts.map"))]),
  ];
}
