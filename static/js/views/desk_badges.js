// @ts-check
/** Printable badges of the registered attendees: names only, eight on a sheet, without addresses. */

import { getRegistrations } from "../api.js";
import { inOrder, peoplePath } from "../desk/people_query.js";
import { el, setLanguage, setText } from "../dom.js";
import { explainRead } from "../explain.js";
import { language } from "../language.js";
import { characters } from "../limits.js";
import { nameShown, showsNothing } from "../text.js";
import { t } from "../words.js";

/** @import { BookingEvent, Registration } from "../types.js" */

/** The most badges, read in pages of the largest size. */
const BADGES_MAX = 5_000;
const PAGE = 1_000;
/** Two by four on A4. */
const SHEET = 8;
/** A longer name is printed smaller. */
const LARGE_MAX = 32;

/**
 * @param {string} eventId
 * @param {object} context
 * @param {AbortSignal} context.signal
 * @param {() => BookingEvent | null} context.event The latest state.
 */
export function createDeskBadges(eventId, { signal, event }) {
  const open = el("button", { type: "button", class: "button button--plain", "data-testid": "badges-open" }, t("badges.open"));
  const title = el("h2", { id: "badges-title", tabindex: -1 }, t("badges.title"));
  const statusLine = el("p", { class: "quiet", role: "status", "data-testid": "badges-status" });
  const print = el("button", { type: "button", class: "button", "data-testid": "badges-print" }, t("badges.print"));
  const close = el("button", { type: "button", class: "button button--plain", "data-testid": "badges-close" }, t("badges.close"));
  const sheets = el("div", { class: "name-badges__sheets" });
  const node = el(
    "section",
    { class: "name-badges", "aria-labelledby": "badges-title", hidden: true, "data-testid": "badges" },
    title,
    statusLine,
    el("div", { class: "actions" }, print, close),
    sheets,
  );

  /** In the order of names; those without one come last, with room to write it by hand. */
  async function load() {
    /** @type {Registration[]} */
    const found = [];
    let path = /** @type {string | null} */ (peoplePath(eventId, { text: "", status: "confirmed", checkedIn: "" }, PAGE));
    while (path !== null && found.length < BADGES_MAX) {
      const page = await getRegistrations(path, signal);
      found.push(...page.items);
      path = page.next;
    }
    return { people: inOrder(found, "name", language()), isPart: path !== null };
  }

  /** @param {Registration[]} people */
  function draw(people) {
    const drawn = [];
    for (let at = 0; at < people.length; at += SHEET) {
      const badges = people.slice(at, at + SHEET).map((one) => badgeElement(one, event()));
      drawn.push(el("ul", { class: "name-badges__sheet", role: "list" }, ...badges));
    }
    sheets.replaceChildren(...drawn);
  }

  /** While badges are open only they are printed. @param {boolean} isShown */
  function show(isShown) {
    node.hidden = !isShown;
    // All ancestors, except what stays when the view changes. Older browsers have no :has().
    for (let part = /** @type {Element | null} */ (node); part && part.id !== "main"; part = part.parentElement) {
      part.toggleAttribute("data-printed", isShown);
    }
  }

  open.addEventListener("click", async () => {
    if (open.hasAttribute("aria-disabled")) return;
    open.setAttribute("aria-disabled", "true");
    show(true);
    print.hidden = true;
    sheets.replaceChildren();
    setText(statusLine, t("badges.loading"));
    title.focus();
    try {
      const { people, isPart } = await load();
      // Closed meanwhile: printing now would print the desk, with addresses.
      if (node.hidden || signal.aborted) return;
      draw(people);
      print.hidden = people.length === 0;
      setText(statusLine, summary(people.length, isPart));
      if (people.length > 0) window.print();
    } catch (error) {
      if (!signal.aborted) setText(statusLine, explainRead(error));
    } finally {
      open.removeAttribute("aria-disabled");
    }
  });
  print.addEventListener("click", () => window.print());
  close.addEventListener("click", () => {
    show(false);
    // What is hidden must not be printed, nor stored.
    sheets.replaceChildren();
    open.focus();
  });

  return { open, node };
}

/** @param {number} count @param {boolean} isPart */
function summary(count, isPart) {
  if (count === 0) return t("badges.nobody");
  const sheets = t("badges.sheets", { count: Math.ceil(count / SHEET) });
  return t(isPart ? "badges.part" : "badges.ready", { count, sheets });
}

/** @param {Registration} one @param {BookingEvent | null} event */
function badgeElement({ name }, event) {
  const isBlank = showsNothing(name ?? "");
  const size = characters(name ?? "") > LARGE_MAX ? " name-badge__name--long" : "";
  const title = el("p", { class: "name-badge__event", dir: "auto" }, nameShown(event?.name ?? ""));
  setLanguage(event?.language, title);
  return el(
    "li",
    { class: "name-badge", "data-testid": "badge" },
    isBlank
      ? el("p", { class: "name-badge__blank" }, el("span", { class: "visually-hidden" }, t("badges.blank")))
      : el("p", { class: `name-badge__name${size}`, dir: "auto" }, name),
    title,
  );
}
