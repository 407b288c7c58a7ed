// @ts-check
/** Trying again when the server is too busy: it then did nothing, so that nothing can happen twice. */

import { ProblemError } from "./http.js";
import { sleep } from "./dom.js";
import { t } from "./words.js";

const ATTEMPTS_MAX = 5;
const WAIT_SECONDS_DEFAULT = 2;
const WAIT_SECONDS_MAX = 15;
const WAIT_MS_SPREAD = 400;

/** @param {unknown} error */
export const isBusy = (error) =>
  error instanceof ProblemError && (error.status === 503 || error.status === 429);

/**
 * Whether it says to wait for longer than anybody would look on. A server that is busy may be less so
 * before; one that limits its clients counts the seconds.
 *
 * @param {unknown} error
 */
export const isForLater = (error) =>
  error instanceof ProblemError && error.status === 429 && (error.retryAfterSeconds ?? 0) > WAIT_SECONDS_MAX;

/**
 * @template T
 * @param {() => Promise<T>} attempt
 * @param {(text: string) => void} onWait Told what to show while waiting.
 * @param {AbortSignal} signal
 * @returns {Promise<T>}
 */
export async function withRetries(attempt, onWait, signal) {
  for (let made = 1; ; made += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!isBusy(error) || isForLater(error) || made === ATTEMPTS_MAX) throw error;
      const wished = (error instanceof ProblemError && error.retryAfterSeconds) || WAIT_SECONDS_DEFAULT;
      const seconds = Math.min(Math.max(wished, 1), WAIT_SECONDS_MAX);
      onWait(t("error.retrying", { seconds, made: made + 1, most: ATTEMPTS_MAX }));
      await sleep(seconds * 1_000 + Math.random() * WAIT_MS_SPREAD, signal);
    }
  }
}
