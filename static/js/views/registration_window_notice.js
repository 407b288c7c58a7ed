// @ts-check
/** Why an event takes no registrations now, and when that will change. */

import { serverNow } from "../clock.js";
import { createCountdown } from "../countdown.js";
import { el, setText } from "../dom.js";
import { nextChange } from "../registration_window.js";
import { formatMoment, overWords } from "../event_times.js";
import { t } from "../words.js";

/** @import { BookingEvent } from "../types.js" */
/** @import { WindowState } from "../registration_window.js" */

/** The longest delay of a browser's timer. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/**
 * @param {AbortSignal} signal
 * @param {() => void} onChange Registration may have opened or closed.
 */
export function createRegistrationWindowNotice(signal, onChange) {
  const text = el("p", { class: "panel__text", role: "status" });
  const countdown = createCountdown({
    testid: "opens-countdown",
    signal,
    warnings: [{ seconds: 15, text: t("window.soon") }],
    onEnd: onChange,
  });
  const node = el("div", { class: "registration-window", "data-testid": "registration-window" }, text, countdown.node);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  signal.addEventListener("abort", () => clearTimeout(timer));

  return {
    node,
    /** @param {BookingEvent} event @param {WindowState} state */
    update(event, state) {
      node.dataset.state = state;
      setText(text, messageOf(event, state));
      text.hidden = state === "open";
      countdown.node.hidden = state !== "upcoming";
      countdown.setEnd(state === "upcoming" ? event.opens_at : null);
      clearTimeout(timer);
      const change = nextChange(event, serverNow());
      if (change === null || signal.aborted) return;
      timer = setTimeout(onChange, Math.min(change - serverNow() + 20, TIMER_MS_MAX));
    },
  };
}

/** @param {BookingEvent} event @param {WindowState} state */
function messageOf(event, state) {
  const { opens_at, closes_at, timezone, waitlist_count } = event;
  switch (state) {
    case "open":
      return "";
    case "draft":
      return t("window.draft");
    case "cancelled":
      return t("window.cancelled");
    case "over":
      return overWords(event);
    case "upcoming":
      return t("window.opens", { time: formatMoment(opens_at ?? "", timezone) });
    case "closed": {
      const time = formatMoment(closes_at ?? "", timezone);
      return waitlist_count ? t("window.closed_line", { time }) : t("window.closed", { time });
    }
  }
}
