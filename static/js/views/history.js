// @ts-check
/** What happened to a registration, oldest first; read once somebody looks. */

import { disclosureElement } from "../disclosure.js";
import { el, setText } from "../dom.js";
import { momentElement } from "../format.js";

/** @import { RegistrationApi } from "../api.js" */
/** @import { HistoryEntry, Registration } from "../types.js" */

/**
 * @param {RegistrationApi} api
 * @param {AbortSignal} signal
 */
export function createHistory(api, signal) {
  const list = el("ol", { class: "entries", role: "list", "data-testid": "history-list" });
  const status = el("p", { class: "quiet", role: "status" }, "Loading…");
  const node = disclosureElement("history", "What happened so far", status, list);
  let latest = "";
  let loaded = "";

  async function load() {
    if (!node.open || loaded === latest) return;
    const wanted = latest;
    try {
      const entries = await api.history(signal);
      loaded = wanted;
      list.replaceChildren(...entries.map(entryElement));
      setText(status, entries.length === 0 ? "Nothing yet." : "Oldest first.");
    } catch {
      if (!signal.aborted) setText(status, "It could not be loaded. This page keeps trying.");
    }
  }

  node.addEventListener("toggle", load);

  return {
    node,
    /** @param {Registration} registration */
    update(registration) {
      latest = JSON.stringify(registration);
      load();
    },
  };
}

/** @param {HistoryEntry} entry */
function entryElement({ kind, actor, recorded_at }) {
  // What comes of time alone needs nobody to do it.
  const by = { attendee: "by the attendee", organizer: "by the organizer" }[actor] ?? "";
  return el(
    "li",
    { class: "entry", "data-testid": "history-entry", "data-kind": kind },
    el("span", {}, wordsOf(kind), by && el("span", { class: "quiet" }, ` ${by}`)),
    el("span", { class: "stamp" }, momentElement(recorded_at)),
  );
}

/** @type {Record<string, string>} */
const WORDS = {
  registered: "Seat taken",
  held: "Seat held",
  waitlisted: "Joined the waitlist",
  confirmed: "Seat confirmed",
  offered: "Seat offered",
  expired: "Time to confirm ran out",
  cancelled: "Cancelled",
  transferred: "Passed on",
  corrected: "Name or address corrected",
  link_renewed: "New link made",
  checked_in: "Checked in",
  check_in_undone: "Check-in undone",
  event_cancelled: "Event cancelled",
  erased: "Personal data erased",
};

/** A kind that is not known here is still better than none. @param {string} kind */
function wordsOf(kind) {
  const known = Object.hasOwn(WORDS, kind) ? WORDS[kind] : undefined;
  const words = kind.replaceAll(/[_.]/g, " ");
  return known ?? words.charAt(0).toUpperCase() + words.slice(1);
}
