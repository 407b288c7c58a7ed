// @ts-check
/** Where an organizer shows their token. */

import { el } from "../dom.js";
import { createField } from "../form.js";
import { createOutcomeArea } from "../outcome.js";
import { signIn } from "../session.js";
import { submitForm } from "../submit_form.js";
import { trimmedCode } from "../text.js";
import { t } from "../words.js";

/**
 * The form alone. What happens once it went well is for those who listen to the session.
 *
 * @param {AbortSignal} signal
 */
export function createSignIn(signal) {
  // A password to browsers: not shown, and kept by nobody but those who keep passwords.
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
    // Who keeps passwords asks whose it is.
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
      // What no header can hold is no token either.
      if (!/^[\x21-\x7e]+$/.test(token)) return refuse(t("session.token_unknown"));
      return read(() => signIn(token));
    },
    onSent(isKnown) {
      if (!isKnown) refuse(t("session.token_unknown"));
    },
  });

  /** The field says it all; nothing was sent that an outcome could be told of. @param {string} detail */
  function refuse(detail) {
    field.setError(detail);
    field.input.focus();
    return null;
  }

  return { node: el("div", { class: "sign-in" }, form, area.node), focus: () => field.input.focus() };
}
