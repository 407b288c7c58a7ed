// @ts-check
/** Errors in words: the only place where an error becomes a text. */

import { ConnectionError, ProblemError } from "./http.js";
import { leavesOpen } from "./idempotency.js";
import { isBusy, isForLater } from "./retry.js";
import { mustSignIn } from "./session.js";
import { sentence } from "./text.js";
import { t } from "./words.js";

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
 * Why a read failed, as a sentence.
 *
 * @param {unknown} error
 */
export function explainRead(error) {
  if (error instanceof ProblemError) return sentence(error.message);
  // Any other error is a bug of the page, and is not blamed on the network.
  return error instanceof ConnectionError ? t("error.unreachable") : t("page.failed");
}

/**
 * The same for polls. A bug of the page is not repaired by another request.
 *
 * @param {unknown} error
 */
export function explainPolled(error) {
  const isAskedAgain = error instanceof ProblemError || error instanceof ConnectionError;
  return isAskedAgain ? `${explainRead(error)} ${t("list.keeps_trying")}` : explainRead(error);
}

/**
 * The errors are beside the fields; this says that there are some.
 *
 * @param {string} nothing
 * @param {FieldError[]} [errors]
 * @returns {Outcome}
 */
export const invalid = (nothing, errors) => ({
  kind: "invalid",
  title: t("form.check_title"),
  text: t("form.check", { nothing }),
  errors,
});

/**
 * Why a write failed.
 *
 * @param {unknown} error
 * @param {string} nothing The sentence for a failure: "Nothing was booked." It is left out as long as
 *   an earlier try may have done it.
 * @param {Refusals} [known] The caller's own texts.
 * @returns {Outcome}
 */
export function explain(error, nothing, known = {}) {
  const consequence = leavesOpen(error) ? stillOpen() : nothing;
  if (error instanceof ConnectionError) {
    if (error.sent) return unknown();
    return {
      kind: "error",
      title: t("error.offline_title"),
      text: t("error.offline", { nothing: consequence }),
      canRetry: true,
    };
  }
  if (!(error instanceof ProblemError)) {
    if (leavesOpen(error)) return unknown();
    return {
      kind: "error",
      title: t("page.failed_title"),
      text: t("page.failed"),
    };
  }
  const { problem, code, status } = error;
  const own = ownEntry(known, code)?.(problem) ?? ownEntry(ANYWHERE, code)?.(consequence);
  if (own) return { problem, ...own };
  if (status === 400 && (problem.errors?.length ?? 0) > 0) return invalid(consequence, problem.errors);
  if (status === 401 && mustSignIn()) {
    return {
      kind: "signed_out",
      title: t("error.signed_out_title"),
      text: t("error.signed_out", { nothing: consequence }),
      canRetry: true,
    };
  }
  if (code === "rate_limited" || isForLater(error)) {
    const minutes = Math.ceil((error.retryAfterSeconds ?? 0) / 60);
    const why = sentence(error.message);
    return {
      kind: "limited",
      title: t("error.limited_title"),
      text: t("error.limited", { why, nothing: consequence, count: Math.max(minutes, 1) }),
      canRetry: true,
      problem,
    };
  }
  if (isBusy(error)) {
    return {
      kind: "busy",
      title: t("error.busy_title"),
      text: t("error.busy", { nothing: consequence }),
      canRetry: true,
      problem,
    };
  }
  // A gateway that timed out knows no more of what happened behind it than we do.
  const isUnknown = code === "outcome_unknown" || status === 502 || status === 504;
  if (isUnknown || leavesOpen(error)) return { ...unknown(), problem };
  if (status === 404) {
    return { kind: "error", title: t("error.gone_title"), text: t("error.gone", { nothing: consequence }), problem };
  }
  return {
    kind: "error",
    title: t("page.failed_title"),
    text: sentence(error.message),
    canRetry: true,
    problem,
  };
}

/**
 * Codes come from the network, and some are names that every object has.
 *
 * @template T
 * @param {Record<string, T>} entries
 * @param {string} key
 */
const ownEntry = (entries, key) => (Object.hasOwn(entries, key) ? entries[key] : undefined);

/** Refusals that mean the same everywhere. @type {Record<string, (nothing: string) => Outcome>} */
const ANYWHERE = {
  cross_site: (nothing) => ({
    kind: "error",
    title: t("error.cross_site_title"),
    text: t("error.cross_site", { nothing }),
  }),
  not_correctable: (nothing) => ({
    kind: "error",
    title: t("error.not_correctable_title"),
    text: t("error.not_correctable", { nothing }),
  }),
};

/** Replaces the failure's sentence where the result is unknown. */
export const stillOpen = () => t("error.still_open");

/** @returns {Outcome} */
export const unknown = () => ({
  kind: "unknown",
  title: t("error.unknown_title"),
  text: t("error.unknown"),
  canRetry: true,
});

/** A refusal about a registration that ended with its event. @returns {Outcome} */
export const eventCancelled = () => ({
  kind: "closed",
  title: t("refused.event_cancelled_title"),
  text: t("refused.event_cancelled"),
});
