// @ts-check
/** An event's registrations: searched by name, filtered by status, and sorted. */

import { getRegistrations } from "../api.js";
import { getAllQuestions, getPeopleTable } from "../desk/api.js";
import { inOrder, peoplePath, totalOf } from "../desk/people_query.js";
import { el, setText } from "../dom.js";
import { explainRead } from "../explain.js";
import { createField } from "../form.js";
import { language } from "../language.js";
import { saveFile } from "../save_file.js";
import { t } from "../words.js";
import { createDeskBadges } from "./desk_badges.js";
import { createRowMore } from "./desk_row.js";
import { createPeopleTable } from "./people_table.js";
import { createRow } from "./registration_row.js";

/** @import { Order, PeopleQuery } from "../desk/people_query.js" */
/** @import { BookingEvent, Question, Registration } from "../types.js" */
/** @import { MakeRow } from "./people_table.js" */

const PAGE = 100;
/** Sorting needs them on this device: so many at most, read in pages of the largest size. */
const ORDERED_MAX = 5_000;
const ORDERED_PAGE = 1_000;
/** No search while the user is still typing. */
const TYPING_MS = 250;
/** A sale changes an event many times a second. */
const REFRESH_MS = 4_000;

/**
 * @param {string} eventId
 * @param {object} context
 * @param {AbortSignal} context.signal
 * @param {() => void} context.onChanged A person was checked in, or cancelled.
 */
