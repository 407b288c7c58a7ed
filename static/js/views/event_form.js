// @ts-check
/** The fields of an event: those that are asked for first, and the others under a fold. */

import { disclosureElement } from "../disclosure.js";
import { el } from "../dom.js";
import { createCheckbox, createField, unsendable } from "../form.js";
import { timeZone } from "../format.js";
import { DESCRIPTION, EVENT_NAME, VENUE } from "../limits.js";
import { showsNothing, trimmed } from "../text.js";
import { zones } from "../time_zones.js";
import { createTimeField } from "./time_field.js";

/** @import { Field } from "../form.js" */
/** @import { BookingEvent, FieldError } from "../types.js" */

/** What the server takes if nothing is said. */
const OFFER_SECONDS_DEFAULT = "86400";

/** @type {[value: string, label: string][]} */
const OFFERS = [
  ["", "Not at all: the seat is theirs at once"],
  ["900", "15 minutes"],
  ["3600", "1 hour"],
  ["21600", "6 hours"],
  [OFFER_SECONDS_DEFAULT, "1 day"],
  ["259200", "3 days"],
  ["604800", "7 days"],
];

/** What the server takes if nothing is said. */
export const LANGUAGE_DEFAULT = "en";

/** @type {[value: string, label: string][]} */
const LANGUAGES = [
  [LANGUAGE_DEFAULT, "English"],
  ["de", "Deutsch"],
];

const HINT_OVER =
  "Once it has ended it is over, and nobody can get a seat any more. Without an end that is a day after its start.";
const HINT_CLOSED =
  "Once registration has closed nobody new can come. Who waits in line still gets seats that come free.";

/** What can be sent, by its name there. Null clears it. @typedef {Record<string, unknown>} Values */

export function createEventForm() {
  const name = createField({
    name: "name",
    label: "Name",
    limit: EVENT_NAME,
    hint: "Up to 200 characters.",
    attributes: { autocomplete: "off" },
  });
  const description = createField({
    name: "description",
    label: "Description",
    optional: true,
    multiline: true,
    limit: DESCRIPTION,
    hint: "What it is, and what to bring, in up to 10,000 characters. Line breaks are kept.",
  });
  // A text field: number fields hide from the page what was typed if it is no number, and scroll wheels
  // change them unseen.
  const capacity = createField({
    name: "capacity",
    label: "Seats",
    hint: "A whole number.",
    attributes: { inputmode: "numeric", autocomplete: "off", class: "field__input field__input--short" },
  });
  const zone = createField({
    name: "timezone",
    label: "Time zone",
    hint: "All times of the event are on its clock.",
    options: zones().map((zone) => [zone, zone.replaceAll("_", " ")]),
    optional: true,
  });
  const venue = createField({
    name: "venue",
    label: "Venue",
    optional: true,
    limit: VENUE,
    attributes: { autocomplete: "off" },
  });
  const zoneNow = () => zone.input.value || timeZone();
  const starts = createTimeField({ name: "starts_at", label: "Starts", zone: zoneNow });
  const ends = createTimeField({ name: "ends_at", label: "Ends", zone: zoneNow });
  const opens = createTimeField({ name: "opens_at", label: "Registration opens", zone: zoneNow });
  const closes = createTimeField({ name: "closes_at", label: "Registration closes", zone: zoneNow });
  const times = { starts_at: starts, ends_at: ends, opens_at: opens, closes_at: closes };
  const waitlist = createCheckbox({
    name: "waitlist_enabled",
    label: "Waitlist",
    hint: "Once it is full, people may wait in line for a seat that comes free.",
  });
  const conceal = createCheckbox({
    name: "conceal_registered",
    label: "Hide who is registered",
    hint: "When it is sold out or closed, say only that, also to somebody who is registered already.",
  });
  const offer = createField({
    name: "offer_ttl_seconds",
    label: "Time to accept a seat that came free",
    options: OFFERS,
    optional: true,
  });
  const retention = createField({
    name: "retention_days",
    label: "Days after the end until personal data is erased",
    optional: true,
    hint: "Up to 3,650. Then addresses and names go, and the counts stay.",
    attributes: { inputmode: "numeric", autocomplete: "off", class: "field__input field__input--short" },
  });
  const confirm = createCheckbox({
    name: "confirm_address",
    label: "Confirm addresses by mail",
    hint: "A seat is kept for 30 minutes, until a link in a mail confirms it. Nobody can take somebody else’s address.",
  });
  const language = createField({
    name: "language",
    label: "Language of its mails",
    options: LANGUAGES,
    optional: true,
  });
  const remind = createField({
    name: "remind_hours",
    label: "Hours before the start to remind people by mail",
    optional: true,
    hint: "Up to 720. Left empty, nobody is reminded.",
    attributes: { inputmode: "numeric", autocomplete: "off", class: "field__input field__input--short" },
  });
  const more = disclosureElement(
    "more-fields",
    "End, doors, waitlist, mail and privacy (all optional)",
    el(
      "div",
      { class: "form form--optional" },
      ends.node,
      el("p", { class: "field__hint" }, HINT_OVER),
      el("div", { class: "pair" }, opens.node, closes.node),
      el("p", { class: "field__hint" }, HINT_CLOSED),
      waitlist.node,
      offer.node,
      conceal.node,
      confirm.node,
      language.node,
      remind.node,
      retention.node,
    ),
  );
  const all = [
    name,
    description,
    capacity,
    zone,
    venue,
    offer,
    language,
    remind,
    retention,
    ...Object.values(times).map(({ field }) => field),
  ];

  zone.input.addEventListener("change", () => {
    for (const time of Object.values(times)) time.check();
  });
  setZone(timeZone());
  offer.input.value = OFFER_SECONDS_DEFAULT;
  // Where nobody waits nothing is offered.
  const drawOffer = () => {
    offer.node.hidden = !waitlist.input.checked;
  };
  waitlist.input.addEventListener("change", drawOffer);
  drawOffer();

  /** Also one that this browser does not list. @param {string} wanted */
  function setZone(wanted) {
    setOption(zone.input, wanted, wanted);
  }

  return {
    fields: all,
    node: el(
      "div",
      { class: "form__fields" },
      name.node,
      el("div", { class: "pair" }, starts.node, zone.node),
      venue.node,
      capacity.node,
      description.node,
      more,
    ),

    /** @returns {{ values: Values, errors: FieldError[] }} */
    read() {
      const errors = [
        ...blanks(name.input.value, capacity.input.value, remind.input.value, retention.input.value),
        ...unsendable(all),
      ];
      /** @type {Values} */
      const values = {
        name: trimmed(name.input.value),
        description: blankToNull(description.input.value),
        capacity: Number(capacity.input.value.trim()),
        venue: blankToNull(trimmed(venue.input.value)),
        timezone: zoneNow(),
        waitlist_enabled: waitlist.input.checked,
        conceal_registered: conceal.input.checked,
        confirm_address: confirm.input.checked,
        language: language.input.value,
        remind_hours: numberOrNull(remind.input.value),
        offer_ttl_seconds: offer.input.value === "" ? null : Number(offer.input.value),
        retention_days: numberOrNull(retention.input.value),
      };
      for (const [key, time] of Object.entries(times)) {
        const { iso, error } = time.read();
        values[key] = iso;
        if (error !== null) errors.push({ pointer: `/${key}`, detail: error });
      }
      errors.push(...outOfOrder(values));
      return { values, errors };
    },

    /** @param {Partial<BookingEvent>} event @param {(key: string) => boolean} [isWanted] */
    fill(event, isWanted = () => true) {
      if (isWanted("timezone")) setZone(event.timezone ?? timeZone());
      if (isWanted("name")) name.fill(event.name ?? "");
      if (isWanted("description")) description.fill(event.description ?? "");
      if (isWanted("capacity")) capacity.input.value = String(event.capacity ?? "");
      if (isWanted("venue")) venue.fill(event.venue ?? "");
      if (isWanted("waitlist_enabled")) waitlist.input.checked = event.waitlist_enabled ?? false;
      drawOffer();
      if (isWanted("conceal_registered")) conceal.input.checked = event.conceal_registered ?? false;
      if (isWanted("confirm_address")) confirm.input.checked = event.confirm_address ?? false;
      if (isWanted("language")) language.input.value = event.language ?? LANGUAGE_DEFAULT;
      if (isWanted("remind_hours")) remind.input.value = String(event.remind_hours ?? "");
      if (isWanted("retention_days")) retention.input.value = String(event.retention_days ?? "");
      for (const key of /** @type {(keyof typeof times)[]} */ (Object.keys(times))) {
        if (isWanted(key)) times[key].fill(event[key]);
      }
      if (!isWanted("offer_ttl_seconds")) return;
      const seconds =
        event.offer_ttl_seconds === null ? "" : String(event.offer_ttl_seconds ?? OFFER_SECONDS_DEFAULT);
      setOption(offer.input, seconds, `${seconds} seconds`);
    },
  };
}

