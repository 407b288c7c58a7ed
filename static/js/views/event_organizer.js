// @ts-check
/** The organizer's part of an event's page: registrations, and links to edit it and to the door. */

import { anySignal } from "../abort.js";
import { eventAddress } from "../address.js";
import { disclosureElement } from "../disclosure.js";
import { el } from "../dom.js";
import { currentSession, may, mustSignIn, onSessionChange } from "../session.js";
import { t } from "../words.js";
import { createEmbed } from "./embed.js";
import { createRegistrations } from "./registrations.js";
import { createSignIn } from "./sign_in.js";

/** @import { BookingEvent } from "../types.js" */

/**
 * @param {string} eventId
 * @param {AbortSignal} signal
 */
export function createOrganizerPart(eventId, signal) {
  const node = el("div", {});
  /** @type {ReturnType<typeof createRegistrations> | null} */
  let registrations = null;
  /** Null until the event's organizer is known. @type {boolean | null} */
  let isOwn = null;
  const embed = createEmbed();
  let drawn = "";
  /** Aborted with the list: a lost answer can be requested again. */
  let closing = new AbortController();

  function wanted() {
    const { server } = currentSession();
    if (server === "open" || isOwn) return "own";
    if (server === "unknown") return "nothing";
    return isOwn === null ? "gate" : "others";
  }

  function draw() {
    if (mustSignIn()) isOwn = null;
    const next = wanted();
    // Another token may have other rights.
    const now = `${next} ${currentSession().organizer?.role}`;
    if (now === drawn) return;
    drawn = now;
    const hadFocus = node.contains(document.activeElement);
    closing.abort();
    closing = new AbortController();
    // No personal data stays in the page once it may not be seen.
    registrations =
      next === "own" ? createRegistrations(eventId, anySignal(signal, closing.signal)) : null;
    if (registrations) node.replaceChildren(registrations.node, linksElement(eventId), ...(embed ? [embed.node] : []));
    else
      node.replaceChildren(...(next === "gate" ? [gateElement(signal)] : next === "others" ? [othersNotice()] : []));
    if (hadFocus) /** @type {HTMLElement | null} */ (node.querySelector("summary, p"))?.focus();
  }

  onSessionChange(draw, signal);
  draw();

  return {
    node,
    /** @param {BookingEvent} event @param {boolean | null} isTheirs Null if no organizer is signed in. */
    update(event, isTheirs) {
      isOwn = isTheirs;
      draw();
      registrations?.update(event);
      embed?.update(event);
    },
  };
}

/** @param {string} eventId */
function linksElement(eventId) {
  return el(
    "nav",
    { class: "actions organizer", "aria-label": t("organizer.part") },
    el("a", { href: eventAddress(eventId, "desk"), "data-testid": "desk-link" }, t("organizer.desk")),
    may("manager") && el("a", { href: eventAddress(eventId, "edit"), "data-testid": "edit-link" }, t("edit.title")),
    may("door") && el("a", { href: eventAddress(eventId, "check_in"), "data-testid": "door-link" }, t("organizer.door")),
  );
}

/**
 * The form is added on demand: password managers fill in whatever is in a page.
 *
 * @param {AbortSignal} signal
 */
function gateElement(signal) {
  const body = el("div", {});
  const gate = disclosureElement("for-organizer", t("organizer.part"), body);
  gate.addEventListener("toggle", () => body.replaceChildren(...(gate.open ? [createSignIn(signal).node] : [])));
  return gate;
}

const othersNotice = () =>
  el(
    "p",
    { class: "organizer quiet", tabindex: -1, "data-testid": "others-event" },
    t("organizer.others"),
  );
