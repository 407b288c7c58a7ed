// @ts-check
/** The registration form, and what replaces it while no seat is available. */

import { timeoutSignal } from "../abort.js";
import { getEvent } from "../api.js";
import { createAskedQuestions } from "../asked_questions.js";
import { serverNow } from "../clock.js";
import { currentHold } from "../current_hold.js";
import { el, setText } from "../dom.js";
import { keepDraft } from "../draft.js";
import { createPersonForm, personOf } from "../person_form.js";
import { createRegistering, explainRefusal, isToConfirm, openWish, welcome } from "../registering.js";
import { windowState } from "../registration_window.js";
import { placeOf } from "../seat_number.js";
import { seatsLeft } from "../seats.js";
import { isUnsettled } from "../unsettled.js";
import { t } from "../words.js";
import { createHold } from "./hold.js";
import { createRegistrationWindowNotice } from "./registration_window_notice.js";

/** @import { Place } from "../outcome.js" */
/** @import { Wish } from "../registering.js" */
/** @import { WindowState } from "../registration_window.js" */
/** @import { BookingEvent, Claimed, Question, Seated } from "../types.js" */
/** @import { Action } from "./event_action.js" */

/** @type {Record<WindowState, string>} */
const TITLES = {
  open: "register.title",
  draft: "register.title_draft",
  cancelled: "register.title_cancelled",
  over: "register.title_over",
  upcoming: "register.title_upcoming",
  closed: "refused.closed_title",
};

/**
 * @param {string} eventId
 * @param {object} context
 * @param {AbortSignal} context.signal
 * @param {() => BookingEvent | null} context.latest
 * @param {() => void} context.refresh
 * @param {(action: Action) => void} context.onAction The present action.
 * @param {Question[] | null} context.questions The questions in the page; null if it had none.
 */
