// @ts-check
/**
 * Scanners that act as keyboards: they type a code faster than any person, and end it with Enter or Tab, depending
 * on their setup. Enter submits a form by itself. Tab would leave the field, as it does for people.
 */

/** A fast typist takes 100 ms a key. */
const KEY_MS_MAX = 50;
/** Fewer may come together by chance. */
const KEYS_MIN = 8;
/** After that another text begins. */
const PAUSE_MS = 500;

/**
 * @param {HTMLInputElement} input
 * @param {AbortSignal} signal
 * @param {() => void} onEnd When a scanner has typed a code, and ends it with Tab.
 */
export function listenForScanner(input, signal, onEnd) {
  let keys = 0;
  let first = 0;
  let last = 0;

  document.addEventListener(
    "keydown",
    (event) => {
      const { key, timeStamp: now, target } = event;
      if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
      if (key === "Tab" && !event.shiftKey && target === input && isScanned(now)) {
        event.preventDefault();
        keys = 0;
        return onEnd();
      }
      if (key.length !== 1) return;
      if (keys === 0 || now - last > PAUSE_MS) {
        keys = 0;
        first = now;
      }
      keys += 1;
      last = now;
      // A scan is not lost, wherever the focus was: the key that is being pressed already goes to the field. A
      // space presses buttons, and no code begins with one.
      if (key !== " " && !isField(target)) input.focus();
    },
    { signal },
  );

  /** @param {number} now */
  const isScanned = (now) =>
    keys >= KEYS_MIN && input.value !== "" && now - last <= PAUSE_MS && now - first <= keys * KEY_MS_MAX;
}

/** @param {EventTarget | null} target */
const isField = (target) => target instanceof Element && target.matches("input, textarea, select");
