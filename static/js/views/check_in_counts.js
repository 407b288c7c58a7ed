// @ts-check
/** This door's scans, those still to be sent, and conflicts with the server's decisions. */

import { isConflict, isInside } from "../check_in/queue.js";
import { reasonOf } from "../check_in/messages.js";
import { el, setText } from "../dom.js";
import { explainRead } from "../explain.js";
import { formatNumber, momentElement } from "../format.js";
import { ProblemError } from "../http.js";
import { t, tNodes } from "../words.js";

/** @import { BookingEvent } from "../types.js" */
/** @import { Scan } from "../check_in/store.js" */
/** @import { createKeys } from "../check_in/keys.js" */
/** @import { Names } from "../check_in/names.js" */
/** @import { createQueue } from "../check_in/queue.js" */

/**
 * @param {object} door
 * @param {ReturnType<typeof createQueue>} door.queue
 * @param {ReturnType<typeof createKeys>} door.keys
 * @param {() => boolean} door.isDurable
 * @param {() => void} door.focusInput
 * @param {Names} door.names
 */
export function createCheckInCounts({ queue, keys, isDurable, focusInput, names }) {
  const inside = createCount(t("door.let_in_here"), "door-count");
  const everywhere = createCount(t("door.let_in_all"), "door-everywhere");
  // Until the server answers.
  everywhere.node.hidden = true;
  const pending = createCount(t("door.waiting"), "door-pending");
  const seats = createCount(t("seats.taken_label"), "door-seats");
  const readiness = el("p", { class: "quiet", "data-testid": "door-keys" });
  const send = el(
    "button",
    { type: "button", class: "button button--plain form__send", hidden: true },
    t("door.send_now"),
  );
  send.setAttribute("data-testid", "door-sync");
  send.addEventListener("click", () => {
    // The button disappears once it has done its work.
    focusInput();
    queue.sync();
  });
  const trouble = el("p", { class: "field__error", "data-testid": "door-trouble" });
  const list = el("ul", { class: "entries", role: "list", "data-testid": "door-conflicts" });
  const conflicts = el(
    "section",
    { class: "outcome outcome--note outcome--bad", "aria-labelledby": "conflicts-title", hidden: true },
    el("h2", { id: "conflicts-title" }, t("door.conflicts_title")),
    el("p", {}, t("door.conflicts_text")),
    list,
  );
  // In the page from the start, so that the first conflict is read out.
  const statusLine = el("p", { class: "visually-hidden", role: "status" });
  const node = el(
    "div",
    { class: "panel" },
    el("dl", { class: "counts" }, inside.node, everywhere.node, pending.node, seats.node),
    send,
    trouble,
    readiness,
    statusLine,
    conflicts,
  );
  /** @type {Map<string, HTMLElement>} */
  const rows = new Map();

  return {
    node,
    /** @param {BookingEvent} event */
    seats: ({ booked_count }) => seats.set(booked_count),
    /** @param {number} count */
    everywhere(count) {
      everywhere.node.hidden = false;
      everywhere.set(count);
    },
    update() {
      const scans = queue.all();
      const waiting = queue.waiting().length;
      inside.set(scans.filter(isInside).length);
      pending.set(waiting);
      send.hidden = waiting === 0;
      setText(trouble, waiting > 0 ? troubleOf(queue.lastError()) : "");
      readiness.dataset.keys = keys.state();
      setText(readiness, readinessOf(keys.state(), isDurable()));
      for (const scan of scans.filter((scan) => isConflict(scan) && !rows.has(scan.id))) {
        const row = conflictElement(scan, names, () => queue.forget(scan.id).then(() => drop(scan.id)));
        rows.set(scan.id, row);
        list.append(row);
        setText(statusLine, t("door.conflicts_said", { count: rows.size }));
      }
      conflicts.hidden = rows.size === 0;
    },
  };

  /** @param {string} id */
  function drop(id) {
    rows.get(id)?.remove();
    rows.delete(id);
    focusInput();
    conflicts.hidden = rows.size === 0;
  }
}

/** @param {string} label @param {string} testid */
function createCount(label, testid) {
  const value = el("dd", { "data-testid": testid, "data-count": "0" }, "–");
  return {
    node: el("div", {}, el("dt", {}, label), value),
    /** @param {number} count */
    set(count) {
      value.dataset.count = String(count);
      setText(value, formatNumber(count));
    },
  };
}

/** @param {Scan} scan @param {Names} names @param {() => void} onSeen */
function conflictElement({ registration_id, scanned_at, result, checked_in_at, reason, detail }, names, onSeen) {
  const who = el("bdi", { "data-testid": "door-conflict-person" });
  const seen = el("button", { type: "button", class: "button button--plain button--small" }, t("door.seen"));
  seen.setAttribute("aria-label", t("door.seen_of", { registration: registration_id }));
  names.of(registration_id).then(
    (name) => {
      setText(who, name);
      seen.setAttribute("aria-label", t("door.seen_of", { registration: name }));
    },
    // The id stays, by which the organizer finds the registration.
    () => {},
  );
  seen.addEventListener("click", onSeen);
  const why =
    result === "already_checked_in"
      ? el("span", {}, ...tNodes("door.used_before", { time: momentElement(checked_in_at ?? "") }))
      : el("span", {}, reasonOf(reason, detail));
  return el(
    "li",
    { class: "entry", "data-testid": "door-conflict", "data-result": result, "data-reason": reason },
    el("span", {}, who, " ", el("span", { class: "mono quiet" }, registration_id)),
    el("span", {}, ...tNodes("door.let_in_at", { time: momentElement(scanned_at) })),
    why,
    seen,
  );
}

/**
 * Without a network it is no surprise that nothing is sent; a refusal needs attention.
 *
 * @param {unknown} error
 */
const troubleOf = (error) =>
  error instanceof ProblemError
    ? t("door.unsent", { why: explainRead(error) })
    : "";

const READINESS = { ready: "door.ready", none: "door.no_keys", unsupported: "door.unsupported" };

/** @param {"none" | "ready" | "unsupported"} keys @param {boolean} isDurable */
function readinessOf(keys, isDurable) {
  const ready = t(READINESS[keys]);
  return isDurable ? ready : t("door.not_durable", { ready });
}