export function createDeskPeople(eventId, { signal, onChanged }) {
  const search = createField({
    name: "people_q",
    label: t("people.search"),
    hint: t("people.search_hint"),
    optional: true,
    attributes: { type: "search", autocomplete: "off", autocapitalize: "none", spellcheck: "false", maxlength: "200" },
  });
  const status = createField({ name: "people_status", label: t("people.status"), options: statuses(), optional: true });
  const inside = createField({ name: "people_in", label: t("people.inside"), options: insides(), optional: true });
  const order = createField({ name: "people_order", label: t("people.order"), options: orders(), optional: true });
  const statusLine = el("p", { class: "quiet", role: "status", "data-testid": "people-status" });
  const table = createPeopleTable(t("registrations.title"));
  const more = el("button", { type: "button", class: "button button--plain", hidden: true }, t("registrations.more"));
  more.setAttribute("data-testid", "people-more");
  const download = el("button", { type: "button", class: "button button--plain" }, t("people.download"));
  download.setAttribute("data-testid", "people-csv");
  const downloaded = el("span", { class: "quiet", role: "status", "data-testid": "people-csv-status" });
  /** @type {BookingEvent | null} */
  let lastEvent = null;
  const badges = createDeskBadges(eventId, { signal, event: () => lastEvent });
  const fields = [search, status, inside, order];
  const node = el(
    "section",
    { "aria-labelledby": "people-title" },
    el("h2", { id: "people-title" }, t("registrations.title")),
    el("div", { class: "filters form--optional", role: "search" }, ...fields.map((field) => field.node)),
    statusLine,
    table.node,
    el("div", { class: "actions" }, more, download, badges.open, downloaded),
    badges.node,
  );

  /** In the order of the server. @type {Registration[]} */
  let people = [];
  /** @type {string | null} */
  let next = null;
  /** @type {string | null} */
  let total = null;
  /** The number of rows that are drawn. */
  let shown = PAGE;
  /** @type {Question[]} */
  let questions = [];
  let asking = new AbortController();
  signal.addEventListener("abort", () => asking.abort());
  let version = -1;
  let readAt = 0;

  /** @returns {PeopleQuery} */
  const query = () => ({
    text: search.input.value,
    status: /** @type {PeopleQuery["status"]} */ (status.input.value),
    checkedIn: /** @type {PeopleQuery["checkedIn"]} */ (inside.input.value),
  });
  const wantedOrder = () => /** @type {Order} */ (order.input.value);

  /** Reads so many, from the beginning. @param {number} count */
  async function load(count) {
    asking.abort();
    asking = new AbortController();
    const { signal: abort } = asking;
    readAt = Date.now();
    const isOrdered = wantedOrder() !== "first";
    const most = isOrdered ? ORDERED_MAX : count;
    try {
      /** @type {Registration[]} */
      const found = [];
      let path = /** @type {string | null} */ (peoplePath(eventId, query(), isOrdered ? ORDERED_PAGE : Math.min(count, ORDERED_PAGE)));
      /** @type {string | null} */
      let all = null;
      while (path !== null && found.length < most) {
        const page = await getRegistrations(path, abort);
        all ??= page.total ?? null;
        found.push(...page.items);
        path = page.next;
      }
      [people, next, total] = [found, path, all];
      draw();
    } catch (error) {
      if (!abort.aborted) setText(statusLine, t("registrations.load_error", { why: explainRead(error) }));
    }
  }

  async function readMore() {
    shown += PAGE;
    if (shown <= people.length || next === null || wantedOrder() !== "first") return draw();
    more.setAttribute("aria-disabled", "true");
    try {
      const page = await getRegistrations(next, asking.signal);
      people = [...people, ...page.items];
      next = page.next;
      draw();
    } catch (error) {
      if (!asking.signal.aborted) setText(statusLine, t("registrations.load_error", { why: explainRead(error) }));
    } finally {
      more.removeAttribute("aria-disabled");
    }
  }

  function draw() {
    const drawn = inOrder(people, wantedOrder(), language()).slice(0, shown);
    table.show(drawn, make);
    more.hidden = drawn.length === people.length && (next === null || wantedOrder() !== "first");
    setText(statusLine, summary(drawn.length));
  }

  /** @type {MakeRow} */
  const make = (one, onOpen) =>
    createRow(one, { signal, onOpen, more: (onAsk, about) => moreOf(one, onAsk, about) });

  /** @param {Registration} one @param {(isOpen: boolean) => void} onAsk @param {string} describedBy */
  const moreOf = (one, onAsk, describedBy) =>
    createRowMore(one, { signal, eventId, questions: () => questions, onAsk, describedBy, onChanged: change });

  /** @param {Registration} latest */
  function change(latest) {
    people = people.map((one) => (one.id === latest.id ? { ...one, ...latest } : one));
    draw();
    onChanged();
  }

  /** @param {number} count */
  function summary(count) {
    if (count === 0) return t("people.nobody");
    const known = totalOf(total);
    const isPart = next !== null && wantedOrder() !== "first";
    const order = isPart ? ` ${t("people.ordered_part", { count: people.length })}` : "";
    if (!known) return t("people.shown", { count }) + order;
    return (known.isMore ? t("people.of_more", { shown: count, count: known.count }) : t("people.of", { shown: count, count: known.count })) + order;
  }

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  signal.addEventListener("abort", () => clearTimeout(timer));
  /** Another query: the rows of the last one are replaced together with its answer. */
  function ask() {
    clearTimeout(timer);
    shown = PAGE;
    load(PAGE);
  }
  search.input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, TYPING_MS);
  });
  for (const field of [status, inside, order]) field.input.addEventListener("change", ask);
  more.addEventListener("click", () => {
    if (!more.hasAttribute("aria-disabled")) readMore();
  });
  download.addEventListener("click", async () => {
    if (download.hasAttribute("aria-disabled")) return;
    download.setAttribute("aria-disabled", "true");
    setText(downloaded, t("people.downloading"));
    try {
      saveFile(await getPeopleTable(eventId, signal), `registrations-${eventId}.csv`);
      setText(downloaded, t("people.downloaded"));
    } catch (error) {
      if (!signal.aborted) setText(downloaded, explainRead(error));
    } finally {
      download.removeAttribute("aria-disabled");
    }
  });

  /** @param {BookingEvent} event */
  async function readQuestions(event) {
    if (!event.has_questions && questions.length === 0) return;
    questions = await getAllQuestions(eventId, signal).catch(() => questions);
  }

  return {
    node,
    /** @param {BookingEvent} event */
    async update(event) {
      lastEvent = event;
      const latest = event.version ?? event.booked_count;
      if (latest === version || Date.now() - readAt < REFRESH_MS) return;
      const isFirst = version === -1;
      version = latest;
      if (isFirst) await readQuestions(event);
      load(Math.max(people.length, PAGE));
    },
  };
}

/** @returns {[value: string, label: string][]} */
const statuses = () => [
  ["seated", t("people.seated")],
  ["confirmed", t("desk.confirmed")],
  ["held", t("row.held")],
  ["offered", t("row.offered")],
  ["waitlisted", t("facts.waiting")],
  ["cancelled", t("history.cancelled")],
  ["expired", t("row.expired")],
  ["all", t("people.all")],
];

/** @returns {[value: string, label: string][]} */
const insides = () => [
  ["", t("people.any")],
  ["true", t("people.in")],
  ["false", t("people.not_in")],
];

/** @returns {[value: string, label: string][]} */
const orders = () => [
  ["first", t("people.order_first")],
  ["last", t("people.order_last")],
  ["name", t("people.order_name")],
  ["address", t("people.order_address")],
];
