// @ts-check
/** Formats numbers and times for the language of the page and the visitor's region and time zone. */

import { el } from "./dom.js";
import { perLocale } from "./language.js";

const numbers = perLocale((locale) => new Intl.NumberFormat(locale));
const moments = perLocale((locale) => new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" }));
const months = perLocale(
  (locale) => new Intl.DateTimeFormat(locale, { month: "long", year: "numeric", timeZone: "UTC" }),
);
const clock = perLocale((locale) => new Intl.DateTimeFormat(locale, { timeStyle: "medium" }));

/** @param {number} value */
export const formatNumber = (value) => numbers().format(value);

/** @param {Date} time */
export const formatClock = (time) => clock().format(time);

/** @param {string} month Such as "2026-12". */
export const formatMonth = (month) => months().format(new Date(`${month}-01T00:00:00Z`));


const hours = perLocale((locale) => new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", hour: "numeric" }));
const days = perLocale((locale) => new Intl.DateTimeFormat(locale, { dateStyle: "medium" }));
const localMonths = perLocale((locale) => new Intl.DateTimeFormat(locale, { month: "long", year: "numeric" }));

/** The beginning of a step of time, as precise as the step. @param {Date} start @param {"hour" | "day" | "week" | "month"} step */
export function formatStep(start, step) {
  if (step === "hour") return hours().format(start);
  return step === "month" ? localMonths().format(start) : days().format(start);
}

/** @param {string} iso */
export const momentElement = (iso) => timeElement(iso, moments());

export const timeZone = () => clock().resolvedOptions().timeZone;

/** @param {string} iso @param {Intl.DateTimeFormat} format */
function timeElement(iso, format) {
  const time = new Date(iso);
  // `format` throws on an invalid date; the raw text then says at least something.
  const text = Number.isNaN(time.getTime()) ? iso : format.format(time);
  return el("time", { datetime: iso }, text);
}
