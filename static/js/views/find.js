// @ts-check
/** For who has lost their private link: it is mailed to the address that it belongs to, and shown to nobody. */

import { pageAddress } from "../address.js";
import { findRegistrations } from "../api.js";
import { el } from "../dom.js";
import { explain } from "../explain.js";
import { createField, unsendable } from "../form.js";
import { EMAIL } from "../limits.js";
import { createMailQuestion } from "../mail_question.js";
import { createOutcomeArea } from "../outcome.js";
import { submitForm } from "../submit_form.js";
import { showsNothing, trimmed } from "../text.js";

/** @import { Outcome, Refusals } from "../explain.js" */
/** @import { View } from "../types.js" */

/** @param {View} view */
export function findView({ root, signal, setTitle }) {
  setTitle("Find your registrations");
  // Not type="email", as wherever an address is typed: browsers would rewrite it.
  const email = createField({
    name: "user_email",
    label: "Your e-mail address",
    limit: EMAIL,
    attributes: { inputmode: "email", autocomplete: "email", autocapitalize: "none", spellcheck: "false" },
  });
  const button = el("button", { class: "button form__send", type: "submit" }, "Mail me my links");
  const form = el(
    "form",
    { class: "form", novalidate: true, "data-testid": "find-form", "aria-labelledby": "find-title" },
    email.node,
    button,
  );
  const area = createOutcomeArea();
  const mail = createMailQuestion(email, (pressed) => submission.again(pressed));
  form.append(mail.node);
  root.append(
    el("a", { class: "back", href: pageAddress("list") }, "← All events"),
    el(
      "div",
      { class: "page-head" },
      el(
        "div",
        {},
        el("h1", { id: "find-title", tabindex: -1 }, "Find your registrations"),
        el("p", { class: "lede" }, "A mail brings you the private links of all that you are registered for."),
      ),
    ),
    el("section", { class: "panel", "aria-labelledby": "find-title" }, form, area.node),
  );

  const submission = submitForm({
    form,
    button,
    busy: "Asking…",
    fields: [email],
    area,
    signal,
    nothing: NOTHING_SENT,
    check() {
      const isMissing = showsNothing(email.input.value);
      return isMissing ? [{ pointer: "/user_email", detail: "Enter an e-mail address." }] : unsendable([email]);
    },
    asks: mail.asks,
    // To ask twice is to get a second mail at most: it needs no key.
    send: (_write, _pressed, read) => read(() => findRegistrations(trimmed(email.input.value))),
    onSent() {
      email.fill("");
      area.show(ASKED);
    },
    onError: (error) => explain(error, NOTHING_SENT, REFUSALS),
  });
}

const NOTHING_SENT = "No mail was asked for.";

/** The same whoever is registered: it is nobody else's concern. @type {Outcome} */
const ASKED = {
  kind: "asked",
  title: "Look into your mail",
  text:
    "If anything is registered for this address, a mail with its links is on its way. It may take a minute, and " +
    "may be among what your mail program takes for spam.",
};

/** @type {Refusals} */
const REFUSALS = {
  not_found: () => ({
    kind: "error",
    title: "This server sends no mail",
    text: "The organizer of the event can make a new link for you.",
  }),
};
