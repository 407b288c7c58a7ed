// @ts-check
/** Registrations as a table, one row each: only changed rows are redrawn. */

import { isSame } from "../changed.js";
import { el } from "../dom.js";
import { lastIndexWhere } from "../lists.js";
import { t } from "../words.js";

/** @import { Registration } from "../types.js" */
/** @import { Row } from "./registration_row.js" */

/**
 * @typedef {(one: Registration, onOpen: (row: Row) => void) => Row} MakeRow `onOpen` closes the open correction of
 *   another row: one at a time.
 */

/** Empty at first. @param {string} label */
export function createPeopleTable(label) {
  const list = el("tbody", { role: "rowgroup" });
  const head = headElement(
    t("registrations.name"),
    t("registrations.address"),
    t("registrations.registered"),
    t("registrations.actions"),
  );
  const node = el(
    "table",
    { class: "people", role: "table", "aria-label": label, hidden: true },
    el("thead", { role: "rowgroup" }, head),
    list,
  );
  /** In the order of the table. @type {Map<string, { row: Row, drawn: Registration }>} */
  let rows = new Map();
  /** @type {Row | null} */
  let opened = null;

  /** @param {Row} row */
  function onOpen(row) {
    opened?.close();
    opened = row;
  }

  /** The present row, if nothing has changed. @param {Registration} one @param {MakeRow} make */
  function rowOf(one, make) {
    const known = rows.get(one.id);
    if (known && isSame(known.drawn, one)) return known;
    const row = known?.row ?? make(one, onOpen);
    if (known) row.update(one);
    return { row, drawn: one };
  }

  /** @param {Registration[]} people @param {MakeRow} make */
  const rowsOf = (people, make) => new Map(people.map((one) => [one.id, rowOf(one, make)]));

  /** @param {Map<string, { row: Row, drawn: Registration }>} now */
  function place(now) {
    for (const [id, { row }] of rows) {
      if (!now.has(id)) row.node.remove();
    }
    rows = now;
    [...now.values()].forEach(({ row }, at) => {
      const here = list.children[at];
      // Rows in the right place are not touched: one may be in use.
      if (here !== row.node) list.insertBefore(row.node, here ?? null);
    });
    node.hidden = now.size === 0;
  }

  return {
    node,
    count: () => rows.size,
    /** Removes all others. @param {Registration[]} people @param {MakeRow} make */
    show: (people, make) => place(rowsOf(people, make)),
    /**
     * Replaces the rows from the top; those below the last of them stay, and are not read again.
     *
     * @param {Registration[]} people
     * @param {MakeRow} make
     * @returns {boolean} Whether there are any below.
     */
    showHead(people, make) {
      const before = [...rows];
      const ids = new Set(people.map(({ id }) => id));
      const last = lastIndexWhere(before, ([id]) => ids.has(id));
      const below = last === -1 ? [] : before.slice(last + 1);
      place(new Map([...rowsOf(people, make), ...below]));
      return below.length > 0;
    },
    /** Adds them below all others. @param {Registration[]} people @param {MakeRow} make */
    append(people, make) {
      const now = new Map(rows);
      for (const [id, row] of rowsOf(people, make)) {
        now.delete(id);
        now.set(id, row);
      }
      place(now);
    },
  };
}

/** @param {...string} titles */
const headElement = (...titles) =>
  el(
    "tr",
    { class: "person person--head", role: "row" },
    ...titles.map((title) => el("th", { role: "columnheader", scope: "col" }, title)),
  );
