// @ts-check
/** Asking again and again, politely: seldom or not at all while hidden, and ever more seldom while nobody answers. */

import { ProblemError } from "./http.js";
import { connectionBad, connectionGood } from "./connection.js";
import { hasToken, loadSession, onSessionChange } from "./session.js";

const DELAY_MS_MAX = 30_000;

/**
 * @template T
 * @typedef {object} Poll
 * @property {(signal: AbortSignal) => Promise<T>} ask
 * @property {(value: T) => void} onAnswer
 * @property {(error: unknown) => "again" | "stop" | "settling"} onFailure `settling` if it is told of by what
 *   is waiting for an answer of its own: it is asked again as if it had gone well.
 * @property {number} everyMs
 * @property {() => number | null} [calmMs] How often instead, while the server tells by itself what changes; null while
 *   it does not.
 * @property {() => number | null} [hiddenMs] How often while nobody looks at the page; null for not at all, as without.
 * @property {AbortSignal} signal Ends the polling.
 */

/**
 * Asks at once and then for as long as the signal lives.
 *
 * @template T
 * @param {Poll<T>} poll
 * @returns {{ first: Promise<void>, now: () => void, soon: () => void }} `first` settles with the first answer or failure;
 *   `now` asks without waiting for the next turn; `soon` within the pace, for what all pages hear of together.
 */
export function startPolling({ ask, onAnswer, onFailure, everyMs, calmMs, hiddenMs, signal }) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let failures = 0;
  let asking = false;
  let askAgain = false;
  let isSoon = false;
  let stopped = false;

  /** @param {number} delayMs */
  function later(delayMs) {
    clearTimeout(timer);
    if (stopped || signal.aborted) return;
    const leastMs = document.hidden ? (hiddenMs?.() ?? null) : 0;
    // A hidden page that waits for nothing sets no timer; it is woken by becoming visible.
    if (leastMs !== null) timer = setTimeout(turn, Math.max(delayMs, leastMs));
  }

  async function turn() {
    if (stopped || signal.aborted) return;
    if (asking) {
      // The answer under way may be older than the reason to ask: one more follows it.
      askAgain = true;
      return;
    }
    asking = true;
    isSoon = false;
    clearTimeout(timer);
    /** @type {unknown} */
    let failure = null;
    try {
      const value = await ask(signal);
      if (signal.aborted) return;
      failures = 0;
      connectionGood();
      // Now that it answers it can say this too.
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
      asking = false;
    }
    const calm = failures === 0 ? calmMs?.() : null;
    const delayMs = isSoon && failures === 0 ? within() : delayAfter(failures, failure, calm ?? everyMs);
    later(askAgain ? 0 : delayMs);
    askAgain = false;
  }

  /** Any time within the pace, so that pages do not come together. */
  const within = () => Math.random() * everyMs;

  function soon() {
    // Who is not answered waits already, as long as is good for the server.
    if (isSoon || failures > 0) return;
    isSoon = true;
    if (!asking) later(within());
  }

  const wake = () => {
    if (!document.hidden) turn();
    else later(0);
  };
  document.addEventListener("visibilitychange", wake, { signal });
  // The browser only hints at the state of the network: ask, and let the answer say how it is.
  window.addEventListener("online", wake, { signal });
  window.addEventListener("offline", wake, { signal });
  signal.addEventListener("abort", () => clearTimeout(timer));
  // Whoever has signed in may see more.
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
