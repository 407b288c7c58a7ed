// @ts-check
/** What went wrong with a write, in words. */

import { sentence } from "./form.js";
import { plural } from "./format.js";
import { ConnectionError, ProblemError } from "./http.js";
import { mustSignIn } from "./session.js";
import { isBusy } from "./retry.js";

/** @import { FieldError, Problem, Registration, Seated } from "./types.js" */

/**
 * @typedef {"registered" | "waitlisted" | "held" | "already_registered" | "sold_out" | "all_held" | "closed"
 *   | "expired" | "saved" | "changed" | "invalid" | "error" | "signed_out" | "limited" | "busy" | "unknown"} Kind
 *
 * @typedef {object} Outcome
 * @property {Kind} kind
 * @property {string} title
 * @property {string} text
 * @property {boolean} [canRetry]
 * @property {string} [retryAt]
 * @property {Problem} [problem]
 * @property {FieldError[]} [errors]
 * @property {Seated} [registration]
 */

/**
 * @param {unknown} error
 * @param {string} nothing What did not happen, as a sentence: "Nothing was booked."
 * @param {Record<string, (problem: Problem) => Outcome>} [known] What the caller says itself, by code.
 * @returns {Outcome}
 */
export function explain(error, nothing, known = {}) {
  if (error instanceof ConnectionError) {
    if (error.sent) return UNKNOWN;
    return {
      kind: "error",
      title: "You are offline",
      text: `Nothing was sent. ${nothing} Try again once you are connected.`,
      canRetry: true,
    };
  }
  if (!(error instanceof ProblemError)) {
    return {
      kind: "error",
      title: "That did not work",
      text: "Something went wrong in this page. Load it again.",
    };
  }
  const { problem, code, status } = error;
  if (Object.hasOwn(known, code)) return { problem, ...known[code](problem) };
  if (Object.hasOwn(ANYWHERE, code)) return { problem, ...ANYWHERE[code](nothing) };
  if (status === 400 && (problem.errors?.length ?? 0) > 0) {
    return {
      kind: "invalid",
      title: "Please check the form",
      text: `${nothing} What is wrong is said beside each field.`,
      errors: problem.errors,
    };
  }
  if (status === 401 && mustSignIn()) {
    return {
      kind: "signed_out",
      title: "You are not signed in any more",
      text: `${nothing} Sign in above, and try again.`,
      canRetry: true,
    };
  }
  if (code === "rate_limited") {
    const minutes = Math.ceil((error.retryAfterSeconds ?? 0) / 60);
    const later = minutes > 1 ? `in ${plural(minutes, "minute", "minutes")}` : "in a minute";
    return {
      kind: "limited",
      title: "Too much at once",
      text: `${sentence(error.message)} ${nothing} Try again ${later}.`,
      canRetry: true,
      problem,
    };
  }
  if (isBusy(error)) {
    return {
      kind: "busy",
      title: "Too many people at once",
      text: `The server stayed busy through several tries. ${nothing} Wait a little and try again.`,
      canRetry: true,
      problem,
    };
  }
  // A gateway that gave up waiting knows no more of what happened behind it than we do.
  if (code === "outcome_unknown" || status === 502 || status === 504) return { ...UNKNOWN, problem };
  if (status === 404) {
    return { kind: "error", title: "It is gone", text: `${nothing} It does not exist any more.`, problem };
  }
  return {
    kind: "error",
    title: "That did not work",
    text: sentence(error.message),
    canRetry: true,
    problem,
  };
}

/** Refusals that mean the same wherever they come from. @type {Record<string, (nothing: string) => Outcome>} */
const ANYWHERE = {
  cross_site: (nothing) => ({
    kind: "error",
    title: "Taken for another website",
    text:
      `${nothing} The server takes changes from its own pages alone, and this one seemed to come from ` +
      "elsewhere. Open it by the address that the server is known by; if that is the one you have, tell " +
      "whoever runs it.",
  }),
  not_correctable: (nothing) => ({
    kind: "error",
    title: "It is too late to correct that",
    text: `${nothing} The registration has ended, or its personal data was erased.`,
  }),
};

/** @type {Outcome} */
const UNKNOWN = {
  kind: "unknown",
  title: "We cannot tell yet",
  text:
    "The request went out, but no clear answer came back, so it may or may not have worked. Try again: it " +
    "is the same request, and nothing is ever done twice.",
  canRetry: true,
};
