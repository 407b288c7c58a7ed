// @ts-check
/** A preview of an event's ticket, beside its form. Display only. */

import { createDateBlock } from "../date_block.js";
import { el, setText } from "../dom.js";
import { formatMoment } from "../event_times.js";
import { showsNothing } from "../text.js";
import { t } from "../words.js";

/** @import { Values } from "./event_form.js" */

/**
 * @param {HTMLElement} form
 * @param {() => Values} read The form's values.
 */
export function createTicketPreview(form, read) {
  const date = createDateBlock();
  const name = el("p", { class: "preview__name", dir: "auto" });
  const when = el("p", {});
  const venue = el("p", { dir: "auto" });
  const seats = el("p", { class: "preview__seats" });
  const node = el(
    "div",
    // Screen readers have read all of it in the form.
    { class: "preview", "aria-hidden": "true", "data-testid": "ticket-preview" },
    el(
      "div",
      { class: "ticket ticket--across ticket--preview" },
      el("div", { class: "ticket__body" }, date.node, name, when, venue),
      el("div", { class: "ticket__stub" }, seats),
    ),
  );

  function draw() {
    const { name: given, starts_at, timezone, venue: place, capacity } = read();
    const title = String(given ?? "");
    setText(name, showsNothing(title) ? t("preview.name") : title);
    const start = typeof starts_at === "string" ? starts_at : null;
    const zone = typeof timezone === "string" ? timezone : null;
    date.update({ starts_at: start, timezone: zone });
    setText(when, start === null ? t("list.undated") : formatMoment(start, zone));
    setText(venue, String(place ?? ""));
    const count = Number(capacity);
    setText(seats, count > 0 ? t("preview.seats", { count }) : t("event_form.seats"));
  }

  form.addEventListener("input", draw);
  form.addEventListener("change", draw);
  draw();
  return { node };
}
