// @ts-check
/** From the address to a view, and the cleanup between two views. */

import { isOldAddress, parseAddress, writtenAddress } from "./address.js";
import { connectionReset } from "./connection.js";
import { el } from "./dom.js";
import { followLinks } from "./navigation.js";
import { keepPages } from "./offline.js";
import { eventView } from "./views/event.js";
import { forOrganizers } from "./views/for_organizers.js";
import { showLater } from "./views/later.js";
import { listView, ownListView } from "./views/list.js";
import { missingView } from "./views/missing.js";
import { t } from "./words.js";

/** @import { Address } from "./address.js" */
/** @import { View } from "./types.js" */

/**
 * @typedef {object} Match
 * @property {string} route Its link in the navigation.
 * @property {(view: View) => Promise<void> | void} show Settles once there is content.
 */

/** Organizers' pages: only they show whether a server requires a token. @type {Set<Address["page"]>} */
const OF_ORGANIZERS = new Set(["create", "organizer", "edit", "desk", "questions", "import", "webhooks"]);

let leave = new AbortController();
/** The address that is shown. */
let shownAt = "";

export function startRouter() {
  // One navigation may fire both events.
  for (const kind of ["popstate", "hashchange"]) {
    window.addEventListener(kind, () => {
      if (location.href !== shownAt) navigate(true);
    });
  }
  followLinks();
  const main = document.getElementById("main");
  // The outcome of a form that was sent before scripts ran is shown once: it is not replaced unasked.
  if (main?.dataset.answer === undefined) navigate(false);
  else shownAt = location.href;
}

// Pages for people who have a seat, or have lost their link, are loaded on demand.
/** @param {string} id @param {string} token */
async function registration(id, token) {
  const { registrationView } = await import("./views/registration.js");
  return (/** @type {View} */ view) => registrationView(view, id, token);
}

const find = async () => (await import("./views/find.js")).findView;

const mine = async () => (await import("./views/mine.js")).mineView;

// And so are organizers' pages.
const create = async () => (await import("./views/create.js")).newEventView;

/** @param {string} id */
async function edit(id) {
  const { editView } = await import("./views/edit.js");
  return (/** @type {View} */ view) => editView(view, id);
}

/** @param {string} id */
async function door(id) {
  const { checkInView } = await import("./views/check_in.js");
  return (/** @type {View} */ view) => checkInView(view, id);
}

/** @param {string} id */
async function desk(id) {
  const { deskView } = await import("./views/desk.js");
  return (/** @type {View} */ view) => deskView(view, id);
}

/** @param {string} id */
async function questions(id) {
  const { questionsView } = await import("./views/desk_questions.js");
  return (/** @type {View} */ view) => questionsView(view, id);
}

/** @param {string} id */
async function importing(id) {
  const { importView } = await import("./views/desk_import.js");
  return (/** @type {View} */ view) => importView(view, id);
}

const webhooks = async () => (await import("./views/webhooks.js")).webhooksView;

/** The visitor's address. An old one is replaced by its new form. */
function currentAddress() {
  const address = parseAddress(location.pathname + location.hash);
  const written = isOldAddress(location.hash) ? writtenAddress(address) : null;
  if (written !== null) history.replaceState(history.state, "", written);
  shownAt = location.href;
  return address;
}

/** @param {Address} address @returns {Match} */
function match(address) {
  switch (address.page) {
    case "list":
      return { route: "list", show: listView };
    case "create":
      return { route: "create", show: forOrganizers(showLater(create), "new_event") };
    case "organizer":
      return { route: "organizer", show: forOrganizers(ownListView, "reader") };
    case "event":
      return { route: "event", show: (view) => eventView(view, address.id) };
    case "edit":
      return { route: "event", show: forOrganizers(showLater(() => edit(address.id)), "manager") };
    case "check_in":
      return { route: "event", show: forOrganizers(showLater(() => door(address.id)), "door") };
    case "desk":
      return { route: "event", show: forOrganizers(showLater(() => desk(address.id)), "reader") };
    case "questions":
      return { route: "event", show: forOrganizers(showLater(() => questions(address.id)), "manager") };
    case "import":
      return { route: "event", show: forOrganizers(showLater(() => importing(address.id)), "manager") };
    case "webhooks":
      return { route: "organizer", show: forOrganizers(showLater(webhooks), "owner") };
    case "registration":
      return { route: "", show: showLater(() => registration(address.id, address.token)) };
    case "find":
      return { route: "find", show: showLater(find) };
    case "mine":
      return { route: "mine", show: showLater(mine) };
    case "missing":
      return { route: "", show: missingView };
  }
}

/** @param {boolean} moved Whether the visitor came from another view, not from outside. */
async function navigate(moved) {
  leave.abort();
  leave = new AbortController();
  const { signal } = leave;
  const address = currentAddress();
  const { route, show } = match(address);
  const main = /** @type {HTMLElement} */ (document.getElementById("main"));
  const root = document.createElement("div");
  connectionReset();
  for (const link of document.querySelectorAll("[data-route]")) {
    if (link instanceof HTMLElement && link.dataset.route === route)
      link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.getElementById("open-server")?.toggleAttribute("hidden", !OF_ORGANIZERS.has(address.page));
  if (moved) window.scrollTo(0, 0);

  const focusedBefore = document.activeElement;
  const rendered = address.page === "list" ? main.querySelector("[data-rendered]") : null;
  try {
    const shown = show({ root, signal, setTitle: (title) => (document.title = `${title} · Booking`) });
    // In one step with the view's first content: nothing is empty in between. A list in the page stays until there
    // is a new one.
    if (!rendered) main.replaceChildren(root);
    // A visitor of one event needs the network for what they do.
    if (address.page !== "event") keepPages();
    await shown;
  } catch (error) {
    if (signal.aborted) return;
    // A page that failed to draw says so, and is not blank.
    console.error(error);
    root.append(brokenNotice());
    main.replaceChildren(root);
  }
  if (rendered && !signal.aborted) main.replaceChildren(root);
  // The browser reads the first page from its top by itself; and a visitor who has meanwhile moved the focus is
  // left there.
  const focused = document.activeElement;
  const stayed = focused === focusedBefore || focused === document.body;
  if (moved && !signal.aborted && stayed) root.querySelector("h1")?.focus();
}

function brokenNotice() {
  const again = el("button", { type: "button", class: "button" }, t("page.reload"));
  again.addEventListener("click", () => location.reload());
  return el(
    "div",
    { class: "blank", role: "alert", "data-testid": "page-failed" },
    el("h1", { tabindex: -1 }, t("page.failed_title")),
    el("p", {}, t("page.failed")),
    again,
  );
}
