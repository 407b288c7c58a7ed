// @ts-check
/** Who has a seat, for the organizer: oldest first, loaded only once somebody looks. */

import { getRegistrations, registrationsPath } from "../api.js";
import { disclosureElement } from "../disclosure.js";
import { el, setText } from "../dom.js";
import { explainRead } from "../explain.js";
import { t } from "../words.js";
import { createPeopleTable } from "./people_table.js";

/** @import { BookingEvent } from "../types.js" */
/** @import { MakeRow } from "./people_table.js" */

const PAGE_REGISTRATIONS = 50;
/** However far somebody has paged, one look at what is new asks for no more than this. */
const REFRESH_REGISTRATIONS_MAX = 200;

/**
 * @param {string} eventId
 * @param {AbortSignal} signal
 */
export function createRegistrations(eventId, signal) {
  const table = createPeopleTable(t("registrations.title"));
  const status = el("p", { class: "quiet", role: "status" }, t("list.loading"));
  const more = el("button", { type: "button", class: "button button--plain", hidden: true }, t("registrations.more"));
  more.setAttribute("data-testid", "registrations-more");
  const node = disclosureElement("registrations", t("registrations.title"), status, table.node, more);

  /** The page that comes next. @type {string | null} */
  let next = null;
  /** The one that was read before it. @type {string | null} */
  let last = null;
  let loading = false;
  let version = 0;
  /** @type {number | null} The version of the event when the list was last read. */
  let readAt = null;

  /** What makes a row is loaded with the first: few look. @param {(make: MakeRow) => Promise<void>} read */
  async function load(read) {
    if (loading) return;
    loading = true;
    more.setAttribute("aria-disabled", "true");
    const versionBefore = version;
    try {
      const { createRow } = await import("./registration_row.js");
      await read((one, onOpen) => createRow(one, { signal, onOpen }));
      readAt = versionBefore;
      setText(status, summary(table.count(), next === null));
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

  /** From the start: people leave, too, and are let in. What was paged in beyond that stays. @param {MakeRow} make */
  async function readHead(make) {
    const limit = Math.min(Math.max(table.count(), PAGE_REGISTRATIONS), REFRESH_REGISTRATIONS_MAX);
    const page = await getRegistrations(registrationsPath(eventId, limit), signal);
    if (page.next === null || !table.showHead(page.items, make)) {
      table.show(page.items, make);
      [last, next] = [null, page.next];
    } else if (next === null && last !== null) {
      // All had been read, and whoever has come since stands at their end.
      await readPage(last, make);
    }
  }

  /** @param {string} path @param {MakeRow} make */
  async function readPage(path, make) {
    const page = await getRegistrations(path, signal);
    table.append(page.items, make);
    [last, next] = [path, page.next];
  }

  /** @param {MakeRow} make */
  async function readNext(make) {
    return next === null ? readHead(make) : readPage(next, make);
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

/** @param {number} count @param {boolean} complete */
function summary(count, complete) {
  if (count === 0) return t("registrations.empty");
  return complete ? t("registrations.all", { count }) : t("registrations.first", { count });
}
