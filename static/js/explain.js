// @ts-check
/** What went wrong, in words: the one place where an error becomes a text. */

import { plural } from "./format.js";
import { ConnectionError, ProblemError } from "./http.js";
import { leavesOpen } from "./idempotency.js";
import { isBusy, isForLater } from "./retry.js";
import { mustSignIn } from "./session.js";
import { sentence } from "./text.js";

/** @import { FieldError, Problem, Seated } from "./types.js" */

/**
 * @typedef {"registered" | "waitlisted" | "held" | "to_confirm" | "asked" | "already_registered" | "sold_out" | "all_held"
 *   | "closed" | "expired" | "saved" | "changed" | "invalid" | "error" | "signed_out" | "limited" | "busy" | "unknown"} Kind
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
 * Refusals in the caller's own words, by their code.
 *
 * @typedef {Record<string, (problem: Problem) => Outcome>} Refusals
 */

/**
 * Why something could not be read, as a sentence.
 *
 * @param {unknown} error
 */
export const explainRead = (error) =>
  error instanceof ProblemError ? sentence(error.message) : "The server could not be reached.";

/**
 * What is wrong is told beside the fields; this says that there is something.
 *
 * @param {string} nothing
 * @param {FieldError[]} [errors]
 * @returns {Outcome}
 */
export const invalid = (nothing, errors) => ({
  kind: "invalid",
  title: "Please check the form",
  text: `${nothing} What is wrong is said beside each field.`,
  errors,
});

/**
 * What went wrong with a write.
 *
 * @param {unknown} error
 * @param {string} nothing What did not happen, as a sentence: "Nothing was booked." It is not said as long as
 *   a try before may have done it.
 * @param {Refusals} [known] What the caller says itself.
 * @returns {Outcome}
 */
export function explain(error, nothing, known = {}) {
  const said = leavesOpen(error) ? STILL_OPEN : nothing;
  if (error instanceof ConnectionError) {
    if (error.sent) return UNKNOWN;
    return {
      kind: "error",
      title: "You are offline",
      text: `Nothing was sent. ${said} Try again once you are connected.`,
      canRetry: true,
    };
  }
  if (!(error instanceof ProblemError)) {
    if (leavesOpen(error)) return UNKNOWN;
    return {
      kind: "error",
      title: "That did not work",
      text: "Something went wrong in this page. Load it again.",
    };
  }
  const { problem, code, status } = error;
  const own = ownEntry(known, code)?.(problem) ?? ownEntry(ANYWHERE, code)?.(said);
  if (own) return { problem, ...own };
  if (status === 400 && (problem.errors?.length ?? 0) > 0) return invalid(said, problem.errors);
  if (status === 401 && mustSignIn()) {
    return {
      kind: "signed_out",
      title: "You are not signed in any more",
      text: `${said} Sign in above, and try again.`,
      canRetry: true,
    };
  }
  if (code === "rate_limited" || isForLater(error)) {
    const minutes = Math.ceil((error.retryAfterSeconds ?? 0) / 60);
    const later = minutes > 1 ? `in ${plural(minutes, "minute", "minutes")}` : "in a minute";
    return {
      kind: "limited",
      title: "Too much at once",
      text: `${sentence(error.message)} ${said} Try again ${later}.`,
      canRetry: true,
      problem,
    };
  }
  if (isBusy(error)) {
    return {
      kind: "busy",
      title: "Too many people at once",
      text: `The server stayed busy through several tries. ${said} Wait a little and try again.`,
      canRetry: true,
      problem,
    };
  }
  // A gateway that gave up waiting knows no more of what happened behind it than we do.
  const isUnknown = code === "outcome_unknown" || status === 502 || status === 504;
  if (isUnknown || leavesOpen(error)) return { ...UNKNOWN, problem };
  if (status === 404) {
    return { kind: "error", title: "It is gone", text: `${said} It does not exist any more.`, problem };
  }
  return {
    kind: "error",
    title: "That did not work",
    text: sentence(error.message),
    canRetry: true,
    problem,
  };
}

/**
 * Codes come from the network, and some are names that every object knows.
 *
 * @template T
 * @param {Record<string, T>} entries
 * @param {string} key
 */
const ownEntry = (entries, key) => (Object.hasOwn(entries, key) ? entries[key] : undefined);

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

/** In the place of what did not happen, if nobody knows that. */
export const STILL_OPEN = "Whether an earlier try has worked is not known yet.";

/** @type {Outcome} */
export const UNKNOWN = {
  kind: "unknown",
  title: "We cannot tell yet",
  text:
    "The request went out, but no clear answer came back, so it may or may not have worked. Try again: it " +
    "is the same request, and nothing is ever done twice.",
  canRetry: true,
};
