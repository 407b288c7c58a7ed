// @ts-check
/** Who is registered, for the organizer: oldest first, loaded only once somebody looks. */

import { ProblemError, getRegistrations, registrationsPath } from "../api.js";
import { el, setText } from "../dom.js";
import { momentElement, plural } from "../format.js";

/** @import { BookingEvent, Registration } from "../types.js" */

const PAGE_REGISTRATIONS = 50;

/**
 * @param {string} eventId
 * @param {AbortSignal} signal
 */
export function createRegistrations(eventId, signal) {
  const list = el("ol", { class: "who__list", role: "list" });
  const status = el("p", { class: "quiet", role: "status" }, "Loading…");
  const more = el("button", { type: "button", class: "button button--plain", hidden: true }, "Show more");
  more.setAttribute("data-testid", "registrations-more");
  const node = el(
    "details",
    { class: "who", "data-testid": "registrations" },
    el("summary", {}, "Who is registered"),
    el("div", { class: "who__body" }, status, list, more),
  );

  /** Address of the page that comes next, or of the last one, to be read again as it fills. */
  let path = registrationsPath(eventId, PAGE_REGISTRATIONS);
  let complete = false;
  let loading = false;
  let booked = 0;
  /** @type {number | null} The count of seats taken when the list was last read to its end. */
  let readAt = null;
  /** @type {Map<string, HTMLElement>} */
  const rows = new Map();

  async function load() {
    if (loading) return;
    loading = true;
    more.setAttribute("aria-disabled", "true");
    const bookedBefore = booked;
    try {
      const page = await getRegistrations(path, signal);
      for (const registration of page.items) {
        if (rows.has(registration.id)) continue;
        const row = createRow(registration);
        rows.set(registration.id, row);
        list.append(row);
      }
      complete = page.next === null;
      path = page.next ?? path;
      readAt = bookedBefore;
      setText(status, summary(rows.size, complete));
    } catch (error) {
      if (signal.aborted) return;
      const text = error instanceof ProblemError ? error.message : "The server could not be reached.";
      setText(status, `The list could not be loaded. ${text}`);
      setText(more, "Try again");
      more.hidden = false;
      return;
    } finally {
      loading = false;
      more.removeAttribute("aria-disabled");
    }
    setText(more, "Show more");
    more.hidden = complete;
    refresh();
  }

  /** Whoever comes now comes last: only the end of the list is ever read again. */
  function refresh() {
    if (node.open && complete && readAt !== booked) load();
  }

  node.addEventListener("toggle", () => {
    if (node.open && readAt === null) load();
    else refresh();
  });
  more.addEventListener("click", load);

  return {
    node,
    /** @param {BookingEvent} event */
    update(event) {
      booked = event.booked_count;
      refresh();
    },
  };
}

/** @param {Registration} registration */
const createRow = ({ user_email, created_at }) =>
  el(
    "li",
    { class: "who__row", "data-testid": "registration" },
    el("bdi", {}, user_email),
    el("span", { class: "stamp" }, momentElement(created_at)),
  );

/** @param {number} count @param {boolean} complete */
function summary(count, complete) {
  if (count === 0) return "Nobody is registered yet.";
  return complete
    ? `${plural(count, "person", "people")}, oldest first.`
    : `The first ${plural(count, "person", "people")}, oldest first.`;
}
