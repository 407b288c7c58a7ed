// @ts-check
/** Retries when the server is too busy: it then did nothing, so that nothing can happen twice. */

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
 * Whether the server asks for a longer wait than a visitor would watch. A busy server may recover earlier; a client
 * limit is exact to the second.
 *
 * @param {unknown} error
 */
export const isForLater = (error) =>
  error instanceof ProblemError && error.status === 429 && (error.retryAfterSeconds ?? 0) > WAIT_SECONDS_MAX;

/**
 * @template T
 * @param {() => Promise<T>} attempt
 * @param {(text: string) => void} onWait Called with the text to show while waiting.
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
