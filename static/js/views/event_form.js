// @ts-check
/** The fields of an event: the main ones, and others that are collapsed. */

import { disclosureElement } from "../disclosure.js";
import { el } from "../dom.js";
import { createCheckbox, createField, unsendable } from "../form.js";
import { timeZone } from "../format.js";
import { LANGUAGES } from "../language.js";
import { CONTACT, DESCRIPTION, EVENT_NAME, ORGANIZER_NAME, VENUE } from "../limits.js";
import { LANGUAGE_NAMES } from "../page_words.js";
import { showsNothing, trimmed } from "../text.js";
import { zones } from "../time_zones.js";
import { t } from "../words.js";
import { createTimeField } from "./time_field.js";

/** @import { Field } from "../form.js" */
/** @import { BookingEvent, FieldError } from "../types.js" */

/** The server's default. */
const OFFER_SECONDS_DEFAULT = "86400";

/** @returns {[value: string, label: string][]} */
const offers = () => [
  ["", t("event_form.offer_none")],
  ["900", t("event_form.offer_minutes", { count: 15 })],
  ["3600", t("event_form.offer_hours", { count: 1 })],
  ["21600", t("event_form.offer_hours", { count: 6 })],
  [OFFER_SECONDS_DEFAULT, t("event_form.offer_days", { count: 1 })],
  ["259200", t("event_form.offer_days", { count: 3 })],
  ["604800", t("event_form.offer_days", { count: 7 })],
];

/** The server's default. */
export const LANGUAGE_DEFAULT = "en";

/** Values by their names in the request. Null clears one. @typedef {Record<string, unknown>} Values */

