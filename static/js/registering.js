// @ts-check
/** One registration, from the press of the button to an outcome in words. */

import { ConnectionError, ProblemError, register } from "./api.js";
import { isBusy, withRetries } from "./retry.js";

/** @import { FieldError, Problem, Registration } from "./types.js" */

/**
 * @typedef {"registered" | "already_registered" | "sold_out" | "invalid" | "error" | "busy" | "unknown"} Kind
 *
 * @typedef {object} Outcome
 * @property {Kind} kind
 * @property {string} title
 * @property {string} text
 * @property {boolean} [canRetry]
 * @property {Problem} [problem]
 * @property {FieldError[]} [errors]
 * @property {Registration} [registration]
 */

/**
 * @param {string} eventId
 * @param {string} email
 * @param {boolean} perhapsDone Whether an earlier try for this address may have worked unseen.
 * @param {(text: string) => void} onWait
 * @param {AbortSignal} signal
 * @returns {Promise<Outcome>} Rejects only with the reason of the signal.
 */
export async function tryRegister(eventId, email, perhapsDone, onWait, signal) {
  try {
    const registration = await withRetries(() => register(eventId, email), onWait, signal);
    return { kind: "registered", title: "You’re in.", text: "This seat is yours.", registration };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    return outcomeOf(error, perhapsDone);
  }
}

/** @param {unknown} error @param {boolean} perhapsDone @returns {Outcome} */
function outcomeOf(error, perhapsDone) {
  if (error instanceof ConnectionError) {
    return error.sent ? UNKNOWN : OFFLINE;
  }
  if (!(error instanceof ProblemError)) {
    return {
      kind: "error",
      title: "That did not work",
      text: "Something went wrong in this page. Load it again.",
    };
  }
  const { problem, code, status } = error;
  if (code === "already_registered") return perhapsDone ? ALREADY_BY_US : ALREADY;
  if (code === "sold_out") return SOLD_OUT;
  if (status === 400 && (problem.errors?.length ?? 0) > 0) {
    return {
      kind: "invalid",
      title: "Please check the e-mail address",
      text: "Nothing was booked. What is wrong is said beside the field.",
      errors: problem.errors,
    };
  }
  if (isBusy(error)) {
    return {
      kind: "busy",
      title: "Too many people at once",
      text: "The server stayed busy through several tries. Nothing was booked. Wait a little and try again.",
      canRetry: true,
      problem,
    };
  }
  // A gateway that gave up waiting knows no more of what happened behind it than we do.
  if (code === "outcome_unknown" || status === 502 || status === 504) return { ...UNKNOWN, problem };
  if (status === 404) {
    return { kind: "error", title: "This event is gone", text: "It does not exist any more.", problem };
  }
  return { kind: "error", title: "That did not work", text: error.message, canRetry: true, problem };
}

/** @type {Outcome} */
const ALREADY = {
  kind: "already_registered",
  title: "Already registered",
  text: "This address already has a seat at this event. There is nothing more to do.",
};

/** @type {Outcome} */
const ALREADY_BY_US = {
  kind: "already_registered",
  title: "It worked: you’re in",
  text: "The earlier try went through, and its answer was lost on the way. This address has its seat.",
};

/** @type {Outcome} */
const SOLD_OUT = {
  kind: "sold_out",
  title: "Sold out",
  text: "Every seat is taken, and nothing was booked. If a seat comes free, the number above shows it.",
};

/** @type {Outcome} */
const OFFLINE = {
  kind: "error",
  title: "You are offline",
  text: "Nothing was sent and nothing was booked. Try again once you are connected.",
  canRetry: true,
};

/** @type {Outcome} */
const UNKNOWN = {
  kind: "unknown",
  title: "We cannot tell yet",
  text:
    "The request went out, but no clear answer came back, so the seat may or may not be yours. Try again: " +
    "one address never gets two seats, and if the first try worked, you will be told so.",
  canRetry: true,
};
