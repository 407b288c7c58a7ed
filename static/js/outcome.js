// @ts-check
/** The outcome of a form, shown and announced. */

import { BASE } from "./base.js";
import { createCountdown } from "./countdown.js";
import { el, setText } from "./dom.js";
import { sentence } from "./text.js";
import { formatNumber } from "./format.js";
import { createKeepOnDevice } from "./keep_on_device.js";
import { privateLinkElement } from "./private_link.js";
import { t, tNodes } from "./words.js";

/** @import { Outcome } from "./explain.js" */
/** @import { BookingEvent } from "./types.js" */

/** @typedef {{ number: number, capacity: number }} Place */

/**
 * @typedef {object} Details
 * @property {Place | null} [place]
 * @property {BookingEvent | null} [event] Of the registration.
 * @property {() => void} [onRetry]
 */

/** Announced at once, interrupting a screen reader; others wait for their turn. */
const ALERTS = new Set(["invalid", "error", "busy", "unknown"]);
const BAD = new Set(["invalid", "error"]);
/** Problems that need no explanation: the page about codes is for programmers. */
const PLAIN = new Set(["already_registered", "sold_out", "all_held", "closed"]);

/**
 * @typedef {object} OutcomeArea
 * @property {HTMLElement} node
 * @property {(text: string) => void} wait
 * @property {() => void} clear
 * @property {() => void} focus Takes the focus when its element was removed.
 * @property {(outcome: Outcome, details?: Details) => void} show
 */

/** @returns {OutcomeArea} */
export function createOutcomeArea() {
  const polite = el("div", { role: "status" });
  const alert = el("div", { role: "alert" });
  const node = el("div", {}, polite, alert);
  let current = new AbortController();

  function clear() {
    current.abort();
    current = new AbortController();
    polite.replaceChildren();
    alert.replaceChildren();
  }

  return {
    node,
    clear,
    focus: () => node.querySelector("h2")?.focus(),
    wait(text) {
      clear();
      polite.append(frame("busy", el("p", {}, text)));
    },
    show(outcome, { place = null, event = null, onRetry } = {}) {
      clear();
      const content = outcome.registration
        ? admission(outcome, place, event)
        : note(outcome, current.signal, onRetry);
      (ALERTS.has(outcome.kind) ? alert : polite).append(content);
      // Below the fold of a phone it would be missed; but a field to correct comes first.
      if (outcome.kind !== "invalid") content.scrollIntoView({ block: "nearest" });
    },
  };
}

/** @param {string} kind @param {...(Node | "" | false | null | undefined)} children */
function frame(kind, ...children) {
  const tone = BAD.has(kind) ? " outcome--bad" : kind === "unknown" ? " outcome--open" : "";
  return el(
    "div",
    { class: `outcome outcome--note${tone}`, "data-testid": "outcome", "data-outcome": kind },
    ...children,
  );
}

/** @param {Outcome} outcome @param {AbortSignal} signal @param {() => void} [onRetry] */
function note({ kind, title, text, canRetry, retryAt, problem, errors }, signal, onRetry) {
  const retry =
    canRetry && onRetry && el("button", { type: "button", class: "button button--plain" }, t("outcome.try_again"));
  if (retry) retry.addEventListener("click", onRetry);
  const loose = (errors ?? []).map(({ detail }) => el("li", {}, sentence(detail)));
  const reference = problem?.request_id;
  return frame(
    kind,
    el("h2", { tabindex: -1 }, title),
    el("p", {}, text),
    loose.length > 0 && el("ul", { role: "list" }, ...loose),
    retryAt !== undefined && untilFree(retryAt, signal),
    retry,
    problem?.code &&
      !PLAIN.has(kind) &&
      el(
        "a",
        { href: `${BASE}/problems#${encodeURIComponent(problem.code)}`, hreflang: "en" },
        t("outcome.what_this_means"),
      ),
    reference &&
      el("small", {}, ...tNodes("outcome.reference", { id: el("span", { class: "mono" }, reference) })),
  );
}

/** @param {string} retryAt @param {AbortSignal} signal */
function untilFree(retryAt, signal) {
  const label = el("span", {}, t("outcome.next_hold"));
  const countdown = createCountdown({
    testid: "retry-countdown",
    signal,
    onEnd() {
      countdown.node.remove();
      setText(label, t("outcome.hold_ended"));
    },
  });
  countdown.setEnd(retryAt);
  return el("div", { class: "until" }, label, countdown.node);
}

/**
 * The visitor's own ticket, or place on the waitlist.
 *
 * @param {Outcome} outcome
 * @param {Place | null} place
 * @param {BookingEvent | null} event
 */
function admission({ kind, title, text, registration }, place, event) {
  if (!registration) throw new Error("an admission needs a registration");
  const facts = el(
    "dl",
    { class: "facts" },
    el("dt", {}, t("outcome.registered")),
    el("dd", { "data-testid": "registered-email" }, el("bdi", {}, registration.user_email)),
    el("dt", {}, t("outcome.number")),
    el("dd", { class: "mono", "data-testid": "registration-id" }, registration.id),
  );
  const { id, manage_token: token } = registration;
  const link = token && privateLinkElement(id, token, t("outcome.see_registration"), t("private.keep_it"));
  const keep = token && event && createKeepOnDevice(id, token, () => event).node;
  const stub = kind === "waitlisted" ? inLine(registration.position ?? null) : seat(place);
  return el(
    "div",
    { class: "outcome", "data-testid": "outcome", "data-outcome": kind },
    el(
      "div",
      { class: "ticket ticket--across ticket--admit" },
      el("div", { class: "ticket__body" }, el("h2", { tabindex: -1 }, title), el("p", {}, text), link, keep, facts),
      el("div", { class: "ticket__stub" }, stub),
    ),
  );
}

/** @param {Place | null} place */
function seat(place) {
  if (!place) {
    return el(
      "p",
      { class: "place" },
      ...tNodes("outcome.admit", { one: el("strong", {}, t("outcome.one")) }).map(labelled),
    );
  }
  return el(
    "p",
    { class: "place", "data-testid": "place" },
    ...tNodes("outcome.place", {
      number: el("strong", {}, formatNumber(place.number)),
      capacity: place.capacity,
    }).map(labelled),
  );
}

/** @param {number | null} position */
const inLine = (position) =>
  el(
    "p",
    { class: "place", "data-testid": "waitlist-position", "data-position": position },
    ...tNodes("outcome.in_line", {
      position: el("strong", {}, position === null ? t("outcome.last") : formatNumber(position)),
    }).map(labelled),
  );

/** The text around the large word. @param {string | Node} part */
const labelled = (part) => (typeof part === "string" && part !== "" ? el("span", { class: "label" }, part) : part);
