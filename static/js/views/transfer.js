// @ts-check
/** Transfers a registration to another person. */

import { isSame } from "../changed.js";
import { disclosureElement } from "../disclosure.js";
import { el } from "../dom.js";
import { explain } from "../explain.js";
import { openAttempt } from "../idempotency.js";
import { createPersonForm, isPerson, personOf } from "../person_form.js";
import { privateLinkElement } from "../private_link.js";
import { createQuestion } from "../question.js";
import { t, tNodes } from "../words.js";

/** @import { RegistrationApi } from "../api.js" */
/** @import { Refusals } from "../explain.js" */
/** @import { Person, Registration, Seated } from "../types.js" */

/** The kinds of these writes, for their keys. */
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
    t("transfer.submit"),
  );
  let own = "";
  /** The person in the confirmed question. @type {Person | null} */
  let agreed = null;
  const question = createQuestion({
    testid: "transfer-confirm",
    yes: t("transfer.yes"),
    no: t("manage.no"),
    isGrave: true,
    onYes() {
      agreed = form.person();
      form.again(button);
    },
    onNo: () => button.focus(),
  });
  const form = createPersonForm({
    testid: "transfer-form",
    named: { "aria-label": t("transfer.submit") },
    email: { label: t("person.their_email"), missing: t("person.enter_their_email") },
    nameLabel: t("person.their_name"),
    isOwn: false,
    actions: el("div", { class: "actions" }, button),
    button,
    busy: t("transfer.busy"),
    signal,
    nothing: t("transfer.nothing"),
    asks(filled) {
      // A transfer to the own address needs no question.
      const isOwn = filled.user_email.toLowerCase() === own;
      if (isOwn || isSame(agreed, personOf(filled))) return false;
      question.ask(...tNodes("transfer.question", { email: el("bdi", {}, filled.user_email) }));
      return true;
    },
    send(filled, write) {
      const to = personOf(filled);
      return write([TRANSFER, api.id, to], (key) => api.transfer(to, key));
    },
    onSent(theirs) {
      // Nothing is transferred to the present address: that is a correction of the name.
      if (theirs.user_email === own) form.area.show({ kind: "saved", title: t("transfer.own_title"), text: t("transfer.own") });
      else show(theirs);
    },
    onError: (error) => explain(error, t("transfer.nothing"), REFUSALS),
  });
  form.node.append(question.node);
  form.node.addEventListener("input", question.close);
  const node = disclosureElement(
    "transfer",
    t("transfer.title"),
    el(
      "p",
      { class: "quiet" },
      t("transfer.about"),
    ),
    form.node,
    form.area.node,
  );

  /** @param {Seated} theirs */
  function show({ id, user_email, manage_token: token }) {
    const title = el("h3", { tabindex: -1 }, t("transfer.done_title"));
    node.replaceWith(
      el(
        "div",
        { class: "outcome outcome--note", "data-testid": "transfer-done" },
        title,
        el("p", {}, ...tNodes("transfer.done", { email: el("bdi", {}, user_email) })),
        token && privateLinkElement(id, token, t("private.their_registration"), t("private.theirs")),
      ),
    );
    onDone();
    title.focus();
  }

  return {
    node,
    /** @param {Person} to The person who may have got it. */
    resume(to) {
      node.open = true;
      agreed = to;
      form.resume(to);
    },
    /** @param {Registration} registration */
    update({ user_email }) {
      own = user_email;
    },
  };
}

/**
 * The person who may have got a registration: the answer was lost, and with it the new link.
 *
 * @param {string} id
 */
export function openTransfer(id) {
  const [to] = openAttempt(TRANSFER, id) ?? [];
  return isPerson(to) ? to : null;
}

/** @type {Refusals} */
const REFUSALS = {
  already_registered: () => ({
    kind: "already_registered",
    title: t("transfer.taken_title"),
    text: t("transfer.taken"),
  }),
};
