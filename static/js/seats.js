// @ts-check
/** The seat meter on a ticket's stub. */

import { serverNow } from "./clock.js";
import { el, setText } from "./dom.js";
import { isOver, windowState } from "./registration_window.js";
import { formatNumber } from "./format.js";
import { t } from "./words.js";

/** @import { BookingEvent } from "./types.js" */

const BLOCKS_MAX = 20;
/** Below this share of all seats only few are left. */
const FEW_SHARE = 0.2;

/** @param {BookingEvent} event */
export const seatsLeft = (event) => event.available ?? Math.max(0, event.capacity - event.booked_count);

/** Whether no seat is available: sold out, closed, or cancelled. @param {BookingEvent} event */
export const isSpent = (event) => spentWords(event) !== null;

/** Whether only few seats are left. @param {BookingEvent} event */
export const isScarce = (event) => !isSpent(event) && seatsLeft(event) < event.capacity * FEW_SHARE;

/** @param {BookingEvent} event */
function spentWords(event) {
  if (event.status === "cancelled") return t("seats.cancelled");
  const now = serverNow();
  if (isOver(event, now)) return t("seats.over");
  if (windowState(event, now) === "closed") return t("seats.closed");
  return seatsLeft(event) === 0 ? t("seats.sold_out") : null;
}

/** @returns {{ node: HTMLElement, update: (event: BookingEvent) => void }} */
export function createSeats() {
  const number = el("span", { class: "seats__number" });
  const unit = el("span", { class: "seats__unit" });
  const fill = el("div", { class: "meter__fill" });
  const meter = el(
    "div",
    {
      class: "meter",
      role: "meter",
      "aria-label": t("seats.taken_label"),
      "aria-valuemin": 0,
      "data-testid": "seat-meter",
    },
    fill,
  );
  const text = el("p", { class: "seats__text", "data-testid": "seats-text" });
  const node = el(
    "div",
    { class: "seats" },
    el("p", { class: "seats__figure" }, number, " ", unit),
    meter,
    text,
  );

  /** @param {BookingEvent} event */
  function update(event) {
    const { booked_count: booked, capacity } = event;
    const left = seatsLeft(event);
    const words = t("seats.taken", { booked, count: capacity });
    const spent = spentWords(event);
    setText(number, spent ?? formatNumber(left));
    setText(unit, spent ? "" : t("seats.left", { count: left }));
    setText(text, words);
    number.classList.toggle("seats__number--words", spent !== null);
    meter.dataset.booked = String(booked);
    meter.dataset.capacity = String(capacity);
    meter.setAttribute("aria-valuenow", String(booked));
    meter.setAttribute("aria-valuemax", String(capacity));
    meter.setAttribute("aria-valuetext", words);
    const blocks = Math.min(capacity, BLOCKS_MAX);
    meter.style.setProperty("--blocks", String(blocks));
    fill.style.setProperty("--share", String(blocksTaken(booked, left, capacity, blocks) / blocks));
  }

  return { node, update };
}

/**
 * Whole blocks only, and exact at both ends: none is filled only if no seat is taken, all are only if no seat is
 * left.
 *
 * @param {number} booked
 * @param {number} left
 * @param {number} capacity
 * @param {number} blocks
 */
function blocksTaken(booked, left, capacity, blocks) {
  if (left === 0) return blocks;
  const rounded = Math.round((booked / capacity) * blocks);
  return Math.min(Math.max(rounded, booked > 0 ? 1 : 0), blocks - 1);
}
