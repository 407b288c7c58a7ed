// @ts-check
/** The main action at an event, in a prominent place: on the ticket's stub, and on phones at the bottom. */

import { serverNow } from "../clock.js";
import { el, setText } from "../dom.js";
import { createInView } from "../in_view.js";
import { seatsLeft } from "../seats.js";
import { t } from "../words.js";

/** @import { BookingEvent } from "../types.js" */

/** @typedef {"register" | "waitlist" | "upcoming" | null} Action Null if there is nothing to press. */

const LABELS = { register: "register.register", waitlist: "register.join" };

/**
 * @param {HTMLElement} form Its target.
 * @param {AbortSignal} signal
 * @param {() => void} onPress
 */
export function createEventAction(form, signal, onPress) {
  const [onStub, inBar] = [buttonElement("event-action"), buttonElement("event-action-bar")];
  const note = el("p", { class: "event-action__note", hidden: true });
  const stub = el("div", { class: "event-action" }, onStub, note);
  const left = el("span", { class: "event-bar__seats" });
  const bar = el("div", { class: "event-bar", hidden: true }, left, inBar);
  /** @type {Action} */
  let action = null;
  // Not needed while the form is in sight.
  const inView = createInView(signal, drawBar, "0px");
  inView.add(form, "form");

  for (const button of [onStub, inBar]) button.addEventListener("click", onPress);

  const isPressable = () => action === "register" || action === "waitlist";

  function drawBar() {
    bar.hidden = !isPressable() || inView.has("form");
  }

  return {
    stub,
    bar,
    /** @param {BookingEvent} event @param {Action} latest */
    update(event, latest) {
      action = latest;
      if (action === "register" || action === "waitlist") {
        setText(onStub, t(LABELS[action]));
        setText(inBar, t(LABELS[action]));
      }
      onStub.hidden = inBar.hidden = !isPressable();
      note.hidden = action !== "upcoming";
      setText(note, action === "upcoming" ? opensIn(event.opens_at) : "");
      stub.hidden = onStub.hidden && note.hidden;
      const free = seatsLeft(event);
      setText(left, free === 0 ? t("action.full") : t("action.left", { count: free }));
      drawBar();
    },
  };
}

/** @param {string} testid */
const buttonElement = (testid) =>
  el("button", { type: "button", class: "button event-action__button", "data-testid": testid, hidden: true });

const MINUTE_MS = 60_000;
const HOUR_MINUTES = 60;
const DAY_MINUTES = 1_440;

/** To the minute: a text that changes every second cannot be read. @param {string | null | undefined} opensAt */
function opensIn(opensAt) {
  const minutes = Math.ceil((Date.parse(opensAt ?? "") - serverNow()) / MINUTE_MS);
  const [days, hours] = [Math.floor(minutes / DAY_MINUTES), Math.floor((minutes % DAY_MINUTES) / HOUR_MINUTES)];
  if (days > 0) return t("action.opens_days", { days, hours });
  if (hours > 0) return t("action.opens_hours", { hours, minutes: minutes % HOUR_MINUTES });
  return minutes > 1 ? t("action.opens_minutes", { minutes }) : t("action.opens_soon");
}
