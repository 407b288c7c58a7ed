// @ts-check
/** Numbers and times as the visitor's own locale and time zone write them. */

import { el } from "./dom.js";

const numbers = new Intl.NumberFormat();
const moments = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const months = new Intl.DateTimeFormat(undefined, { month: "long", year: "numeric", timeZone: "UTC" });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

/** @param {number} value */
export const formatNumber = (value) => numbers.format(value);

/** @param {Date} time */
export const formatClock = (time) => clock.format(time);

/** @param {string} month Such as "2026-12". */
export const formatMonth = (month) => months.format(new Date(`${month}-01T00:00:00Z`));

/** @param {string} iso */
export const momentElement = (iso) => timeElement(iso, moments);

/** @param {number} count @param {string} one @param {string} many */
export const plural = (count, one, many) => `${formatNumber(count)} ${count === 1 ? one : many}`;

export const timeZone = () => clock.resolvedOptions().timeZone;

/** @param {string} iso @param {Intl.DateTimeFormat} format */
function timeElement(iso, format) {
  const time = new Date(iso);
  // `format` throws on a date that is none; the raw text then says at least something.
  const text = Number.isNaN(time.getTime()) ? iso : format.format(time);
  return el("time", { datetime: iso }, text);
}
