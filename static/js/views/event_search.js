// @ts-check
/** Searches for events by a part of their name, by date, or among past ones. */

import { serverNow } from "../clock.js";
import { disclosureElement } from "../disclosure.js";
import { el, setText } from "../dom.js";
import { groupsOf } from "../event_groups.js";
import { QUERY_MAX, isNarrowed, queryIn, queryPath, searchOf } from "../event_query.js";
import { explainRead } from "../explain.js";
import { createField } from "../form.js";
import { timeZone } from "../format.js";
import { rememberSearch } from "../list_address.js";
import { t } from "../words.js";
import { createCard } from "./card.js";
import { createGroup } from "./event_group.js";

/** @import { EventQuery } from "../event_query.js" */
/** @import { BookingEvent, Page } from "../types.js" */

const PAGE = 20;
/** No search while the user is still typing. */
const TYPING_MS = 250;

/**
 * @param {object} list
 * @param {(path: string, signal: AbortSignal) => Promise<Page<BookingEvent>>} list.find
 * @param {AbortSignal} list.signal
 * @param {(isSearching: boolean) => void} list.onSearch The results replace the list.
 */
export function createEventSearch({ find, signal, onSearch }) {
  const search = createField({
    name: "events_q",
    label: t("list.search"),
    hint: t("list.search_hint"),
    optional: true,
    attributes: { type: "search", autocomplete: "off", spellcheck: "false", maxlength: String(QUERY_MAX) },
  });
  const when = createField({
    name: "events_when",
    label: t("list.which"),
    options: [["upcoming", t("list.which_upcoming")], ["past", t("list.which_past")]],
    optional: true,
  });
  const from = createField({ name: "events_from", label: t("list.from"), optional: true, attributes: { type: "date" } });
  const to = createField({ name: "events_to", label: t("list.to"), optional: true, attributes: { type: "date" } });
  const fold = disclosureElement(
    "event-filters",
    t("list.filters"),
    el("div", { class: "filters" }, when.node, from.node, to.node),
  );
  const statusLine = el("p", { class: "quiet", role: "status", "data-testid": "event-search-status" });
  const found = el("div", { class: "groups", "data-testid": "events-found" });
  const more = el("button", { type: "button", class: "button button--plain", hidden: true }, t("list.more"));
  more.setAttribute("data-testid", "events-found-more");
  const node = el(
    "div",
    { class: "event-search form--optional", role: "search", "data-testid": "event-search" },
    search.node,
    fold,
    statusLine,
    found,
    more,
  );

  let asking = new AbortController();
  signal.addEventListener("abort", () => asking.abort());
  /** @type {BookingEvent[]} */
  let events = [];
  /** @type {string | null} */
  let next = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  signal.addEventListener("abort", () => clearTimeout(timer));

  /** @returns {EventQuery} */
  const query = () => ({
    q: search.input.value,
    from: from.input.value,
    to: to.input.value,
    when: when.input.value === "past" ? "past" : "upcoming",
  });

  async function ask() {
    clearTimeout(timer);
    asking.abort();
    asking = new AbortController();
    const wanted = query();
    history.replaceState(history.state, "", location.pathname + searchOf(wanted) + location.hash);
    rememberSearch(searchOf(wanted));
    onSearch(isNarrowed(wanted));
    [events, next] = [[], null];
    if (!isNarrowed(wanted)) {
      setText(statusLine, "");
      return draw();
    }
    await take(queryPath(wanted, PAGE), asking.signal);
  }

  /** @param {string} path @param {AbortSignal} abort */
  async function take(path, abort) {
    try {
      const page = await find(path, abort);
      events = [...events, ...page.items];
      next = page.next;
      draw();
      const count = events.length;
      setText(statusLine, count === 0 ? t("list.none_found") : next ? t("list.found_first", { count }) : t("list.found", { count }));
    } catch (error) {
      if (abort.aborted) return;
      setText(statusLine, explainRead(error));
    }
  }

  function draw() {
    found.replaceChildren(
      ...groupsOf(events, serverNow(), timeZone()).map(({ key, events: members }) => {
        const group = createGroup(key, "found");
        group.list.append(
          ...members.map((event) => {
            const card = createCard(event);
            card.update(event);
            return card.node;
          }),
        );
        return group.node;
      }),
    );
    more.hidden = next === null;
  }

  search.input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, TYPING_MS);
  });
  for (const field of [when, from, to]) field.input.addEventListener("change", ask);
  more.addEventListener("click", async () => {
    if (next === null || more.hasAttribute("aria-disabled")) return;
    more.setAttribute("aria-disabled", "true");
    await take(next, asking.signal);
    more.removeAttribute("aria-disabled");
  });

  const given = queryIn(location.search);
  rememberSearch(searchOf(given));
  // What the visitor typed before the scripts ran.
  const typed = document.querySelector("[data-rendered] [name=q]");
  if (typed instanceof HTMLInputElement && typed.value !== "") given.q = typed.value;
  search.fill(given.q);
  when.fill(given.when);
  from.fill(given.from);
  to.fill(given.to);
  fold.open = given.from !== "" || given.to !== "" || given.when === "past";
  // After a reload or a return the search is restored.
  if (isNarrowed(given)) ask();

  return { node };
}
