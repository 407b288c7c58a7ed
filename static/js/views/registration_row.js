// @ts-check
/** One who is registered, for the organizer: how they stand, and what can be put right for them. */

import { renewLink } from "../api.js";
import { createConfirmStep } from "../confirm_step.js";
import { el, setText } from "../dom.js";
import { momentElement } from "../format.js";
import { THEIRS, privateLinkElement } from "../private_link.js";
import { may } from "../session.js";
import { createCorrection } from "./correction.js";

/** @import { Outcome } from "../explain.js" */
/** @import { Registration, Seated } from "../types.js" */

/**
 * @typedef {object} Row
 * @property {HTMLElement} node
 * @property {(latest: Registration) => void} update
 * @property {() => void} close What is being corrected is left as it is.
 */

/**
 * @param {Registration} first
 * @param {{ signal: AbortSignal, onOpen: (row: Row) => void }} context
 * @returns {Row}
 */
export function createRow(first, { signal, onOpen }) {
  const { id } = first;
  const personId = `person-${id}`;
  const email = el("bdi", {});
  const name = el("bdi", { class: "quiet" });
  const stamp = el("span", { class: "stamp" });
  const correct = el(
    "button",
    {
      type: "button",
      class: "button button--plain button--small",
      "aria-expanded": "false",
      "aria-describedby": personId,
      "data-testid": "correct",
    },
    "Correct",
  );
  const editor = el("div", { class: "entry__below" });
  // In the page before its text comes, so that it is read out.
  const made = el("div", { class: "entry__below", role: "status" });
  let latest = first;

  const renew = createConfirmStep({
    label: "New link",
    question: "Make a new private link? The one that they have stops working at once. Their ticket stays good.",
    yes: "Yes, make a new link",
    no: "No, keep theirs",
    describedBy: personId,
    testid: "new-link",
    what: ["link", id],
    act: (key) => renewLink(id, key),
    nothing: "There is no new link.",
    signal,
    refusals: { closed: () => EVENT_CANCELLED },
    onDone: ({ manage_token }) => showLink("Their new link", manage_token ?? null),
  });

  const node = el(
    "li",
    { class: "entry", "data-testid": "registration" },
    el("span", { id: personId }, email, " ", name),
    stamp,
    may("manager") && el("div", { class: "entry__actions" }, correct, renew.node),
    editor,
    made,
  );
  const row = { node, update, close };

  correct.addEventListener("click", () => {
    if (editor.hasChildNodes()) return close();
    onOpen(row);
    made.replaceChildren();
    const correction = createCorrection(latest, { signal, onCorrected, onClose: leave });
    editor.replaceChildren(correction.node);
    correct.setAttribute("aria-expanded", "true");
    correction.focus();
  });

  function close() {
    editor.replaceChildren();
    correct.setAttribute("aria-expanded", "false");
  }

  function leave() {
    close();
    correct.focus();
  }

  /** @param {Seated} corrected */
  function onCorrected({ manage_token, ...corrected }) {
    // The list may have heard of it before: then the token alone tells.
    const isOtherLink = manage_token !== undefined || corrected.user_email !== latest.user_email;
    leave();
    update(corrected);
    if (isOtherLink) showLink("Corrected. Their new link", manage_token ?? null);
    else made.replaceChildren(el("p", { class: "quiet", "data-testid": "corrected" }, "Corrected."));
  }

  /** @param {string} heading @param {string | null} shown */
  function showLink(heading, shown) {
    close();
    const title = el("h3", { tabindex: -1 }, heading);
    // It is done, but a server may have been unable to say the token.
    const link = shown === null ? el("p", {}, LOST) : privateLinkElement(id, shown, "Their registration", THEIRS);
    made.replaceChildren(
      el("div", { class: "outcome outcome--note", "data-testid": "new-link-made" }, title, link),
    );
    title.focus();
  }

  /** Draws what is known of them; what is being typed or shown below stays. @param {Registration} now */
  function update(now) {
    latest = now;
    node.dataset.status = now.status;
    setText(email, now.user_email);
    setText(name, now.name ?? "");
    stamp.replaceChildren(statusPrefix(now.status, now.checked_in_at), momentElement(now.created_at));
  }

  update(first);
  return row;
}

const LOST = "It was made, and could not be shown. The one before is dead: make another one.";

/** @type {Outcome} */
const EVENT_CANCELLED = {
  kind: "closed",
  title: "The event was cancelled",
  text: "The event was cancelled, and every registration with it. There is no new link.",
};

/** @param {Registration["status"]} status @param {Registration["checked_in_at"]} checkedInAt */
function statusPrefix(status, checkedInAt) {
  if (checkedInAt) return "Checked in · ";
  if (status === "held") return "Held · ";
  return status === "offered" ? "Offered · " : "";
}
