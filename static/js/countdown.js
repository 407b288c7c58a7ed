// @ts-check
/** A countdown by the server's clock: always visible, announced only when time is short. */

import { serverNow } from "./clock.js";
import { el, setText } from "./dom.js";
import { t } from "./words.js";

/** @typedef {{ seconds: number, text: string }} Warning */

/**
 * @typedef {object} Countdown
 * @property {HTMLElement} node
 * @property {(iso: string | null | undefined) => void} setEnd Without an end nothing runs.
 */

/**
 * @param {object} options
 * @param {string} options.testid
 * @param {AbortSignal} options.signal Stops it.
 * @param {() => void} options.onEnd
 * @param {Warning[]} [options.warnings] Announced politely, once each, when so many seconds are left.
 * @returns {Countdown}
 */
export function createCountdown({ testid, signal, onEnd, warnings = [] }) {
  // The timer itself is not announced; else a screen reader would count along.
  const digits = el("span", { class: "countdown", role: "timer", "aria-live": "off", "data-testid": testid });
  const spoken = el("span", {
    class: "countdown__warning",
    role: "status",
    "data-testid": `${testid}-warning`,
  });
  const node = el("div", { class: "countdown__box" }, digits, spoken);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let endMs = NaN;
  /** @type {string | null} */
  let given = null;
  /** @type {Warning | undefined} */
  let announced;

  function tick() {
    clearTimeout(timer);
    if (signal.aborted || Number.isNaN(endMs)) return;
    const leftMs = endMs - serverNow();
    // Rounded: the server's clock is known to a fraction of a second, and ten minutes begin with 10:00.
    const seconds = Math.max(0, Math.round(leftMs / 1_000));
    digits.dataset.seconds = String(seconds);
    setText(digits, formatSeconds(seconds));
    warn(seconds);
    if (leftMs <= 0) {
      endMs = NaN;
      return onEnd();
    }
    // When the number changes, so that none is skipped; never far ahead, since the clock may be corrected.
    timer = setTimeout(tick, seconds === 0 ? leftMs + 5 : leftMs - (seconds - 0.5) * 1_000 + 5);
  }

  /** @param {number} seconds */
  function warn(seconds) {
    const due = warnings.filter((warning) => seconds <= warning.seconds);
    const shortest = due.sort((a, b) => a.seconds - b.seconds)[0];
    node.dataset.urgency = String(due.length);
    if (shortest === announced) return;
    announced = shortest;
    setText(spoken, shortest && seconds > 0 ? shortest.text : "");
  }

  // Browsers slow the timers of a hidden page down, or stop them.
  document.addEventListener("visibilitychange", tick, { signal });
  signal.addEventListener("abort", () => clearTimeout(timer));

  return {
    node,
    setEnd(iso) {
      // Polls report the same end repeatedly, also after it has passed.
      if ((iso ?? null) === given) return;
      given = iso ?? null;
      endMs = Date.parse(iso ?? "");
      announced = undefined;
      tick();
    },
  };
}

/** @param {number} seconds */
export function formatSeconds(seconds) {
  const days = Math.floor(seconds / 86_400);
  const hours = Math.floor((seconds % 86_400) / 3_600);
  const minutes = Math.floor((seconds % 3_600) / 60);
  if (days > 0) return t("countdown.days", { count: days, hours });
  const tail = `${twoDigits(hours > 0 ? minutes : seconds % 60)}`;
  if (hours > 0) return `${hours}:${tail}:${twoDigits(seconds % 60)}`;
  return `${minutes}:${tail}`;
}

/** @param {number} value */
const twoDigits = (value) => String(value).padStart(2, "0");
