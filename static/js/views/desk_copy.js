// @ts-check
/** A copy of an event, as a draft. */

import { eventAddress } from "../address.js";
import { copyEvent } from "../desk/api.js";
import { disclosureElement } from "../disclosure.js";
import { el } from "../dom.js";
import { explain } from "../explain.js";
import { createField, unsendable } from "../form.js";
import { timeZone } from "../format.js";
import { EVENT_NAME } from "../limits.js";
import { go } from "../navigation.js";
import { createOutcomeArea } from "../outcome.js";
import { submitForm } from "../submit_form.js";
import { showsNothing, trimmed } from "../text.js";
import { t } from "../words.js";
import { createTimeField } from "./time_field.js";

/** @import { BookingEvent } from "../types.js" */

/** @param {BookingEvent} event @param {AbortSignal} signal */
export function createDeskCopy(event, signal) {
  const name = createField({ name: "copy_name", label: t("person.name"), limit: EVENT_NAME, attributes: { autocomplete: "off" } });
  const starts = createTimeField({
    name: "copy_starts_at",
    label: t("event_form.starts"),
    hint: t("copy_event.starts_hint"),
    zone: () => event.timezone ?? timeZone(),
  });
  const button = el("button", { type: "submit", class: "button form__send", "data-testid": "copy-event" }, t("copy_event.submit"));
  const form = el(
    "form",
    { class: "form", novalidate: true, "data-testid": "copy-form", "aria-label": t("copy_event.title") },
    name.node,
    starts.node,
    button,
  );
  const area = createOutcomeArea();
  name.fill(event.name);
  starts.fill(event.starts_at);

  submitForm({
    form,
    button,
    busy: t("copy_event.busy"),
    fields: [name, starts.field],
    area,
    signal,
    nothing: t("create.nothing"),
    check() {
      const { error } = starts.read();
      const missing = showsNothing(name.input.value) ? [{ pointer: "/copy_name", detail: t("event_form.name_missing") }] : [];
      return [...missing, ...unsendable([name]), ...(error ? [{ pointer: "/copy_starts_at", detail: error }] : [])];
    },
    send(write) {
      const { iso } = starts.read();
      const changes = { name: trimmed(name.input.value), ...(iso === (event.starts_at ?? null) ? {} : { starts_at: iso }) };
      return write(["copy", event.id, changes], (key) => copyEvent(event.id, changes, key));
    },
    onSent: (copy) => go(eventAddress(copy.id, "edit")),
    onError: (error) => explain(error, t("create.nothing")),
  });

  return { node: disclosureElement("desk-copy", t("copy_event.title"), el("p", {}, t("copy_event.text")), form, area.node) };
}
