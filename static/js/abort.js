// @ts-check
/** What newer browsers have in `AbortSignal`, for all that are supported. */

/**
 * Aborted as soon as one of them is.
 *
 * @param {...AbortSignal} signals
 * @returns {AbortSignal}
 */
export function anySignal(...signals) {
  if (typeof AbortSignal.any === "function") return AbortSignal.any(signals);
  const controller = new AbortController();
  const { signal: both } = controller;
  for (const signal of signals) {
    if (signal.aborted) controller.abort(signal.reason);
    // Nothing stays behind at a signal that outlives the other.
    signal.addEventListener("abort", () => controller.abort(signal.reason), { once: true, signal: both });
  }
  return both;
}

/** Aborted after that time. @param {number} ms @returns {AbortSignal} */
export function timeoutSignal(ms) {
  if (typeof AbortSignal.timeout === "function") return AbortSignal.timeout(ms);
  const controller = new AbortController();
  setTimeout(() => controller.abort(new DOMException("the time is up", "TimeoutError")), ms);
  return controller.signal;
}
