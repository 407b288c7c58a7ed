// @ts-check
/** The form for an organizer's token. */

import { el } from "../dom.js";
import { createField } from "../form.js";
import { createOutcomeArea } from "../outcome.js";
import { signIn } from "../session.js";
import { submitForm } from "../submit_form.js";
import { trimmedCode } from "../text.js";
import { t } from "../words.js";

/**
 * Only the form. Listeners of the session handle a success.
 *
 * @param {AbortSignal} signal
 */
export function createSignIn(signal) {
  // A password to browsers: hidden, and stored only by password managers.
  const field = createField({
    name: "organizer_token",
    label: t("session.token"),
    hint: t("session.token_hint"),
    attributes: {
      type: "password",
      autocomplete: "current-password",
      autocapitalize: "none",
      spellcheck: "false",
      "data-testid": "organizer-token",
    },
  });
  const button = el("button", { class: "button form__send", type: "submit" }, t("session.sign_in"));
  const form = el(
    "form",
    { class: "form", novalidate: true, "data-testid": "sign-in", "aria-label": t("session.form") },
    // Password managers need a user name.
    el("input", { type: "text", autocomplete: "username", value: "organizer", readonly: true, hidden: true }),
    field.node,
    button,
  );
  const area = createOutcomeArea();

  submitForm({
    form,
    button,
    busy: t("session.busy"),
    fields: [field],
    area,
    signal,
    nothing: t("session.nothing"),
    send(_write, _pressed, read) {
      const token = trimmedCode(field.input.value);
      if (token === "") return refuse(t("session.token_missing"));
      // A text that no header can hold is no token.
      if (!/^[\x21-\x7e]+$/.test(token)) return refuse(t("session.token_unknown"));
      return read(() => signIn(token));
    },
    onSent(isKnown) {
      if (!isKnown) refuse(t("session.token_unknown"));
    },
  });

  /** The error at the field is enough, since nothing was sent. @param {string} detail */
  function refuse(detail) {
    field.setError(detail);
    field.input.focus();
    return null;
  }

  return { node: el("div", { class: "sign-in" }, form, area.node), focus: () => field.input.focus() };
}
