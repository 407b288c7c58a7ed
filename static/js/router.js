// @ts-check
/** From the hash of the address to a view, and the care due when one view gives way to another. */

import { parseAddress } from "./address.js";
import { connectionReset } from "./connection.js";
import { checkInView } from "./views/check_in.js";
import { newEventView } from "./views/create.js";
import { editView } from "./views/edit.js";
import { eventView } from "./views/event.js";
import { findView } from "./views/find.js";
import { forOrganizers } from "./views/for_organizers.js";
import { listView, ownListView } from "./views/list.js";
import { missingView } from "./views/missing.js";
import { registrationView } from "./views/registration.js";

/** @import { Address } from "./address.js" */
/** @import { View } from "./types.js" */

/**
 * @typedef {object} Match
 * @property {string} route Which link of the navigation leads there.
 * @property {(view: View) => Promise<void> | void} show Settles once there is something to read.
 */

let leave = new AbortController();

export function startRouter() {
  window.addEventListener("hashchange", () => navigate(true));
  navigate(false);
}

/** @param {Address} address @returns {Match} */
function match(address) {
  switch (address.page) {
    case "list":
      return { route: "list", show: listView };
    case "create":
      return { route: "create", show: forOrganizers(newEventView, "new event") };
    case "organizer":
      return { route: "organizer", show: forOrganizers(ownListView, "reader") };
    case "event":
      return { route: "event", show: (view) => eventView(view, address.id) };
    case "edit":
      return { route: "event", show: forOrganizers((view) => editView(view, address.id), "manager") };
    case "check_in":
      return { route: "event", show: forOrganizers((view) => checkInView(view, address.id), "door") };
    case "registration":
      return { route: "", show: (view) => registrationView(view, address.id, address.token) };
    case "find":
      return { route: "find", show: findView };
    case "missing":
      return { route: "", show: missingView };
  }
}

/** @param {boolean} moved Whether the visitor came from another view, not from outside. */
async function navigate(moved) {
  leave.abort();
  leave = new AbortController();
  const { signal } = leave;
  const { route, show } = match(parseAddress(location.hash));
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
  const focused = document.activeElement;
  const stayed = focused === focusedBefore || focused === document.body;
  if (moved && !signal.aborted && stayed) root.querySelector("h1")?.focus();
}