export function createRegisterPanel(eventId, { signal, latest, refresh, onAction, questions }) {
  const register = submitButton("register", t("register.register"), t("register.registering"), "register");
  const hold = submitButton("hold", t("register.hold"), t("register.holding"), "hold-start", "button--plain");
  const join = submitButton("waitlist", t("register.join"), t("register.joining"), "waitlist-join");
  const buttons = el("div", { class: "actions" }, register, hold);
  const whyHold = el("p", { class: "field__hint" }, t("register.why_hold"));
  /** The event when the seat was requested. @type {BookingEvent | null} */
  let before = null;
  const tryFor = createRegistering(eventId, latest, signal);
  const form = createPersonForm({
    testid: "register-form",
    named: { "aria-labelledby": "register-title" },
    email: { label: t("person.your_email"), missing: t("person.enter_email") },
    nameLabel: t("person.your_name"),
    isOwn: true,
    asksMore: true,
    actions: el("div", { class: "form__end" }, buttons, whyHold),
    button: register,
    busy: t("register.registering"),
    signal,
    nothing: t("register.nothing"),
    send(filled, write, pressed) {
      before = latest();
      return tryFor(wishOf(pressed), personOf(filled), write);
    },
    async onSent(registration, pressed) {
      const isSeat = !isToConfirm(registration) && wishOf(pressed) === "register";
      const place = isSeat ? await placeFor(registration, before) : null;
      if (signal.aborted) return;
      form.fill({});
      written.done();
      if (registration.status === "held") startHold(registration);
      else finish(registration, wishOf(pressed), place);
      refresh();
    },
    onError(error) {
      asked.refused(error);
      refresh();
      return explainRefusal(error, latest());
    },
  });
  const asked = createAskedQuestions(eventId, { first: questions, ask: form.ask, signal });
  const written = keepDraft(form.node, `register:${eventId}`);
  const title = el("h2", { id: "register-title" }, t(TITLES.open));
  const hint = el("p", { class: "panel__text", role: "status" });
  const another = el(
    "button",
    { type: "button", class: "button button--plain", "data-testid": "register-another", hidden: true },
    t("register.another"),
  );
  const windowNotice = createRegistrationWindowNotice(signal, () => draw());
  let isHolding = false;
  /** The result replaces the form, until another person is to be registered. */
  let isDone = false;

  another.addEventListener("click", () => {
    isDone = false;
    form.area.clear();
    draw();
    form.focus();
  });

  const holding = createHold(eventId, {
    signal,
    onActive(active) {
      isHolding = active;
      draw();
    },
    onConfirmed(registration, held) {
      refresh();
      finish({ ...registration, manage_token: held.token }, "hold", null);
    },
    onAgain(held) {
      form.fill({ user_email: held.email, name: held.name });
      form.area.clear();
      refresh();
      draw();
      form.focus();
    },
  });

  /** @param {Claimed} claimed @param {Wish} wish @param {Place | null} place */
  function finish(claimed, wish, place) {
    isDone = true;
    form.area.show(welcome(claimed, wish), { place, event: latest() });
    draw();
    form.area.focus();
  }

  /** @param {Seated} registration */
  function startHold({ id, manage_token: token, user_email, name: given, expires_at }) {
    const held = { id, token, email: user_email, name: given ?? undefined, expires_at: expires_at ?? "" };
    holding.start(held, true);
  }

  /** @param {Seated} registration @param {BookingEvent | null} before */
  async function placeFor(registration, before) {
    if ((registration.status ?? "confirmed") !== "confirmed") return null;
    const known = placeOf(registration, before, null);
    // Worth one more request, but never worth spoiling the good news.
    const after =
      known === null ? await getEvent(eventId, null, timeoutSignal(2_000)).catch(() => null) : null;
    const number = known ?? placeOf(registration, before, after?.event ?? null);
    const capacity = (after?.event ?? latest())?.capacity;
    return number === null || capacity === undefined ? null : { number, capacity };
  }

  function draw() {
    const event = latest();
    if (!event) return;
    const state = windowState(event, serverNow());
    const isFree = state === "open" && !isHolding && !isDone;
    asked.update(event);
    windowNotice.update(event, state);
    holding.update(event);
    setText(title, isDone ? t("registration.title") : t(TITLES[state]));
    form.node.hidden = hint.hidden = !isFree;
    another.hidden = !isDone || state !== "open";
    const wanted = wishesOf(event);
    setText(hint, wanted.hint);
    onAction(isFree ? actionOf(event, wanted.waitlist) : state === "upcoming" ? "upcoming" : null);
    // A seat that is to be confirmed by mail is held anyway.
    offer(wanted.waitlist ? [join] : event.confirm_address ? [register] : [register, hold]);
  }

  /**
   * The visible buttons; the first is the one that the Enter key presses.
   *
   * @param {HTMLElement[]} wanted
   */
  function offer(wanted) {
    // Not while the visitor is waiting for an answer, or has to retry.
    const isThere = wanted.length === buttons.children.length && wanted.every((button, i) => buttons.children[i] === button);
    if (isUnsettled(form.node) || isThere) return;
    const hadFocus = buttons.contains(document.activeElement);
    buttons.replaceChildren(...wanted);
    whyHold.hidden = !wanted.includes(hold);
    if (hadFocus) wanted[0]?.focus();
  }

  /** A visitor who left before the answer came finds their request. */
  function resume() {
    const held = currentHold(eventId).get();
    if (held) return holding.start(held, false);
    const open = openWish(eventId);
    if (!open) return;
    const wanted = open.wish === "waitlist" ? [join] : [register, hold];
    offer(wanted);
    form.resume(open.person, open.wish === "hold" ? hold : wanted[0]);
  }

  queueMicrotask(resume);

  return {
    node: el(
      "section",
      { class: "panel", "aria-labelledby": "register-title" },
      el("div", {}, title, hint),
      windowNotice.node,
      form.node,
      holding.node,
      form.area.node,
      another,
    ),
    /** The registration form, to be scrolled to. */
    form: form.node,
    focus: form.focus,
    /** Draws the latest event's state at the present time. */
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
function submitButton(wish, label, busy, testid, look = "") {
  const button = el("button", { type: "submit", class: `button ${look}`, "data-testid": testid }, label);
  button.dataset.wish = wish;
  button.dataset.busy = busy;
  return button;
}

/** @param {HTMLElement} pressed */
const wishOf = (pressed) => /** @type {Wish} */ (pressed.dataset.wish ?? "register");

/** @param {BookingEvent} event @param {boolean} isForWaitlist @returns {Action} */
function actionOf(event, isForWaitlist) {
  if (isForWaitlist) return "waitlist";
  return seatsLeft(event) > 0 ? "register" : null;
}

/** @param {BookingEvent} event */
function wishesOf(event) {
  const isFull = seatsLeft(event) === 0;
  const isLine = (event.waitlist_count ?? 0) > 0;
  if (event.waitlist_enabled && (isFull || isLine)) {
    return { waitlist: true, hint: isFull ? t("register.hint_waitlist") : t("register.hint_line") };
  }
  const hint = event.confirm_address ? t("register.hint_confirm") : t("register.hint_free");
  return { waitlist: false, hint: isFull ? t("register.hint_full") : hint };
}
