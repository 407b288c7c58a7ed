// @ts-check
/** What every page says of the organizer: that anybody is, or who is signed in and how to end that. */

import { el } from "./dom.js";
import { forgetOrganizers } from "./idempotency.js";
import { onSessionChange, signOut, currentSession } from "./session.js";
import { t, tNodes } from "./words.js";

/** For as long as the page is there. */
export function startSessionBand() {
  const band = /** @type {HTMLElement} */ (document.getElementById("organizer"));
  const link = /** @type {HTMLElement} */ (document.querySelector("[data-route=organizer]"));

  function draw() {
    const { server, organizer } = currentSession();
    link.hidden = server !== "asks";
    link.textContent = organizer ? t("list.own_title") : t("session.sign_in");
    if (organizer) band.replaceChildren(signedIn(organizer.name));
    else band.replaceChildren(...(server === "open" ? [openToAll()] : []));
  }

  onSessionChange(draw);
  draw();
}

const openToAll = () =>
  el(
    "p",
    { class: "band", "data-testid": "open-server" },
    ...tNodes("session.open", { command: el("code", {}, "booking-http token create --name …") }),
  );

/** @param {string} name */
function signedIn(name) {
  const leave = el("button", { type: "button", class: "link-button", "data-testid": "sign-out" }, t("session.sign_out"));
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
    el("span", {}, ...tNodes("session.signed_in", { name: el("bdi", {}, name) })),
    leave,
  );
}
