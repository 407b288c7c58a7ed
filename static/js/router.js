// @ts-check
/** From the hash of the address to a view, and the care due when one view gives way to another. */

import { connectionReset } from "./connection.js";
import { trimmedCode } from "./text.js";
import { createView } from "./views/create.js";
import { checkInView } from "./views/check_in.js";
import { editView } from "./views/edit.js";
import { eventView } from "./views/event.js";
import { forOrganizers } from "./views/for_organizers.js";
import { listView, ownListView } from "./views/list.js";
import { missingView } from "./views/missing.js";
import { registrationView } from "./views/registration.js";

/** @import { View } from "./types.js" */

/**
 * @typedef {object} Match
 * @property {string} route
 * @property {(view: View) => Promise<void> | void} show Settles once there is something to read.
 */

let leave = new AbortController();

export function startRouter() {
  window.addEventListener("hashchange", () => navigate(true));
  navigate(false);
}

/** @param {string} hash @returns {Match} */
function match(hash) {
  const path = hash.replace(/^#\/?/, "");
  if (path === "") return { route: "list", show: listView };
  if (path === "new") return { route: "create", show: forOrganizers(createView) };
  if (path === "organizer") return { route: "organizer", show: forOrganizers(ownListView) };
  const [, id, part = ""] = /^events\/([^/]+)(?:\/(edit|door))?$/.exec(path) ?? [];
  const show = { "": eventView, edit: editView, door: checkInView }[part];
  if (id && show) {
    /** @param {View} view */
    const shown = (view) => show(view, decode(id));
    return { route: "event", show: part === "" ? shown : forOrganizers(shown) };
  }
  const [, registration, token] = /^registrations\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
  if (token)
    return { route: "", show: (view) => registrationView(view, decode(registration), decode(token)) };
  return { route: "", show: missingView };
}

/** @param {boolean} moved Whether the visitor came from another view, not from outside. */
async function navigate(moved) {
  leave.abort();
  leave = new AbortController();
  const { signal } = leave;
  const { route, show } = match(location.hash);
  const main = /** @type {HTMLElement} */ (document.getElementById("main"));
  const root = document.createElement("div");
  main.replaceChildren(root);
  connectionReset();
  for (const link of document.querySelectorAll("[data-route]")) {
    if (link instanceof HTMLElement && link.dataset.route === route)
      link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (moved) window.scrollTo(0, 0);

  const focusedBefore = document.activeElement;
  await show({ root, signal, setTitle: (title) => (document.title = `${title} · Booking`) });
  // The first page is read from its top, as the browser does it; and a visitor who has meanwhile moved
  // on to something by themselves is left there.
  const stayed = [focusedBefore, document.body].includes(/** @type {any} */ (document.activeElement));
  if (moved && !signal.aborted && stayed) root.querySelector("h1")?.focus();
}

/** @param {string} text */
function decode(text) {
  try {
    // A link that was pasted may have brought along what was around it.
    return trimmedCode(decodeURIComponent(text));
  } catch {
    return text;
  }
}
