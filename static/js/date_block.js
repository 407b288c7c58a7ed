// @ts-check
/** The date of an event as a calendar leaf. Decoration: the whole time is in words beside it. */

import { createChanged } from "./changed.js";
import { el } from "./dom.js";
import { formatDay } from "./event_times.js";

/** @import { BookingEvent } from "./types.js" */

/**
 * Redrawn only for another day: a list that is polled must not flicker.
 *
 * @returns {{ node: HTMLElement, update: (event: Pick<BookingEvent, "starts_at" | "timezone">) => void }}
 */
export function createDateBlock() {
  const node = el("p", { class: "date-block", "aria-hidden": "true" });
  const isChanged = createChanged();

  return {
    node,
    update({ starts_at, timezone }) {
      const day = starts_at ? formatDay(starts_at, timezone) : null;
      node.hidden = day === null;
      if (!isChanged(day)) return;
      node.replaceChildren(
        ...(day === null
          ? []
          : [
              el("span", { class: "date-block__month" }, day.month),
              el("span", { class: "date-block__day" }, day.day),
              el("span", { class: "date-block__weekday" }, day.weekday),
            ]),
      );
    },
  };
}
