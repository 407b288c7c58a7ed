// @ts-check
/** What every page says of the organizer: that anybody is, or who is signed in and how to end that. */

import { el } from "./dom.js";
import { forgetEventDrafts } from "./draft.js";
import { forgetOrganizers } from "./idempotency.js";
import { ROLE_WORDS } from "./role_words.js";
import { currentSession, hasToken, mayPutUp, onSessionChange, signOut } from "./session.js";
import { t, tNodes } from "./words.js";

/** @import { Organizer } from "./types.js" */

/** For as long as the page is there. */
export function startSessionBand() {
  const band = document.getElementById("organizer");
  const link = /** @type {HTMLElement | null} */ (document.querySelector("[data-route=organizer]"));
  const create = document.querySelector("[data-route=create]");
  // Within another site's page there is neither.
  if (!band || !link) return;
  // At the foot, where nothing moves when it comes; only on pages of organizers is it seen (`router.js`).
  const foot = document.getElementById("open-server");

  /** @param {HTMLElement} band @param {HTMLElement} link */
  function draw(band, link) {
    const { server, organizer } = currentSession();
    // As long as it is not known, the page says what the server knew when it was made; who is signed in will be told
    // here, and nothing is to move then.
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
    // Of whom they corrected, and to what. Whose token ends stays at work, and needs it to go on.
    forgetOrganizers();
    forgetEventDrafts();
    // Away from what others are not to see, to the list of all.
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
