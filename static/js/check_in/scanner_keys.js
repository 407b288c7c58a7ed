// @ts-check
/**
 * Scanners that are keyboards: they type a code faster than anybody can, and end it with Enter or with Tab, as they
 * were set up. Enter sends a form by itself. Tab would lead out of the field, and does so for people.
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
      // Wherever the focus was, a scan is not lost: the key that is being pressed goes there already. A space
      // presses buttons, and no code begins with one.
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
