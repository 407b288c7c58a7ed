// @ts-check
/** The last scans of this device, the newest first: "was that one in just now?" */

import { createChanged } from "../changed.js";
import { disclosureElement } from "../disclosure.js";
import { el, setText } from "../dom.js";
import { formatClock } from "../format.js";
import { t } from "../words.js";

/** @import { Names } from "../check_in/names.js" */
/** @import { createQueue } from "../check_in/queue.js" */
/** @import { Scan } from "../check_in/store.js" */

const LAST_MAX = 20;

/**
 * @param {ReturnType<typeof createQueue>} queue
 * @param {Names} names
 */
export function createLastScans(queue, names) {
  const list = el("ol", { class: "entries", role: "list", "data-testid": "door-last" });
  const empty = el("p", { class: "quiet" }, t("last.none"));
  const node = disclosureElement("door-last-panel", t("last.title"), empty, list);
  const isChanged = createChanged();

  function update() {
    if (!node.open) return;
    const scans = queue
      .all()
      .sort((a, b) => b.scanned_at.localeCompare(a.scanned_at))
      .slice(0, LAST_MAX);
    if (!isChanged(scans.map((scan) => [scan.id, scan.state, scan.result, names.known(scan.registration_id)]))) return;
    empty.hidden = scans.length > 0;
    list.replaceChildren(...scans.map(rowOf));
  }

  /** @param {Scan} scan */
  function rowOf({ registration_id, scanned_at, state, result }) {
    const who = el("bdi", {}, names.known(registration_id) ?? registration_id);
    names.of(registration_id).then(
      (name) => setText(who, name),
      () => {},
    );
    const time = el("time", { datetime: scanned_at }, formatClock(new Date(scanned_at)));
    return el(
      "li",
      { class: "entry", "data-testid": "door-last-scan" },
      who,
      el("span", { class: "stamp" }, `${wordOf(state, result)} · `, time),
    );
  }

  node.addEventListener("toggle", update);
  return { node, update };
}

/** @param {Scan["state"]} state @param {Scan["result"]} result */
function wordOf(state, result) {
  if (state === "undone") return t("door.undone_title");
  if (state === "waiting") return t("last.waiting");
  if (result === "checked_in") return t("guests.in");
  return result === "already_checked_in" ? t("last.already") : t("last.refused");
}
