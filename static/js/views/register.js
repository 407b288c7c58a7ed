// @ts-check
/** The form that takes a seat, and what stands in its place while none can be taken. */

import { getEvent } from "../api.js";
import { serverNow } from "../clock.js";
import { el, setText } from "../dom.js";
import { windowState } from "../registration_window.js";
import { createField, onSubmit, resubmit, showErrors, unsendable } from "../form.js";
import { recall } from "../current_hold.js";
import { EMAIL, PERSON_NAME } from "../limits.js";
import { createOutcomeArea } from "../outcome.js";
import { placeOf } from "../seat_number.js";
import { createRegistering, welcome } from "../registering.js";
import { seatsLeft } from "../seats.js";
import { showsNothing, trimmed } from "../text.js";
import { createRegistrationWindowNotice } from "./registration_window_notice.js";
import { createHold } from "./hold.js";

/** @import { BookingEvent, Seated } from "../types.js" */
/** @import { Outcome } from "../explain.js" */
/** @import { Wish } from "../registering.js" */

const HINT_FREE = "One address, one seat. You will see right away whether it worked.";
const HINT_FULL =
  "Every seat is taken right now. This page keeps watching: if one comes free, the number above changes by itself.";
const HINT_WAITLIST =
  "Every seat is taken right now. Join the waitlist: a seat that comes free goes to the first in line.";
const HINT_LINE = "Others are waiting in line already. Join them: who came first is served first.";

/**
 * @param {string} eventId
 * @param {{ signal: AbortSignal, latest: () => BookingEvent | null, refresh: () => void }} context
 */
