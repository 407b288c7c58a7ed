// @ts-check
/** The outcome of a form, shown and spoken. */

import { el } from "./dom.js";
import { sentence } from "./form.js";
import { formatNumber } from "./format.js";

/** @import { Outcome } from "./registering.js" */

/** @typedef {{ number: number, capacity: number }} Place */

/** What is announced at once, over whatever a screen reader is saying; the rest waits its turn. */
const ALERTS = new Set(["invalid", "error", "busy", "unknown"]);
const BAD = new Set(["invalid", "error"]);

/** @returns {{ node: HTMLElement, wait: (text: string) => void, clear: () => void,
 *   show: (outcome: Outcome, details?: { place?: Place | null, onRetry?: () => void }) => void }} */
export function createOutcomeArea() {
  const polite = el("div", { role: "status" });
  const alert = el("div", { role: "alert" });
  const node = el("div", {}, polite, alert);

  function clear() {
    polite.replaceChildren();
    alert.replaceChildren();
  }

  return {
    node,
    clear,
    wait(text) {
      clear();
      polite.append(frame("busy", el("p", {}, text)));
    },
    show(outcome, { place = null, onRetry } = {}) {
      clear();
      const content = outcome.registration ? admission(outcome, place) : note(outcome, onRetry);
      (ALERTS.has(outcome.kind) ? alert : polite).append(content);
      // Below the fold of a phone nobody would see it; but a field to correct comes first.
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

/** @param {Outcome} outcome @param {(() => void) | undefined} onRetry */
function note({ kind, title, text, canRetry, problem, errors }, onRetry) {
  const retry =
    canRetry && onRetry && el("button", { type: "button", class: "button button--plain" }, "Try again");
  if (retry) retry.addEventListener("click", onRetry);
  const loose = (errors ?? []).map(({ detail }) => el("li", {}, sentence(detail)));
  const reference = problem?.request_id;
  return frame(
    kind,
    el("h2", {}, title),
    el("p", {}, text),
    loose.length > 0 && el("ul", { role: "list" }, ...loose),
    retry,
    problem?.code && el("a", { href: `/problems#${encodeURIComponent(problem.code)}` }, "What this means"),
    reference && el("small", {}, "Reference for support: ", el("span", { class: "mono" }, reference)),
  );
}

/** The visitor's own ticket. @param {Outcome} outcome @param {Place | null} place */
function admission({ kind, title, text, registration }, place) {
  if (!registration) throw new Error("an admission needs a registration");
  const facts = el(
    "dl",
    { class: "facts" },
    el("dt", {}, "Registered"),
    el("dd", { "data-testid": "registered-email" }, el("bdi", {}, registration.user_email)),
    el("dt", {}, "Registration number"),
    el("dd", { class: "mono", "data-testid": "registration-id" }, registration.id),
  );
  const stub = place
    ? el(
        "p",
        { class: "place", "data-testid": "place" },
        el("span", { class: "label" }, "Place "),
        el("strong", {}, formatNumber(place.number)),
        el("span", { class: "label" }, ` of ${formatNumber(place.capacity)}`),
      )
    : el("p", { class: "place" }, el("span", { class: "label" }, "Admit "), el("strong", {}, "One"));
  return el(
    "div",
    { class: "outcome", "data-testid": "outcome", "data-outcome": kind },
    el(
      "div",
      { class: "ticket ticket--admit" },
      el("div", { class: "ticket__body" }, el("h2", {}, title), el("p", {}, text), facts),
      el("div", { class: "ticket__stub" }, stub),
    ),
  );
}
