// @ts-check
/** Polls politely: seldom or not at all while hidden, and with growing pauses while the server does not answer. */

import { ProblemError } from "./http.js";
import { connectionBad, connectionGood } from "./connection.js";
import { hasToken, loadSession, onSessionChange } from "./session.js";

const DELAY_MS_MAX = 30_000;

/**
 * @template T
 * @typedef {object} Poll
 * @property {(signal: AbortSignal) => Promise<T>} ask
 * @property {(value: T) => void} onAnswer
 * @property {(error: unknown) => "again" | "stop" | "settling"} onFailure `settling` if it is reported by what
 *   is waiting for its own answer: polling goes on as after a success.
 * @property {number} everyMs
 * @property {() => number | null} [calmMs] The interval while the stream reports changes; null while
 *   it does not.
 * @property {() => number | null} [hiddenMs] The interval while the page is hidden; null, the default, for none.
 * @property {AbortSignal} signal Ends the polling.
 */

/**
 * Polls at once and then until the signal is aborted.
 *
 * @template T
 * @param {Poll<T>} poll
 * @returns {{ first: Promise<void>, now: () => void, soon: () => void }} `first` settles with the first answer or failure;
 *   `now` polls without waiting for the next turn; `soon` at a random time within the interval, for news that all pages get at once.
 */
export function startPolling({ ask, onAnswer, onFailure, everyMs, calmMs, hiddenMs, signal }) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let failures = 0;
  let isPolling = false;
  let pollAgain = false;
  let isSoon = false;
  let stopped = false;

  /** @param {number} delayMs */
  function later(delayMs) {
    clearTimeout(timer);
    if (stopped || signal.aborted) return;
    const leastMs = document.hidden ? (hiddenMs?.() ?? null) : 0;
    // A hidden page that waits for nothing sets no timer; becoming visible wakes it.
    if (leastMs !== null) timer = setTimeout(turn, Math.max(delayMs, leastMs));
  }

  async function turn() {
    if (stopped || signal.aborted) return;
    if (isPolling) {
      // The answer in progress may be older than the reason to poll: one more poll follows.
      pollAgain = true;
      return;
    }
    isPolling = true;
    isSoon = false;
    clearTimeout(timer);
    /** @type {unknown} */
    let failure = null;
    try {
      const value = await ask(signal);
      if (signal.aborted) return;
      failures = 0;
      connectionGood();
      // The server answers again, so this can be shown, too.
      loadSession();
      onAnswer(value);
    } catch (error) {
      if (signal.aborted) return;
      const then = onFailure(error);
      stopped = then === "stop";
      if (then === "again") {
        failure = error;
        failures += 1;
        connectionBad(error);
      } else {
        failures = 0;
        connectionGood();
      }
    } finally {
      isPolling = false;
    }
    const calm = failures === 0 ? calmMs?.() : null;
    const delayMs = isSoon && failures === 0 ? within() : delayAfter(failures, failure, calm ?? everyMs);
    later(pollAgain ? 0 : delayMs);
    pollAgain = false;
  }

  /** A random time within the interval, so that pages do not poll together. */
  const within = () => Math.random() * everyMs;

  function soon() {
    // After a failure the page already waits as long as is good for the server.
    if (isSoon || failures > 0) return;
    isSoon = true;
    if (!isPolling) later(within());
  }

  const wake = () => {
    if (!document.hidden) turn();
    else later(0);
  };
  document.addEventListener("visibilitychange", wake, { signal });
  // The browser's network state is only a hint: poll, and let the answer show it.
  window.addEventListener("online", wake, { signal });
  window.addEventListener("offline", wake, { signal });
  signal.addEventListener("abort", () => clearTimeout(timer));
  // After signing in there may be more to see.
  onSessionChange(() => void (hasToken() && wake()), signal);

  return { first: turn(), now: turn, soon };
}

/** @param {number} failures @param {unknown} failure @param {number} everyMs */
function delayAfter(failures, failure, everyMs) {
  const wished = failure instanceof ProblemError ? (failure.retryAfterSeconds ?? 0) * 1_000 : 0;
  const backedOff = everyMs * 2 ** Math.min(failures, 5);
  // Pages that failed together should not come back together.
  const spread = 0.9 + Math.random() * 0.2;
  return Math.max((failures === 0 ? everyMs : Math.min(backedOff, DELAY_MS_MAX)) * spread, wished);
}
