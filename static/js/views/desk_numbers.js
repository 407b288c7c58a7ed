// @ts-check
/** The counts of registrations by status. */

import { el, setText } from "../dom.js";
import { formatNumber } from "../format.js";
import { t } from "../words.js";

/** @import { BookingEvent, Counts } from "../types.js" */

/** The usual ones come first; others appear once they are above zero. */
const SHOWN = /** @type {const} */ ([
  ["confirmed", "desk.confirmed", true],
  ["checked_in", "desk.checked_in", true],
  ["waitlisted", "facts.waiting", false],
  ["held", "row.held", false],
  ["offered", "row.offered", false],
  ["cancelled", "history.cancelled", true],
  ["expired", "row.expired", false],
]);

export function createDeskNumbers() {
  const free = numberOf("desk.free", "desk-available");
  const numbers = SHOWN.map(([name, words, isAlways]) => ({ name, isAlways, ...numberOf(words, `desk-${name}`) }));
  const node = el(
    "section",
    { "aria-labelledby": "desk-numbers-title" },
    el("h2", { class: "visually-hidden", id: "desk-numbers-title" }, t("desk.numbers")),
    el("dl", { class: "counts", "data-testid": "desk-numbers" }, free.node, ...numbers.map((one) => one.node)),
  );
  return {
    node,
    /** @param {BookingEvent} event @param {Counts} counts */
    update({ capacity, booked_count, available = capacity - booked_count }, counts) {
      free.set(available);
      for (const { name, node: shown, set, isAlways } of numbers) {
        shown.hidden = !isAlways && counts[name] === 0;
        set(counts[name]);
      }
    },
  };
}

/** @param {string} words @param {string} testid */
function numberOf(words, testid) {
  const value = el("dd", { "data-testid": testid });
  return {
    node: el("div", {}, el("dt", {}, t(words)), value),
    /** @param {number} count */
    set(count) {
      value.dataset.count = String(count);
      setText(value, formatNumber(count));
    },
  };
}
