// @ts-check
/** Where an organizer shows their token. */

import { el } from "../dom.js";
import { createField } from "../form.js";
import { createOutcomeArea } from "../outcome.js";
import { signIn } from "../session.js";
import { submitForm } from "../submit_form.js";
import { trimmedCode } from "../text.js";

/**
 * The form alone. What happens once it went well is for those who listen to the session.
 *
 * @param {AbortSignal} signal
 */
export function createSignIn(signal) {
  // A password to browsers: not shown, and kept by nobody but those who keep passwords.
  const field = createField({
    name: "organizer_token",
    label: "Your organizer token",
    hint: "Whoever runs this server made it for you. It is kept until you sign out or close this tab.",
    attributes: {
      type: "password",
      autocomplete: "current-password",
      autocapitalize: "none",
      spellcheck: "false",
      "data-testid": "organizer-token",
    },
  });
  const button = el("button", { class: "button form__send", type: "submit" }, "Sign in");
  const form = el(
    "form",
    { class: "form", novalidate: true, "data-testid": "sign-in", "aria-label": "Sign in as the organizer" },
    // Who keeps passwords asks whose it is.
    el("input", { type: "text", autocomplete: "username", value: "organizer", readonly: true, hidden: true }),
    field.node,
    button,
  );
  const area = createOutcomeArea();

  submitForm({
    form,
    button,
    busy: "Looking…",
    fields: [field],
    area,
    signal,
    nothing: "You are not signed in.",
    send(_write, _pressed, read) {
      const token = trimmedCode(field.input.value);
      if (token === "") return refuse("Paste the token in here.");
      // What no header can hold is no token either.
      if (!/^[\x21-\x7e]+$/.test(token)) return refuse(NOT_A_TOKEN);
      return read(() => signIn(token));
    },
    onSent(isKnown) {
      if (!isKnown) refuse(NOT_A_TOKEN);
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

const NOT_A_TOKEN = "This server does not know that token. It may be mistyped, or have been revoked.";