/** Both ends are known here, and the later is the one to look at. @param {Values} values @returns {FieldError[]} */
const outOfOrder = (values) =>
  IN_ORDER.flatMap(([from, to, detail]) => {
    const [first, last] = [Date.parse(String(values[from])), Date.parse(String(values[to]))];
    return last < first ? [{ pointer: `/${to}`, detail }] : [];
  });

/** @type {[from: string, to: string, detail: string][]} */
const IN_ORDER = [
  ["starts_at", "ends_at", "The event cannot end before it starts."],
  ["opens_at", "closes_at", "Registration cannot close before it opens."],
];

/** @param {Field["input"]} select @param {string} value @param {string} text */
function setOption(select, value, text) {
  select.value = value;
  if (select.value === value) return;
  select.append(el("option", { value }, text));
  select.value = value;
}

/** @param {string} text */
const numberOrNull = (text) => (text.trim() === "" ? null : Number(text.trim()));

/** @param {string} text */
const blankToNull = (text) => (trimmed(text) === "" ? null : text);

/**
 * Only what cannot be sent is caught here; everything else is the server's to judge, in one place.
 *
 * @param {string} name
 * @param {string} capacity
 * @param {string} remind
 * @param {string} retention
 * @returns {FieldError[]}
 */
function blanks(name, capacity, remind, retention) {
  const errors = [];
  if (showsNothing(name)) errors.push({ pointer: "/name", detail: "Give the event a name." });
  if (!/^\d{1,15}$/.test(capacity.trim())) {
    errors.push({ pointer: "/capacity", detail: "Give the seats as a whole number, such as 40." });
  }
  if (!/^\d{0,15}$/.test(remind.trim())) {
    errors.push({ pointer: "/remind_hours", detail: "Give the hours as a whole number, such as 24." });
  }
  if (!/^\d{0,15}$/.test(retention.trim())) {
    errors.push({ pointer: "/retention_days", detail: "Give the days as a whole number, such as 30." });
  }
  return errors;
}
