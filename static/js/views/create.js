// @ts-check
/** Creating an event. */

import { eventAddress, pageAddress } from "../address.js";
import { createEvent } from "../api.js";
import { el } from "../dom.js";
import { keepDraft } from "../draft.js";
import { createCheckbox } from "../form.js";
import { guardLeaving } from "../leave_guard.js";
import { go } from "../navigation.js";
import { createOutcomeArea } from "../outcome.js";
import { submitForm } from "../submit_form.js";
import { t } from "../words.js";
import { LANGUAGE_DEFAULT, createEventForm } from "./event_form.js";
import { createTicketPreview } from "./ticket_preview.js";

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
  const written = keepDraft(form, "event");
  guardLeaving(written.isDirty, signal);
  root.append(
    el("a", { class: "back", href: pageAddress("list") }, t("nav.all_events")),
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
    ...(written.isRestored ? [draftNotice(written.startOver)] : []),
    el(
      "div",
      { class: "create" },
      el("div", {}, form, el("div", { class: "panel" }, area.node)),
      createTicketPreview(form, () => eventForm.read().values).node,
    ),
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
      written.done();
      go(eventAddress(event.id));
    },
  });
}

/** @param {() => void} startOver */
function draftNotice(startOver) {
  const again = el("button", { type: "button", class: "link-button", "data-testid": "start-over" }, t("draft.start_over"));
  const notice = el(
    "p",
    { class: "draft-notice", role: "status", "data-testid": "draft-notice" },
    t("draft.restored"), " ",
    again,
  );
  again.addEventListener("click", () => {
    startOver();
    notice.remove();
    document.getElementById("field-name")?.focus();
  });
  return notice;
}

/**
 * Only what applies: a time zone only with times, a time to accept only with a waitlist. Whether there is a
 * waitlist is always sent: the server's default is to have one.
 *
 * @param {Values} values
 * @param {boolean} isDraft
 */
function bodyOf(values, isDraft) {
  const { timezone, waitlist_enabled, offer_ttl_seconds, conceal_registered, ...rest } = values;
  const { language, confirm_address, unlisted, ...others } = rest;
  const given = Object.fromEntries(Object.entries(others).filter(([, value]) => value !== null));
  const hasTime = ["starts_at", "ends_at", "opens_at", "closes_at"].some((key) => key in given);
  return {
    ...given,
    ...(hasTime ? { timezone } : {}),
    waitlist_enabled,
    ...(waitlist_enabled ? { offer_ttl_seconds } : {}),
    ...(conceal_registered ? { conceal_registered } : {}),
    ...(confirm_address ? { confirm_address } : {}),
    ...(unlisted ? { unlisted } : {}),
    ...(language === LANGUAGE_DEFAULT ? {} : { language }),
    ...(isDraft ? { status: "draft" } : {}),
  };
}
