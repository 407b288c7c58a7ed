// @ts-check
/** Passing a registration on to somebody else. */

import { el } from "../dom.js";
import { explain } from "../explain.js";
import { createField, onSubmit, resubmit, showErrors, unsendable } from "../form.js";
import { createAttempts } from "../idempotency.js";
import { EMAIL, PERSON_NAME } from "../limits.js";
import { createOutcomeArea } from "../outcome.js";
import { THEIRS, createPrivateLink } from "../private_link.js";
import { withRetries } from "../retry.js";
import { showsNothing, trimmed } from "../text.js";

/** @import { Outcome } from "../explain.js" */
/** @import { Registration, Seated } from "../types.js" */

/**
 * @param {ReturnType<typeof import("../api.js").registrationApi>} api
 * @param {AbortSignal} signal
 * @param {() => void} onDone
 */
export function createTransfer(api, signal, onDone) {
  const email = createField({
    name: "user_email",
    label: "Their e-mail address",
    limit: EMAIL,
    attributes: { inputmode: "email", autocomplete: "off", autocapitalize: "none", spellcheck: "false" },
  });
  const name = createField({
    name: "name",
    label: "Their name",
    optional: true,
    limit: PERSON_NAME,
    attributes: { autocomplete: "off" },
  });
  const fields = [email, name];
  const button = el(
    "button",
    { type: "submit", class: "button", "data-testid": "transfer-submit" },
    "Pass it on",
  );
  const form = el(
    "form",
    {
      class: "form form--pair",
      novalidate: true,
      "data-testid": "transfer-form",
      "aria-label": "Pass it on",
    },
    email.node,
    name.node,
    el("div", { class: "actions" }, button),
  );
  const area = createOutcomeArea();
  const attempt = createAttempts();
  let own = "";
  const node = el(
    "details",
    { class: "disclosure", "data-testid": "transfer" },
    el("summary", {}, "Pass it on to somebody else"),
    el(
      "div",
      { class: "disclosure__body" },
      el(
        "p",
        { class: "quiet" },
        "They get the seat and a new link. Your link and your ticket stop working at once.",
      ),
      form,
      area.node,
    ),
  );

  onSubmit(form, button, "Passing it on…", async () => {
    area.clear();
    const to = { user_email: trimmed(email.input.value), ...named(trimmed(name.input.value)) };
    if (showsNothing(to.user_email)) {
      showErrors(fields, [{ pointer: "/user_email", detail: "Enter their e-mail address." }]);
      return area.show({
        kind: "invalid",
        title: "An e-mail address is needed",
        text: "Nothing was changed.",
      });
    }
    const found = unsendable(fields);
    showErrors(fields, found);
    if (found.length > 0) return area.show(INVALID);
    try {
      const theirs = await attempt(to, (key) => withRetries(() => api.transfer(to, key), area.wait, signal));
      area.clear();
      // Nothing is passed on to the address that it has already: that is a correction of the name.
      if (theirs.user_email === own) area.show(OWN_ADDRESS);
      else show(theirs);
    } catch (error) {
      if (signal.aborted) return;
      const outcome = explain(error, "Nothing was passed on.", {
        already_registered: () => ({
          kind: "already_registered",
          title: "They are registered already",
          text: "This address has a registration for this event. Nothing was passed on.",
        }),
      });
      const loose = showErrors(fields, outcome.errors ?? []);
      area.show({ ...outcome, errors: loose }, { onRetry: () => resubmit(form, button) });
    }
  });

  /** @param {Seated} theirs */
  function show({ id, user_email, manage_token: token }) {
    const title = el("h3", { tabindex: -1 }, "It is theirs now");
    node.replaceWith(
      el(
        "div",
        { class: "outcome outcome--note", "data-testid": "transfer-done" },
        title,
        el(
          "p",
          {},
          "The seat belongs to ",
          el("bdi", {}, user_email),
          ".",
        ),
        token && createPrivateLink(id, token, "Their registration", THEIRS),
      ),
    );
    onDone();
    title.focus();
  }

  return {
    node,
    /** @param {Registration} registration */
    update({ user_email }) {
      own = user_email;
    },
  };
}

/** @param {string} name */
const named = (name) => (name === "" ? {} : { name });

/** @type {Outcome} */
const OWN_ADDRESS = {
  kind: "saved",
  title: "It is still yours",
  text: "That is the address that it has already: the name was corrected, and your link and your ticket stay good.",
};

/** @type {Outcome} */
const INVALID = {
  kind: "invalid",
  title: "Please check the form",
  text: "Nothing was passed on. What is wrong is said beside each field.",
};
