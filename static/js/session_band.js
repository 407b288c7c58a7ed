// @ts-check
/** What every page says of the organizer: that anybody is, or who is signed in and how to end that. */

import { el } from "./dom.js";
import { forgetEventDrafts } from "./draft.js";
import { forgetOrganizers } from "./idempotency.js";
import { currentSession, hasToken, onSessionChange, signOut } from "./session.js";

/** For as long as the page is there. */
export function startSessionBand() {
  const band = /** @type {HTMLElement} */ (document.getElementById("organizer"));
  // At the foot: whoever only visits is not to read of it first, and nothing moves when it comes.
  const foot = document.getElementById("open-server");
  const link = /** @type {HTMLElement} */ (document.querySelector("[data-route=organizer]"));

  function draw() {
    const { server, organizer } = currentSession();
    link.hidden = server !== "asks";
    link.textContent = organizer ? "Your events" : "Sign in";
    band.replaceChildren(...(organizer ? [signedIn(organizer.name)] : []));
    foot?.replaceChildren(...(server === "open" ? [openToAll()] : []));
    // Its place is kept for whoever has been signed in, until it is known that they are not any more.
    band.classList.toggle("organizer-band", server === "unknown" && hasToken());
  }

  onSessionChange(draw);
  draw();
}

const openToAll = () =>
  el(
    "p",
    { "data-testid": "open-server" },
    "This server is open: whoever reaches it is the organizer. ",
    el("code", {}, "booking-http token create --name …"),
    " closes it.",
  );

/** @param {string} name */
function signedIn(name) {
  const leave = el("button", { type: "button", class: "link-button", "data-testid": "sign-out" }, "Sign out");
  leave.addEventListener("click", () => {
    signOut();
    // Of whom they corrected, and to what. Whose token ends stays at work, and needs it to go on.
    forgetOrganizers();
    forgetEventDrafts();
    // Away from what others are not to see.
    location.hash = "#/";
    document.getElementById("main")?.focus();
  });
  return el(
    "div",
    { class: "band", "data-testid": "signed-in" },
    el("span", {}, "Signed in as ", el("bdi", {}, name)),
    leave,
  );
}
