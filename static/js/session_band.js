// @ts-check
/** What every page says of the organizer: that anybody is, or who is signed in and how to end that. */

import { el } from "./dom.js";
import { forgetOrganizers } from "./idempotency.js";
import { currentSession, mayPutUp, onSessionChange, signOut } from "./session.js";

/** @import { Organizer } from "./types.js" */

/** For as long as the page is there. */
export function startSessionBand() {
  const band = /** @type {HTMLElement} */ (document.getElementById("organizer"));
  const link = /** @type {HTMLElement} */ (document.querySelector("[data-route=organizer]"));
  const create = document.querySelector("[data-route=create]");

  function draw() {
    const { server, organizer } = currentSession();
    link.hidden = server !== "asks";
    link.textContent = organizer ? "Your events" : "Sign in";
    create?.toggleAttribute("hidden", !mayPutUp());
    if (organizer) band.replaceChildren(signedIn(organizer));
    else band.replaceChildren(...(server === "open" ? [openToAll()] : []));
  }

  onSessionChange(draw);
  draw();
}

const openToAll = () =>
  el(
    "p",
    { class: "band", "data-testid": "open-server" },
    "This server is open: whoever reaches it is the organizer. ",
    el("code", {}, "booking-http token create --name …"),
    " closes it.",
  );

/** @param {Organizer} organizer */
function signedIn({ name, role = "owner" }) {
  const leave = el("button", { type: "button", class: "link-button", "data-testid": "sign-out" }, "Sign out");
  leave.addEventListener("click", () => {
    signOut();
    // Of whom they corrected, and to what. Whose token ends stays at work, and needs it to go on.
    forgetOrganizers();
    // Away from what others are not to see.
    location.hash = "#/";
    document.getElementById("main")?.focus();
  });
  return el(
    "div",
    { class: "band", "data-testid": "signed-in" },
    el("span", {}, "Signed in as ", el("bdi", {}, name), role === "owner" ? "" : ` (${role})`),
    leave,
  );
}
