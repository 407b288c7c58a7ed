// @ts-check
/** The organizer's banner on every page: that the server is open, or who is signed in and how to sign out. */

import { el } from "./dom.js";
import { deleteEventDrafts } from "./draft.js";
import { deleteOrganizerAttempts } from "./idempotency.js";
import { ROLE_WORDS } from "./role_words.js";
import { currentSession, hasToken, mayPutUp, onSessionChange, signOut } from "./session.js";
import { t, tNodes } from "./words.js";

/** @import { Organizer } from "./types.js" */

/** For the lifetime of the page. */
export function startSessionBand() {
  const band = document.getElementById("organizer");
  const link = /** @type {HTMLElement | null} */ (document.querySelector("[data-route=organizer]"));
  const create = document.querySelector("[data-route=create]");
  // An embedded page has neither.
  if (!band || !link) return;
  // In the footer, where it moves nothing when it appears; visible only on organizers' pages (`router.js`).
  const foot = document.getElementById("open-server");

  /** @param {HTMLElement} band @param {HTMLElement} link */
  function draw(band, link) {
    const { server, organizer } = currentSession();
    // Until the state is known, the page shows what the server knew when it rendered it; the name will be shown
    // here, and nothing must move then.
    if (server === "unknown") return void (hasToken() && band.replaceChildren(placeElement()));
    link.hidden = server !== "asks";
    link.textContent = organizer ? t("list.own_title") : t("session.sign_in");
    create?.toggleAttribute("hidden", !mayPutUp());
    band.replaceChildren(...(organizer ? [signedIn(organizer)] : []));
    foot?.replaceChildren(...(server === "open" ? [openToAll()] : []));
  }

  onSessionChange(() => draw(band, link));
  draw(band, link);
}

const openToAll = () =>
  el(
    "p",
    { "data-testid": "open-server" },
    ...tNodes("session.open", { command: el("code", {}, "booking-http token create --name …") }),
  );

const placeElement = () =>
  el("div", { class: "band", "aria-hidden": "true" }, "\u00a0", el("span", { class: "link-button band__place" }, "\u00a0"));

/** @param {Organizer} organizer */
function signedIn({ name, role = "owner" }) {
  const leave = el("button", { type: "button", class: "link-button", "data-testid": "sign-out" }, t("session.sign_out"));
  leave.addEventListener("click", () => {
    signOut();
    // They name people. When a token expires the organizer stays at work, and needs them to go on.
    deleteOrganizerAttempts();
    deleteEventDrafts();
    // Away from pages that others must not see, to the public list.
    location.hash = "#/";
    document.getElementById("main")?.focus();
  });
  return el(
    "div",
    { class: "band", "data-testid": "signed-in" },
    el(
      "span",
      {},
      ...tNodes("session.signed_in", { name: el("bdi", {}, name) }),
      role === "owner" ? "" : ` (${t(ROLE_WORDS[role])})`,
    ),
    leave,
  );
}
