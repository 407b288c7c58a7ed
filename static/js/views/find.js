// @ts-check
/** Recovers a lost private link: it is only mailed to its own address. */

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
import { t } from "../words.js";

/** @import { Refusals } from "../explain.js" */
/** @import { View } from "../types.js" */

/** @param {View} view */
export function findView({ root, signal, setTitle }) {
  setTitle(t("find.title"));
  // Not type="email", as in all address fields: browsers would rewrite it.
  const email = createField({
    name: "user_email",
    label: t("person.your_email"),
    limit: EMAIL,
    attributes: { inputmode: "email", autocomplete: "email", autocapitalize: "none", spellcheck: "false" },
  });
  const button = el("button", { class: "button form__send", type: "submit" }, t("find.send"));
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
    el("a", { class: "back", href: pageAddress("list") }, t("nav.all_events")),
    el(
      "div",
      { class: "page-head" },
      el(
        "div",
        {},
        el("h1", { id: "find-title", tabindex: -1 }, t("find.title")),
        el("p", { class: "lede" }, t("find.lede")),
      ),
    ),
    el("section", { class: "panel", "aria-labelledby": "find-title" }, form, area.node),
  );

  const submission = submitForm({
    form,
    button,
    busy: t("find.busy"),
    fields: [email],
    area,
    signal,
    nothing: t("find.nothing"),
    check() {
      const isMissing = showsNothing(email.input.value);
      return isMissing ? [{ pointer: "/user_email", detail: t("person.enter_email") }] : unsendable([email]);
    },
    asks: mail.asks,
    // A second request sends a second mail at most: it needs no key.
    send: (_write, _pressed, read) => read(() => findRegistrations(trimmed(email.input.value))),
    onSent() {
      email.fill("");
      // The same whether or not the address is registered, which is private.
      area.show({ kind: "asked", title: t("find.asked_title"), text: t("find.asked") });
    },
    onError: (error) => explain(error, t("find.nothing"), REFUSALS),
  });
}

/** @type {Refusals} */
const REFUSALS = {
  not_found: () => ({
    kind: "error",
    title: t("find.no_mail_title"),
    text: t("find.no_mail"),
  }),
};
