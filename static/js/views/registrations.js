// @ts-check
/** Who has a seat, for the organizer: oldest first, loaded only once somebody looks. */

import { getRegistrations, registrationsPath } from "../api.js";
import { disclosureElement } from "../disclosure.js";
import { el, setText } from "../dom.js";
import { explainRead } from "../explain.js";
import { t } from "../words.js";

/** @import { BookingEvent, Registration } from "../types.js" */
/** @import { Row, createRow } from "./registration_row.js" */

const PAGE_REGISTRATIONS = 50;
/** However far somebody has paged, one look at what is new asks for no more than this. */
const REFRESH_REGISTRATIONS_MAX = 200;

/**
 * @param {string} eventId
 * @param {AbortSignal} signal
 */
export function createRegistrations(eventId, signal) {
  const { table, list } = peopleTable(t("registrations.title"));
  const status = el("p", { class: "quiet", role: "status" }, t("list.loading"));
  const more = el("button", { type: "button", class: "button button--plain", hidden: true }, t("registrations.more"));
  more.setAttribute("data-testid", "registrations-more");
  const node = disclosureElement("registrations", t("registrations.title"), status, table, more);

  /** The page that comes next. @type {string | null} */
  let next = null;
  let loading = false;
  let version = 0;
  /** @type {number | null} The version of the event when the list was last read. */
  let readAt = null;
  /** @type {Map<string, { row: Row, drawn: string }>} */
  const rows = new Map();
  /** Of whom something is being corrected: of one at a time. @type {Row | null} */
  let opened = null;

  /** What makes a row is loaded with the first: few look. @param {(make: typeof createRow) => Promise<void>} read */
  async function load(read) {
    if (loading) return;
    loading = true;
    more.setAttribute("aria-disabled", "true");
    const versionBefore = version;
    try {
      const { createRow: make } = await import("./registration_row.js");
      await read(make);
      readAt = versionBefore;
      setText(status, summary(rows.size, next === null));
      table.hidden = rows.size === 0;
      setText(more, t("registrations.more"));
      more.hidden = next === null;
    } catch (error) {
      if (signal.aborted) return;
      setText(status, t("registrations.load_error", { why: explainRead(error) }));
      setText(more, t("outcome.try_again"));
      more.hidden = false;
    } finally {
      loading = false;
      more.removeAttribute("aria-disabled");
    }
  }

  /** From the start: people leave, too, and are let in. What was paged in beyond that stays. @param {typeof createRow} make */
  async function readHead(make) {
    const limit = Math.min(Math.max(rows.size, PAGE_REGISTRATIONS), REFRESH_REGISTRATIONS_MAX);
    const page = await getRegistrations(registrationsPath(eventId, limit), signal);
    const beyond = page.next === null ? [] : [...rows.keys()].slice(page.items.length);
    const wanted = new Set([...page.items.map(({ id }) => id), ...beyond]);
    for (const [id, { row }] of rows) {
      if (wanted.has(id)) continue;
      row.node.remove();
      rows.delete(id);
    }
    if (beyond.length === 0) next = page.next;
    page.items.forEach((one, index) => {
      const row = draw(one, make);
      // Somebody who waited long may get a seat late: then it is not the last of the list.
      const here = list.children[index];
      if (here !== row) list.insertBefore(row, here ?? null);
    });
  }

  /** @param {typeof createRow} make */
  async function readNext(make) {
    if (next === null) return readHead(make);
    const page = await getRegistrations(next, signal);
    list.append(...page.items.map((one) => draw(one, make)));
    next = page.next;
  }

  /** The row of somebody: the one that is there, if nothing of it is new. @param {Registration} one @param {typeof createRow} make */
  function draw(one, make) {
    const drawn = JSON.stringify(one);
    const known = rows.get(one.id);
    if (known?.drawn === drawn) return known.row.node;
    const row = known?.row ?? make(one, { signal, onOpen });
    if (known) row.update(one);
    rows.set(one.id, { row, drawn });
    return row.node;
  }

  /** @param {Row} row */
  function onOpen(row) {
    opened?.close();
    opened = row;
  }

  function refresh() {
    if (node.open && readAt !== version) load(readHead);
  }

  node.addEventListener("toggle", refresh);
  more.addEventListener("click", () => load(readNext));

  return {
    node,
    /** @param {BookingEvent} event */
    update(event) {
      // A server of the first contract has no versions; there seats are only ever taken.
      version = event.version ?? event.booked_count;
      refresh();
    },
  };
}

/** A table of people, without any as yet. @param {string} label */
export function peopleTable(label) {
  const list = el("tbody", { role: "rowgroup" });
  const head = headElement(
    t("registrations.name"),
    t("registrations.address"),
    t("registrations.registered"),
    t("registrations.actions"),
  );
  const table = el(
    "table",
    { class: "people", role: "table", "aria-label": label, hidden: true },
    el("thead", { role: "rowgroup" }, head),
    list,
  );
  return { table, list };
}

/** @param {...string} titles */
const headElement = (...titles) =>
  el(
    "tr",
    { class: "person person--head", role: "row" },
    ...titles.map((title) => el("th", { role: "columnheader", scope: "col" }, title)),
  );

/** @param {number} count @param {boolean} complete */
function summary(count, complete) {
  if (count === 0) return t("registrations.empty");
  return complete ? t("registrations.all", { count }) : t("registrations.first", { count });
}
