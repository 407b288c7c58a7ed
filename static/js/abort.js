// @ts-check
/** Polyfills of newer `AbortSignal` methods, for all supported browsers. */

/**
 * Aborted as soon as one of the signals is.
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
    // Removes the listeners from signals that live longer.
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
