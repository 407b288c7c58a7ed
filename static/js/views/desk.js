// @ts-check
/** One event, for its organizer: its numbers, its attendees, and actions on them. */

import { eventAddress, pageAddress } from "../address.js";
import { ProblemError, getCounts, getOwnEvent } from "../api.js";
import { el, setText } from "../dom.js";
import { startPolling } from "../poll.js";
import { ROLE_WORDS } from "../role_words.js";
import { currentSession, may, mayPutUp } from "../session.js";
import { nameShown } from "../text.js";
import { t } from "../words.js";
import { createDeskCopy } from "./desk_copy.js";
import { createDeskNumbers } from "./desk_numbers.js";
import { createDeskPeople } from "./desk_people.js";
import { createDeskSales } from "./desk_sales.js";
import { badgeElement, unlistedElement } from "./event_facts.js";
import { showLoadError } from "./load_error.js";
import { missingNotice } from "./missing.js";

/** @import { BookingEvent, View } from "../types.js" */

const POLL_MS = 5_000;

/**
 * @param {View} view
 * @param {string} id
 */
export function deskView({ root, signal, setTitle }, id) {
  setTitle(t("desk.title"));
  const title = el("h1", { tabindex: -1, id: "desk-title", dir: "auto" }, t("event.loading"));
  const badge = el("div", {});
  const head = el("div", { class: "page-head" }, el("div", {}, title, badge, roleElement()));
  const body = el("div", { class: "desk" });
  root.append(el("a", { class: "back", href: eventAddress(id) }, t("nav.the_event")), head, body);

  /** @type {BookingEvent | null} */
  let event = null;
  /** @type {string | null} */
  let etag = null;
  /** @type {ReturnType<typeof createParts> | null} */
  let parts = null;

  /** @param {BookingEvent} first */
  function createParts(first) {
    const numbers = createDeskNumbers();
    const sales = createDeskSales(id, signal);
    const people = createDeskPeople(id, { signal, onChanged: () => polling.now() });
    const copy = mayPutUp() ? createDeskCopy(first, signal) : null;
    body.append(numbers.node, linksElement(id), people.node, sales.node, ...(copy ? [copy.node] : []));
    return { numbers, people };
  }

  const polling = startPolling({
    everyMs: POLL_MS,
    signal,
    ask: async (abort) => ({ answer: await getOwnEvent(id, etag, abort), counts: await getCounts(id, abort) }),
    onAnswer({ answer, counts }) {
      if (answer) ({ event, etag } = answer);
      if (!event) return;
      if (!parts) {
        body.replaceChildren();
        parts = createParts(event);
      }
      setTitle(t("desk.title_of", { event: nameShown(event.name) }));
      setText(title, nameShown(event.name));
      badge.replaceChildren(...[badgeElement(event), unlistedElement(event)].filter((node) => node !== null));
      parts.numbers.update(event, counts);
      parts.people.update(event);
    },
    onFailure(error) {
      if (error instanceof ProblemError && error.status === 404) {
        root.replaceChildren(missingNotice(t("event.not_found"), t("edit.not_found")));
        return "stop";
      }
      if (!parts) showLoadError(body, el("h2", {}, t("event.load_error")), error);
      return "again";
    },
  });
  return polling.first;
}

/** The rights of the organizer's token. */
function roleElement() {
  const { organizer } = currentSession();
  if (!organizer) return null;
  const { role = "owner", events } = organizer;
  const few = events ? ` ${t("role.some_events", { count: events.length })}` : "";
  return el("p", { class: "quiet", "data-testid": "desk-role" }, t("role.yours", { role: t(ROLE_WORDS[role]) }), few);
}

/** @param {string} id */
const linksElement = (id) =>
  el(
    "nav",
    { class: "actions organizer", "aria-label": t("desk.links") },
    may("door") && el("a", { href: eventAddress(id, "check_in"), "data-testid": "desk-door" }, t("organizer.door")),
    may("manager") && el("a", { href: eventAddress(id, "edit"), "data-testid": "desk-edit" }, t("edit.title")),
    may("manager") && el("a", { href: eventAddress(id, "questions"), "data-testid": "desk-questions" }, t("questions.title")),
    may("manager") && el("a", { href: eventAddress(id, "import"), "data-testid": "desk-import" }, t("import.title")),
    may("owner") && el("a", { href: pageAddress("webhooks"), "data-testid": "desk-webhooks" }, t("webhooks.title")),
  );
