// @ts-check
/** Passing a registration on to somebody else. */

import { disclosureElement } from "../disclosure.js";
import { el } from "../dom.js";
import { explain } from "../explain.js";
import { openAttempt } from "../idempotency.js";
import { createPersonForm, isPerson, personOf } from "../person_form.js";
import { THEIRS, privateLinkElement } from "../private_link.js";
import { createQuestion } from "../question.js";

/** @import { RegistrationApi } from "../api.js" */
/** @import { Outcome, Refusals } from "../explain.js" */
/** @import { Person, Registration, Seated } from "../types.js" */

const NOTHING_PASSED_ON = "Nothing was passed on.";
/** Of what kind these writes are, for their keys. */
const TRANSFER = "transfer";

/**
 * @param {RegistrationApi} api
 * @param {AbortSignal} signal
 * @param {() => void} onDone
 */
export function createTransfer(api, signal, onDone) {
  const button = el(
    "button",
    { type: "submit", class: "button", "data-testid": "transfer-submit" },
    "Pass it on",
  );
  let own = "";
  /** To whom it was said that it is to go. */
  let agreed = "";
  const question = createQuestion({
    testid: "transfer-confirm",
    yes: "Yes, pass it on",
    no: "No, keep it",
    isGrave: true,
    onYes() {
      agreed = textOf(form.person());
      form.again(button);
    },
    onNo: () => button.focus(),
  });
  const form = createPersonForm({
    testid: "transfer-form",
    named: { "aria-label": "Pass it on" },
    email: { label: "Their e-mail address", missing: "Enter their e-mail address." },
    nameLabel: "Their name",
    isOwn: false,
    actions: el("div", { class: "actions" }, button),
    button,
    busy: "Passing it on…",
    signal,
    nothing: NOTHING_PASSED_ON,
    asks(filled) {
      // To whom it is theirs already nothing is passed on.
      const isOwn = filled.user_email.toLowerCase() === own;
      if (isOwn || agreed === textOf(personOf(filled))) return false;
      question.ask(
        "Pass your seat on to ",
        filled.user_email,
        "? Your link and your ticket stop working at once, and you cannot take it back.",
      );
      return true;
    },
    send(filled, write) {
      const to = personOf(filled);
      return write([TRANSFER, api.id, to], (key) => api.transfer(to, key));
    },
    onSent(theirs) {
      // Nothing is passed on to the address that it has already: that is a correction of the name.
      if (theirs.user_email === own) form.area.show(OWN_ADDRESS);
      else show(theirs);
    },
    onError: (error) => explain(error, NOTHING_PASSED_ON, REFUSALS),
  });
  form.node.append(question.node);
  form.node.addEventListener("input", question.close);
  const node = disclosureElement(
    "transfer",
    "Pass it on to somebody else",
    el(
      "p",
      { class: "quiet" },
      "They get the seat and a new link. Your link and your ticket stop working at once.",
    ),
    form.node,
    form.area.node,
  );

  /** @param {Seated} theirs */
  function show({ id, user_email, manage_token: token }) {
    const title = el("h3", { tabindex: -1 }, "It is theirs now");
    node.replaceWith(
      el(
        "div",
        { class: "outcome outcome--note", "data-testid": "transfer-done" },
        title,
        el("p", {}, "The seat belongs to ", el("bdi", {}, user_email), "."),
        token && privateLinkElement(id, token, "Their registration", THEIRS),
      ),
    );
    onDone();
    title.focus();
  }

  return {
    node,
    /** @param {Person} to To whom it may have been passed on. */
    resume(to) {
      node.open = true;
      agreed = textOf(to);
      form.resume(to);
    },
    /** @param {Registration} registration */
    update({ user_email }) {
      own = user_email;
    },
  };
}

/** @param {Person} person */
const textOf = (person) => JSON.stringify(person);

/**
 * To whom a registration may have been passed on: the answer was lost, and with it the new link.
 *
 * @param {string} id
 */
export function openTransfer(id) {
  const [to] = openAttempt(TRANSFER, id) ?? [];
  return isPerson(to) ? to : null;
}

/** @type {Outcome} */
const OWN_ADDRESS = {
  kind: "saved",
  title: "It is still yours",
  text: "That is the address that it has already: the name was corrected, and your link and your ticket stay good.",
};

/** @type {Refusals} */
const REFUSALS = {
  already_registered: () => ({
    kind: "already_registered",
    title: "They are registered already",
    text: "This address has a registration for this event. Nothing was passed on.",
  }),
};
