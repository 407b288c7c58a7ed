// @ts-check
/** Creating an event. */

import { eventAddress } from "../address.js";
import { createEvent } from "../api.js";
import { el } from "../dom.js";
import { createCheckbox } from "../form.js";
import { createOutcomeArea } from "../outcome.js";
import { submitForm } from "../submit_form.js";
import { t } from "../words.js";
import { LANGUAGE_DEFAULT, createEventForm } from "./event_form.js";

/** @import { View } from "../types.js" */
/** @import { Values } from "./event_form.js" */

/** @param {View} view */
export function newEventView({ root, signal, setTitle }) {
  setTitle(t("nav.create"));
  const eventForm = createEventForm();
  const draft = createCheckbox({
    name: "draft",
    label: t("create.draft"),
    hint: t("create.draft_hint"),
  });
  const button = el("button", { class: "button form__send", type: "submit" }, t("nav.create"));
  const form = el(
    "form",
    { class: "form", novalidate: true, "data-testid": "create-form", "aria-labelledby": "create-title" },
    eventForm.node,
    draft.node,
    button,
  );
  const area = createOutcomeArea();
  root.append(
    el("a", { class: "back", href: "#/" }, t("nav.all_events")),
    el(
      "div",
      { class: "page-head" },
      el(
        "div",
        {},
        el("h1", { tabindex: -1, id: "create-title" }, t("nav.create")),
        el("p", { class: "lede" }, t("create.lede")),
      ),
    ),
    form,
    el("div", { class: "panel" }, area.node),
  );

  submitForm({
    form,
    button,
    busy: t("create.busy"),
    fields: eventForm.fields,
    area,
    signal,
    nothing: t("create.nothing"),
    check: () => eventForm.read().errors,
    send(write) {
      const body = bodyOf(eventForm.read().values, draft.input.checked);
      return write(["event", body], (key) => createEvent(body, key));
    },
    onSent(event) {
      location.hash = eventAddress(event.id);
    },
  });
}

/**
 * Only what was asked for: a time zone says something of times alone, and time to accept of a waitlist.
 * Whether there is one is always said: a server that is not told makes one.
 *
 * @param {Values} values
 * @param {boolean} isDraft
 */
function bodyOf(values, isDraft) {
  const { timezone, waitlist_enabled, offer_ttl_seconds, conceal_registered, ...rest } = values;
  const { language, confirm_address, ...others } = rest;
  const given = Object.fromEntries(Object.entries(others).filter(([, value]) => value !== null));
  const hasTime = ["starts_at", "ends_at", "opens_at", "closes_at"].some((key) => key in given);
  return {
    ...given,
    ...(hasTime ? { timezone } : {}),
    waitlist_enabled,
    ...(waitlist_enabled ? { offer_ttl_seconds } : {}),
    ...(conceal_registered ? { conceal_registered } : {}),
    ...(confirm_address ? { confirm_address } : {}),
    ...(language === LANGUAGE_DEFAULT ? {} : { language }),
    ...(isDraft ? { status: "draft" } : {}),
  };
}
