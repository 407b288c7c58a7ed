// @ts-check
/** The history of a registration, oldest first; read once it is opened. */

import { isSame } from "../changed.js";
import { disclosureElement } from "../disclosure.js";
import { el, setText } from "../dom.js";
import { explainPolled } from "../explain.js";
import { momentElement } from "../format.js";
import { t } from "../words.js";

/** @import { RegistrationApi } from "../api.js" */
/** @import { HistoryEntry, Registration } from "../types.js" */

/**
 * @param {RegistrationApi} api
 * @param {AbortSignal} signal
 */
export function createHistory(api, signal) {
  const list = el("ol", { class: "entries", role: "list", "data-testid": "history-list" });
  const status = el("p", { class: "quiet", role: "status" }, t("list.loading"));
  const node = disclosureElement("history", t("history.title"), status, list);
  /** @type {Registration | null} */
  let latest = null;
  /** The registration that the list shows. @type {Registration | null} */
  let loaded = null;

  async function load() {
    if (!node.open || isSame(loaded, latest)) return;
    const wanted = latest;
    try {
      const entries = await api.history(signal);
      loaded = wanted;
      list.replaceChildren(...entries.map(entryElement));
      setText(status, entries.length === 0 ? t("history.empty") : t("history.order"));
    } catch (error) {
      if (!signal.aborted) setText(status, explainPolled(error));
    }
  }

  node.addEventListener("toggle", load);

  return {
    node,
    /** @param {Registration} registration */
    update(registration) {
      latest = registration;
      load();
    },
  };
}

/** @param {HistoryEntry} entry */
function entryElement({ kind, actor, recorded_at }) {
  // Changes by time alone have no author.
  const by = { attendee: "history.by_attendee", organizer: "history.by_organizer" }[actor];
  return el(
    "li",
    { class: "entry", "data-testid": "history-entry", "data-kind": kind },
    el("span", {}, wordsOf(kind), by && el("span", { class: "quiet" }, ` ${t(by)}`)),
    el("span", { class: "stamp" }, momentElement(recorded_at)),
  );
}

/** @type {Record<string, string>} */
const WORDS = {
  registered: "history.registered",
  held: "history.held",
  waitlisted: "history.waitlisted",
  confirmed: "history.confirmed",
  offered: "history.offered",
  expired: "history.expired",
  cancelled: "history.cancelled",
  transferred: "history.transferred",
  corrected: "history.corrected",
  link_renewed: "history.link_renewed",
  checked_in: "history.checked_in",
  check_in_undone: "history.check_in_undone",
  event_cancelled: "history.event_cancelled",
  erased: "history.erased",
};

/** An unknown kind is shown by its name. @param {string} kind */
function wordsOf(kind) {
  const known = Object.hasOwn(WORDS, kind) ? WORDS[kind] : undefined;
  const words = kind.replaceAll(/[_.]/g, " ");
  return known ? t(known) : words.charAt(0).toUpperCase() + words.slice(1);
}