export function createEventForm() {
  const name = createField({
    name: "name",
    label: t("person.name"),
    limit: EVENT_NAME,
    hint: t("event_form.name_hint", { max: EVENT_NAME.max }),
    attributes: { autocomplete: "off" },
  });
  const description = createField({
    name: "description",
    label: t("event_form.description"),
    optional: true,
    multiline: true,
    limit: DESCRIPTION,
    hint: t("event_form.description_hint", { max: DESCRIPTION.max }),
  });
  // A text field: number fields hide invalid input from the page, and scroll wheels change them unnoticed.
  const capacity = createField({
    name: "capacity",
    label: t("event_form.seats"),
    hint: t("event_form.seats_hint"),
    attributes: { inputmode: "numeric", autocomplete: "off", class: "field__input field__input--short" },
  });
  const zone = createField({
    name: "timezone",
    label: t("event_form.zone"),
    hint: t("event_form.zone_hint"),
    options: zones().map((zone) => [zone, zone.replaceAll("_", " ")]),
    optional: true,
  });
  const venue = createField({
    name: "venue",
    label: t("event_form.venue"),
    optional: true,
    limit: VENUE,
    attributes: { autocomplete: "off" },
  });
  const zoneNow = () => zone.input.value || timeZone();
  const starts = createTimeField({ name: "starts_at", label: t("event_form.starts"), zone: zoneNow });
  const ends = createTimeField({ name: "ends_at", label: t("event_form.ends"), zone: zoneNow });
  const opens = createTimeField({ name: "opens_at", label: t("event_form.opens"), zone: zoneNow });
  const closes = createTimeField({ name: "closes_at", label: t("event_form.closes"), zone: zoneNow });
  const times = { starts_at: starts, ends_at: ends, opens_at: opens, closes_at: closes };
  const organizer = createField({
    name: "organizer_name",
    label: t("event_form.organizer"),
    optional: true,
    limit: ORGANIZER_NAME,
    hint: t("event_form.organizer_hint", { max: ORGANIZER_NAME.max }),
    attributes: { autocomplete: "off" },
  });
  const contact = createField({
    name: "contact",
    label: t("event_form.contact"),
    optional: true,
    limit: CONTACT,
    hint: t("event_form.contact_hint", { max: CONTACT.max }),
    attributes: { autocomplete: "off", autocapitalize: "none", spellcheck: "false" },
  });
  const unlisted = createCheckbox({
    name: "unlisted",
    label: t("event_form.unlisted"),
    hint: t("event_form.unlisted_hint"),
  });
  const waitlist = createCheckbox({
    name: "waitlist_enabled",
    label: t("event_form.waitlist"),
    hint: t("event_form.waitlist_hint"),
  });
  const conceal = createCheckbox({
    name: "conceal_registered",
    label: t("event_form.conceal"),
    hint: t("event_form.conceal_hint"),
  });
  const offer = createField({
    name: "offer_ttl_seconds",
    label: t("event_form.offer"),
    options: offers(),
    optional: true,
  });
  const retention = createField({
    name: "retention_days",
    label: t("event_form.retention"),
    optional: true,
    hint: t("event_form.retention_hint", { max: 3_650 }),
    attributes: { inputmode: "numeric", autocomplete: "off", class: "field__input field__input--short" },
  });
  const confirm = createCheckbox({
    name: "confirm_address",
    label: t("event_form.confirm"),
    hint: t("event_form.confirm_hint"),
  });
  const language = createField({
    name: "language",
    label: t("event_form.language"),
    options: LANGUAGES.map((one) => [one, t(LANGUAGE_NAMES[one])]),
    optional: true,
  });
  const remind = createField({
    name: "remind_hours",
    label: t("event_form.remind"),
    optional: true,
    hint: t("event_form.remind_hint", { max: 720 }),
    attributes: { inputmode: "numeric", autocomplete: "off", class: "field__input field__input--short" },
  });
  const more = disclosureElement(
    "more-fields",
    t("event_form.more"),
    el(
      "div",
      { class: "form form--optional" },
      ends.node,
      el("p", { class: "field__hint" }, t("event_form.hint_over")),
      el("div", { class: "pair" }, opens.node, closes.node),
      el("p", { class: "field__hint" }, t("event_form.hint_closed")),
      organizer.node,
      contact.node,
      unlisted.node,
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
    organizer,
    contact,
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
  // Without a waitlist nothing is offered.
  const drawOffer = () => {
    offer.node.hidden = !waitlist.input.checked;
  };
  waitlist.input.addEventListener("change", drawOffer);
  drawOffer();

  /** Accepts a zone that this browser does not list. @param {string} wanted */
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
        organizer_name: blankToNull(trimmed(organizer.input.value)),
        contact: blankToNull(trimmed(contact.input.value)),
        unlisted: unlisted.input.checked,
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
      if (isWanted("organizer_name")) organizer.fill(event.organizer_name ?? "");
      if (isWanted("contact")) contact.fill(event.contact ?? "");
      if (isWanted("unlisted")) unlisted.input.checked = event.unlisted ?? false;
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
      setOption(offer.input, seconds, t("event_form.offer_seconds", { count: Number(seconds) }));
    },
  };
}

/** Both ends are known here; the error is shown at the later. @param {Values} values @returns {FieldError[]} */
const outOfOrder = (values) =>
  IN_ORDER.flatMap(([from, to, key]) => {
    const [first, last] = [Date.parse(String(values[from])), Date.parse(String(values[to]))];
    return last < first ? [{ pointer: `/${to}`, detail: t(key) }] : [];
  });

/** The last is the key of the error's text. @type {[from: string, to: string, key: string][]} */
const IN_ORDER = [
  ["starts_at", "ends_at", "event_form.end_first"],
  ["opens_at", "closes_at", "event_form.close_first"],
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
 * Only input that cannot be sent is caught here; the server checks everything else.
 *
 * @param {string} name
 * @param {string} capacity
 * @param {string} remind
 * @param {string} retention
 * @returns {FieldError[]}
 */
function blanks(name, capacity, remind, retention) {
  const errors = [];
  if (showsNothing(name)) errors.push({ pointer: "/name", detail: t("event_form.name_missing") });
  if (!/^\d{1,15}$/.test(capacity.trim())) {
    errors.push({ pointer: "/capacity", detail: t("event_form.seats_wrong") });
  }
  if (!/^\d{0,15}$/.test(remind.trim())) {
    errors.push({ pointer: "/remind_hours", detail: t("event_form.remind_wrong") });
  }
  if (!/^\d{0,15}$/.test(retention.trim())) {
    errors.push({ pointer: "/retention_days", detail: t("event_form.retention_wrong") });
  }
  return errors;
}
