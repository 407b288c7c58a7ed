// @ts-check
/** Getting a seat, a hold or a place in line: from the press of a button to an outcome in words. */

import { hold, register } from "./api.js";
import { mayBeAhead, noteServerMoment } from "./clock.js";
import { sleep } from "./dom.js";
import { explain } from "./explain.js";
import { ProblemError } from "./http.js";
import { openAttempt } from "./idempotency.js";
import { isPerson } from "./person_form.js";
import { sentence } from "./text.js";

/** @import { Outcome, Refusals } from "./explain.js" */
/** @import { Write } from "./submit_form.js" */
/** @import { BookingEvent, Claimed, Person, ToConfirm } from "./types.js" */

/** @typedef {"register" | "hold" | "waitlist"} Wish */

export const NOTHING_BOOKED = "Nothing was booked.";

/** Of what kind these writes are, for their keys. */
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
        // When it was sent, registration had opened by our clock, and by the server's may not have.
        await sleep(KNOCK_MS, signal);
      }
    }
  };
}

/**
 * What was asked for at this event, if the answer to it was lost.
 *
 * @param {string} eventId
 */
export function openWish(eventId) {
  const [wish, person] = openAttempt(SEAT, eventId) ?? [];
  return isPerson(person) ? { wish, person } : null;
}

/** @param {unknown} error */
const isClosed = (error) => error instanceof ProblemError && error.code === "closed";

/** Whether only a mail tells what became of it. @param {Claimed} claimed @returns {claimed is ToConfirm} */
export const isToConfirm = (claimed) => claimed.status === "confirmation_sent";

/** @param {Claimed} registration @param {Wish} wish @returns {Outcome} */
export function welcome(registration, wish) {
  if (isToConfirm(registration)) {
    // Where there was a line, nobody hears here whether it is a seat or a place in it.
    const then =
      wish === "waitlist"
        ? "It says how you stand: in line, or, if a seat is free, that it is kept for 30 minutes and yours once you " +
          "confirm it there."
        : "A seat is kept for 30 minutes, and is yours once you confirm it there.";
    return {
      kind: "to_confirm",
      title: "Look into your mail",
      text: `We have written to this address, and the link in that mail leads to the registration. ${then}`,
    };
  }
  if (registration.status === "held") {
    return { kind: "held", title: "Your seat is held", text: "", registration };
  }
  if (registration.status === "waitlisted") {
    return {
      kind: "waitlisted",
      title: "You’re on the waitlist",
      text: "A seat that comes free goes to the first in line. Your registration shows when that is you.",
      registration,
    };
  }
  return { kind: "registered", title: "You’re in.", text: "This seat is yours.", registration };
}

/**
 * Why there is no seat. An event that hides who is registered says the same to those who are: they are told
 * where to look.
 *
 * @param {unknown} error
 * @param {BookingEvent | null} event
 * @returns {Outcome}
 */
export function explainRefusal(error, event) {
  const outcome = explain(error, NOTHING_BOOKED, REFUSALS);
  const isHiding = ["sold_out", "all_held", "closed"].includes(outcome.kind) && event?.conceal_registered;
  if (!isHiding) return outcome;
  const hint = "If you are registered already, your private link shows it: this event does not say who is.";
  return { ...outcome, text: `${outcome.text} ${hint}` };
}

/** @type {Refusals} */
const REFUSALS = {
  already_registered: () => ({
    kind: "already_registered",
    title: "Already registered",
    text:
      "This address already has a seat at this event, or a hold, or a place in line. The private link that " +
      "was shown then leads to it. If it is lost, it can be mailed to you (at the foot of this page), where this " +
      "server sends mail, or the organizer can make a new one.",
  }),
  sold_out: () => ({
    kind: "sold_out",
    title: "Sold out",
    text: "Every seat is taken, and nothing was booked. If a seat comes free, the number above shows it.",
  }),
  all_held: ({ retry_at }) => ({
    kind: "all_held",
    title: "Every seat that is left is being held",
    text: "Others have a few minutes to confirm theirs. Nothing was booked, but a seat may come free soon.",
    canRetry: true,
    retryAt: retry_at,
  }),
  closed: ({ detail }) => ({
    kind: "closed",
    title: "Registration is closed",
    text: `Nothing was booked. ${sentence(detail ?? "this event takes no registrations now")}`,
  }),
};
