// @ts-check
/** The number of registrations over time, in even steps. Pure. */

/**
 * @typedef {"hour" | "day" | "week" | "month"} Step
 *
 * @typedef {object} SalesStep
 * @property {Date} start
 * @property {number} count
 * @property {number} sum The total until its end.
 */

/** More bars than these cannot be told apart. */
const STEPS_MAX = 48;
const HOUR_MS = 3_600_000;

/** @type {[step: Step, ms: number][]} */
const STEPS = [
  ["hour", HOUR_MS],
  ["day", 24 * HOUR_MS],
  ["week", 7 * 24 * HOUR_MS],
];

/**
 * By this device's clock, in whole hours, days, weeks that begin with a Monday, or months: the smallest that are
 * not too many.
 *
 * @param {string[]} moments RFC 3339, in any order.
 * @returns {{ step: Step, steps: SalesStep[] }}
 */
export function salesOf(moments) {
  const times = moments.map((moment) => Date.parse(moment)).filter((time) => !Number.isNaN(time));
  times.sort((a, b) => a - b);
  const [first, last] = [times[0], times[times.length - 1]];
  if (first === undefined || last === undefined) return { step: "day", steps: [] };
  const step = STEPS.find(([, ms]) => (last - first) / ms < STEPS_MAX - 1)?.[0] ?? "month";
  /** @type {SalesStep[]} */
  const steps = [];
  let sum = 0;
  let at = 0;
  for (let start = startOf(new Date(first), step); start.getTime() <= last; ) {
    const end = nextOf(start, step);
    const from = at;
    while (at < times.length && /** @type {number} */ (times[at]) < end.getTime()) at += 1;
    sum += at - from;
    steps.push({ start, count: at - from, sum });
    start = end;
  }
  return { step, steps };
}

/** @param {Date} time @param {Step} step */
function startOf(time, step) {
  const [year, month, day] = [time.getFullYear(), time.getMonth(), time.getDate()];
  switch (step) {
    case "hour":
      return new Date(year, month, day, time.getHours());
    case "day":
      return new Date(year, month, day);
    case "week":
      return new Date(year, month, day - ((time.getDay() + 6) % 7));
    case "month":
      return new Date(year, month, 1);
  }
}

/** Days are not all as long: the clock is set twice a year. @param {Date} start @param {Step} step */
function nextOf(start, step) {
  const [year, month, day] = [start.getFullYear(), start.getMonth(), start.getDate()];
  switch (step) {
    case "hour":
      return new Date(start.getTime() + HOUR_MS);
    case "day":
      return new Date(year, month, day + 1);
    case "week":
      return new Date(year, month, day + 7);
    case "month":
      return new Date(year, month + 1, 1);
  }
}