export function createRegisterPanel(eventId, { signal, latest, refresh }) {
  // Not type="email": browsers rewrite an international domain in such a field before a page can read
  // it, and the same address would then be another one than the one the server stores.
  const email = createField({
    name: "user_email",
    label: "Your e-mail address",
    limit: EMAIL,
    attributes: { inputmode: "email", autocomplete: "email", autocapitalize: "none", spellcheck: "false" },
  });
  const name = createField({
    name: "name",
    label: "Your name",
    optional: true,
    limit: PERSON_NAME,
    attributes: { autocomplete: "name" },
  });
  const fields = [email, name];
  const register = createButton("register", "Register", "Registering…", "register");
  const hold = createButton("hold", "Hold a seat for 10 minutes", "Holding…", "hold-start", "button--plain");
  const join = createButton("waitlist", "Join the waitlist", "Joining…", "waitlist-join");
  const buttons = el("div", { class: "actions" }, register, hold);
  const form = el(
    "form",
    {
      class: "form form--pair",
      novalidate: true,
      "data-testid": "register-form",
      "aria-labelledby": "register-title",
    },
    email.node,
    name.node,
    buttons,
  );
  const hint = el("p", { class: "panel__text", role: "status" });
  const area = createOutcomeArea();
  const tryFor = createRegistering(eventId, latest);
  const windowNotice = createRegistrationWindowNotice(signal, () => draw());
  let isHolding = false;

  const holding = createHold(eventId, {
    signal,
    onActive(active) {
      isHolding = active;
      draw();
    },
    onConfirmed(registration, held) {
      refresh();
      area.show(welcome({ ...registration, manage_token: held.token }));
      area.focus();
    },
    onAgain(held) {
      email.fill(held.email);
      name.fill(held.name ?? "");
      area.clear();
      refresh();
      draw();
      email.input.focus();
    },
  });

  onSubmit(form, register, "Registering…", async (pressed) => {
    area.clear();
    const who = whoOf(email.input.value, name.input.value);
    if (showsNothing(who.user_email)) {
      showErrors([email], [{ pointer: "/user_email", detail: "Enter an e-mail address." }]);
      return area.show(NO_ADDRESS);
    }
    const found = unsendable(fields);
    showErrors(fields, found);
    if (found.length > 0) return area.show(INVALID);
    const before = latest();
    const wish = /** @type {Wish} */ (pressed.dataset.wish ?? "register");
    const outcome = await tryFor(wish, who, area.wait, signal);
    const loose = showErrors(fields, outcome.errors ?? []);
    const place = wish === "register" ? await placeFor(outcome, before) : null;
    if (signal.aborted) return;
    if (outcome.registration) {
      for (const field of fields) field.fill("");
    }
    if (outcome.kind === "held" && outcome.registration) startHold(outcome.registration);
    else area.show({ ...outcome, errors: loose }, { place, onRetry: () => retry(pressed) });
    refresh();
  });

  /** @param {Seated} registration */
  function startHold({ id, manage_token: token, user_email, name: given, expires_at }) {
    area.clear();
    const held = { id, token, email: user_email, name: given ?? undefined, expires_at: expires_at ?? "" };
    holding.start(held, true);
  }

  /** @param {HTMLElement} pressed */
  function retry(pressed) {
    resubmit(form, pressed.isConnected ? pressed : /** @type {HTMLElement} */ (buttons.firstElementChild));
  }

  /** @param {Outcome} outcome @param {BookingEvent | null} before */
  async function placeFor({ registration }, before) {
    if (!registration || (registration.status ?? "confirmed") !== "confirmed") return null;
    const known = placeOf(registration, before, null);
    // Worth one more question, but never worth spoiling the good news.
    const after =
      known === null ? await getEvent(eventId, null, AbortSignal.timeout(2_000)).catch(() => null) : null;
    const number = known ?? placeOf(registration, before, after?.event ?? null);
    const capacity = (after?.event ?? latest())?.capacity;
    return number === null || capacity === undefined ? null : { number, capacity };
  }

  function draw() {
    const event = latest();
    if (!event) return;
    const state = windowState(event, serverNow());
    windowNotice.update(event, state);
    holding.update(event);
    form.hidden = isHolding || state !== "open";
    hint.hidden = state !== "open" || isHolding;
    const wanted = wishesOf(event);
    setText(hint, wanted.hint);
    offer(wanted.waitlist ? [join] : [register, hold]);
  }

  /**
   * Which buttons there are; the first is the one that the Enter key presses.
   *
   * @param {HTMLElement[]} wanted
   */
  function offer(wanted) {
    // Not under the hands of somebody who is waiting for an answer.
    if (form.hasAttribute("aria-busy") || wanted.every((button, i) => buttons.children[i] === button)) return;
    const hadFocus = buttons.contains(document.activeElement);
    buttons.replaceChildren(...wanted);
    if (hadFocus) wanted[0].focus();
  }

  const held = recall(eventId);
  if (held) queueMicrotask(() => holding.start(held, false));

  return {
    node: el(
      "section",
      { class: "panel", "aria-labelledby": "register-title" },
      el("div", {}, el("h2", { id: "register-title" }, "Take a seat"), hint),
      windowNotice.node,
      form,
      holding.node,
      area.node,
    ),
    /** What is drawn follows from the latest event, and from the clock. */
    update: draw,
  };
}

/**
 * @param {Wish} wish
 * @param {string} label
 * @param {string} busy
 * @param {string} testid
 * @param {string} [look]
 */
function createButton(wish, label, busy, testid, look = "") {
  const button = el("button", { type: "submit", class: `button ${look}`, "data-testid": testid }, label);
  button.dataset.wish = wish;
  button.dataset.busy = busy;
  return button;
}

/** @param {string} email @param {string} name @returns {{ user_email: string, name?: string }} */
function whoOf(email, name) {
  const who = { user_email: trimmed(email) };
  // Left out if it is empty: a server of the first contract knows no names.
  return trimmed(name) === "" ? who : { ...who, name: trimmed(name) };
}

/** @param {BookingEvent} event */
function wishesOf(event) {
  const isFull = seatsLeft(event) === 0;
  const isLine = (event.waitlist_count ?? 0) > 0;
  if (event.waitlist_enabled && (isFull || isLine)) {
    return { waitlist: true, hint: isFull ? HINT_WAITLIST : HINT_LINE };
  }
  return { waitlist: false, hint: isFull ? HINT_FULL : HINT_FREE };
}

/** @type {Outcome} */
const INVALID = {
  kind: "invalid",
  title: "Please check the form",
  text: "Nothing was sent. What is wrong is said beside each field.",
};

/** @type {Outcome} */
const NO_ADDRESS = {
  kind: "invalid",
  title: "An e-mail address is needed",
  text: "Nothing was sent. Your seat is booked under your address.",
};
