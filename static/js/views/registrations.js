// @ts-check
/** An event's registrations, for its organizer: oldest first, loaded on demand. */

import { getRegistrations, registrationsPath } from "../api.js";
import { disclosureElement } from "../disclosure.js";
import { el, setText } from "../dom.js";
import { explainRead } from "../explain.js";
import { t } from "../words.js";
import { createPeopleTable } from "./people_table.js";

/** @import { BookingEvent } from "../types.js" */
/** @import { MakeRow } from "./people_table.js" */

const PAGE_REGISTRATIONS = 50;
/** The most registrations in one update, however many are shown. */
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

  /** The next page. @type {string | null} */
  let next = null;
  /** The page before it. @type {string | null} */
  let last = null;
  let loading = false;
  let version = 0;
  /** @type {number | null} The version of the event when the list was last read. */
  let readAt = null;

  /** The code of rows is loaded with the first: few organizers open the list. @param {(make: MakeRow) => Promise<void>} read */
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

  /** From the start: rows change and disappear, too. Further pages stay. @param {MakeRow} make */
  async function readHead(make) {
    const limit = Math.min(Math.max(table.count(), PAGE_REGISTRATIONS), REFRESH_REGISTRATIONS_MAX);
    const page = await getRegistrations(registrationsPath(eventId, limit), signal);
    if (page.next === null || !table.showHead(page.items, make)) {
      table.show(page.items, make);
      [last, next] = [null, page.next];
    } else if (next === null && last !== null) {
      // All had been read, and newer ones are at their end.
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
