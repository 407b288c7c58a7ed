// @ts-check
/** Finds a person by name or address, and lets them in without a ticket. */

import { ConnectionError, getRegistration, getRegistrations, guestsPath } from "../api.js";
import { disclosureElement } from "../disclosure.js";
import { el, setText } from "../dom.js";
import { explain, explainRead } from "../explain.js";
import { createField } from "../form.js";
import { formatClock } from "../format.js";
import { trimmed, trimmedCode } from "../text.js";
import { parseTicket } from "../ticket.js";
import { t } from "../words.js";

/** @import { Registration } from "../types.js" */

const GUESTS_MAX = 20;
/** One letter is in nearly every name. */
const LETTERS_MIN = 2;
/** No search while the user is still typing. */
const TYPING_MS = 250;

/**
 * @param {object} door
 * @param {string} door.eventId
 * @param {AbortSignal} door.signal
 * @param {(guest: Registration) => void} door.onFound
 * @param {(guest: Registration) => Promise<void>} door.onLetIn Rejects if nothing was decided.
 * @param {(ticket: string) => void} door.onTicket A ticket was scanned while the focus was here.
 */
export function createCheckInGuests({ eventId, signal, onFound, onLetIn, onTicket }) {
  const field = createField({
    name: "guest",
    label: t("guests.label"),
    hint: t("guests.hint"),
    attributes: {
      type: "search",
      autocomplete: "off",
      autocapitalize: "none",
      spellcheck: "false",
      "data-testid": "door-guest",
    },
  });
  const status = el("p", { class: "quiet", role: "status", "data-testid": "door-guests-status" });
  const list = el("ul", { class: "entries", role: "list", "data-testid": "door-guests" });
  const node = disclosureElement("door-guests-panel", t("guests.title"), field.node, status, list);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let search = new AbortController();
  signal.addEventListener("abort", stop);

  function stop() {
    clearTimeout(timer);
    search.abort();
    search = new AbortController();
  }

  field.input.addEventListener("input", () => {
    stop();
    timer = setTimeout(() => find(field.input.value), TYPING_MS);
  });

  /** @param {string} text */
  function find(text) {
    const wanted = trimmed(text);
    if (parseTicket(trimmedCode(text)) !== null) {
      field.fill("");
      return onTicket(text);
    }
    if (Array.from(wanted).length < LETTERS_MIN) {
      list.replaceChildren();
      return setText(status, "");
    }
    return look(async (abort) => {
      const { items, next } = await getRegistrations(guestsPath(eventId, wanted, GUESTS_MAX), abort);
      return { guests: items, isAll: next === null };
    });
  }

  /** @param {(abort: AbortSignal) => Promise<{ guests: Registration[], isAll: boolean }>} ask */
  async function look(ask) {
    const abort = search.signal;
    try {
      const { guests, isAll } = await ask(abort);
      // Another text was typed meanwhile.
      if (abort.aborted || signal.aborted) return;
      for (const guest of guests) onFound(guest);
      list.replaceChildren(...guests.map(rowOf));
      setText(status, foundText(guests.length, isAll));
    } catch (error) {
      if (abort.aborted || signal.aborted) return;
      list.replaceChildren();
      const why = explainRead(error);
      setText(status, error instanceof ConnectionError ? t("guests.offline", { why }) : why);
    }
  }

  /** @param {Registration} guest */
  function rowOf(guest) {
    const person = el("span", { id: `guest-${guest.id}` });
    if (guest.name) person.append(el("bdi", { class: "entry__name" }, guest.name), " ");
    person.append(el("bdi", { class: guest.name ? "quiet" : "entry__name" }, guest.user_email));
    const statusLine = el("span", { class: "stamp" }, standingOf(guest));
    const error = el("p", { class: "field__error", role: "alert" });
    const row = el("li", { class: "entry", "data-testid": "door-guest-row", "data-id": guest.id }, person, statusLine);
    if (guest.status !== "confirmed" || guest.checked_in_at) return row;
    const button = el(
      "button",
      { type: "button", class: "button button--small", "aria-describedby": person.id, "data-testid": "door-let-in" },
      t("guests.let_in"),
    );
    let isBusy = false;
    button.addEventListener("click", async () => {
      if (isBusy) return;
      isBusy = true;
      setText(error, "");
      try {
        await onLetIn(guest);
        button.remove();
        setText(statusLine, t("guests.in"));
      } catch (failure) {
        if (!signal.aborted) setText(error, explain(failure, t("people.not_let_in")).text);
      } finally {
        isBusy = false;
      }
    });
    row.append(el("div", { class: "person__buttons" }, button), error);
    return row;
  }

  return {
    node,
    /** Shows that person. @param {{ id: string } | { search: string }} guest */
    show(guest) {
      stop();
      node.open = true;
      setText(status, "");
      if ("search" in guest) {
        field.fill(guest.search);
        return find(guest.search);
      }
      field.fill("");
      return look(async (abort) => {
        const found = await getRegistration(guest.id, abort);
        return { guests: found.event_id === eventId ? [found] : [], isAll: true };
      });
    },
  };
}

/** @param {number} count @param {boolean} isAll */
function foundText(count, isAll) {
  if (count === 0) return t("guests.none");
  return isAll ? t("guests.found", { count }) : t("guests.first", { count });
}

/** @param {Registration} guest */
function standingOf({ status, checked_in_at }) {
  if (checked_in_at) return t("guests.since", { time: formatClock(new Date(checked_in_at)) });
  return t(STANDING[status ?? "confirmed"]);
}

/** @type {Record<NonNullable<Registration["status"]>, string>} */
const STANDING = {
  confirmed: "guests.confirmed",
  held: "guests.held",
  offered: "guests.offered",
  waitlisted: "guests.waitlisted",
  cancelled: "guests.cancelled",
  expired: "guests.expired",
};
