// @ts-check
/** Requests a seat, a hold or a place on the waitlist: from the press of a button to an outcome in words. */

import { hold, register } from "./api.js";
import { mayBeAhead, noteServerMoment } from "./clock.js";
import { sleep } from "./dom.js";
import { explain } from "./explain.js";
import { ProblemError } from "./http.js";
import { openAttempt } from "./idempotency.js";
import { isPerson } from "./person_form.js";
import { sentence } from "./text.js";
import { t } from "./words.js";

/** @import { Outcome, Refusals } from "./explain.js" */
/** @import { Write } from "./submit_form.js" */
/** @import { BookingEvent, Claimed, Person, ToConfirm } from "./types.js" */

/** @typedef {"register" | "hold" | "waitlist"} Wish */

/** The kinds of these writes, for their keys. */
const SEAT = "seat";

/** Between two tries at a registration that is about to open. */
const KNOCK_MS = 200;

/**
 * @param {string} eventId
 * @param {() => BookingEvent | null} latest
 * @param {AbortSignal} signal
 */
export function createRegistering(eventId, latest, signal) {
  /**
   * @param {Wish} wish
   * @param {Person} person
   * @param {Write} write
   * @returns {Promise<Claimed>}
   */
  return async function tryFor(wish, person, write) {
    /** @param {string} key @returns {Promise<Claimed>} */
    const send = (key) => {
      if (wish === "hold") return hold(eventId, person, key);
      return register(eventId, wish === "waitlist" ? { ...person, on_full: "waitlist" } : person, key);
    };
    for (;;) {
      const isEarly = mayBeAhead(latest()?.opens_at ?? "");
      try {
        const made = await write([SEAT, eventId, wish, person], send);
        if (!isToConfirm(made)) noteServerMoment(made.created_at);
        return made;
      } catch (error) {
        if (signal.aborted || !isClosed(error) || !isEarly) throw error;
        // By our clock registration had opened when it was sent; by the server's perhaps not yet.
        await sleep(KNOCK_MS, signal);
      }
    }
  };
}

/**
 * The lost request at this event, if its answer did not arrive.
 *
 * @param {string} eventId
 */
export function openWish(eventId) {
  const [wish, person] = openAttempt(SEAT, eventId) ?? [];
  return isPerson(person) ? { wish, person } : null;
}

/** @param {unknown} error */
const isClosed = (error) => error instanceof ProblemError && error.code === "closed";

/** Whether the result comes only by mail. @param {Claimed} claimed @returns {claimed is ToConfirm} */
export const isToConfirm = (claimed) => claimed.status === "confirmation_sent";

/** @param {Claimed} registration @param {Wish} wish @returns {Outcome} */
export function welcome(registration, wish) {
  if (isToConfirm(registration)) {
    // With a waitlist, the answer does not show whether it is a seat or a place in line.
    const text = wish === "waitlist" ? t("welcome.to_confirm_line") : t("welcome.to_confirm_seat");
    return { kind: "to_confirm", title: t("find.asked_title"), text };
  }
  if (registration.status === "held") {
    return { kind: "held", title: t("status.held"), text: "", registration };
  }
  if (registration.status === "waitlisted") {
    return {
      kind: "waitlisted",
      title: t("status.waitlisted"),
      text: t("welcome.waitlisted"),
      registration,
    };
  }
  return { kind: "registered", title: t("welcome.registered_title"), text: t("welcome.registered"), registration };
}

/**
 * Why there is no seat. An event that conceals who is registered answers the same to those who are: they are
 * pointed to their private link.
 *
 * @param {unknown} error
 * @param {BookingEvent | null} event
 * @returns {Outcome}
 */
export function explainRefusal(error, event) {
  const outcome = explain(error, t("register.nothing"), REFUSALS);
  const isHiding = ["sold_out", "all_held", "closed"].includes(outcome.kind) && event?.conceal_registered;
  if (!isHiding) return outcome;
  const hint = t("refused.concealed");
  return { ...outcome, text: `${outcome.text} ${hint}` };
}

/** @type {Refusals} */
const REFUSALS = {
  already_registered: () => ({
    kind: "already_registered",
    title: t("refused.already_registered_title"),
    text: t("refused.already_registered"),
  }),
  sold_out: () => ({
    kind: "sold_out",
    title: t("seats.sold_out"),
    text: t("refused.sold_out"),
  }),
  all_held: ({ retry_at }) => ({
    kind: "all_held",
    title: t("refused.all_held_title"),
    text: t("refused.all_held"),
    canRetry: true,
    retryAt: retry_at,
  }),
  closed: ({ detail }) => ({
    kind: "closed",
    title: t("refused.closed_title"),
    text: t("refused.closed", { why: detail ? sentence(detail) : t("refused.closed_now") }),
  }),
};
