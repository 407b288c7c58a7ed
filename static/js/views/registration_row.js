// @ts-check
/** A registration in the organizer's table: its status, and corrections. */

import { renewLink } from "../api.js";
import { createConfirmStep } from "../confirm_step.js";
import { el, setText } from "../dom.js";
import { momentElement } from "../format.js";
import { privateLinkElement } from "../private_link.js";
import { may } from "../session.js";
import { t } from "../words.js";
import { createCorrection } from "./correction.js";

/** @import { Component } from "../types.js" */
/** @import { Outcome } from "../explain.js" */
/** @import { Registration, Seated } from "../types.js" */

/**
 * @typedef {object} Row
 * @property {HTMLElement} node
 * @property {(latest: Registration) => void} update
 * @property {() => void} close Closes a correction without saving.
 *
 * @typedef {Component & { buttons: HTMLElement[], update: (latest: Registration) => void }} RowMore
 */

/**
 * @param {Registration} first
 * @param {object} context
 * @param {AbortSignal} context.signal
 * @param {(row: Row) => void} context.onOpen
 * @param {(onOpen: (isOpen: boolean) => void, describedBy: string) => RowMore} [context.more] Further actions.
 * @returns {Row}
 */
export function createRow(first, { signal, onOpen, more }) {
  const { id } = first;
  const [nameId, emailId] = [`person-${id}`, `person-email-${id}`];
  const personId = `${nameId} ${emailId}`;
  const email = el("bdi", { id: emailId, "data-testid": "person-email" });
  const name = el("bdi", { id: nameId, "data-testid": "person-name" });
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
    t("row.correct"),
  );
  const editor = el("div", { class: "person__below" });
  // In the page before its text, so that it is announced.
  const made = el("div", { class: "person__below", role: "status" });
  let latest = first;

  const renew = createConfirmStep({
    label: t("row.new_link"),
    question: t("row.new_link_question"),
    yes: t("row.new_link_yes"),
    no: t("row.new_link_no"),
    describedBy: personId,
    testid: "new-link",
    what: ["link", id],
    act: (key) => renewLink(id, key),
    nothing: t("row.new_link_nothing"),
    signal,
    refusals: { closed: noLink },
    onAsk: (isAsking) => setOpen(isAsking),
    onDone: ({ manage_token }) => showLink(t("row.their_link"), manage_token ?? null),
  });

  const others = more?.((isOpen) => setOpen(isOpen), personId);
  // The grid layout removes the table's semantics for screen readers: so roles are explicit.
  const node = el(
    "tr",
    { class: "person", role: "row", "data-testid": "registration" },
    el("td", { role: "cell", class: "person__name" }, name),
    el("td", { role: "cell" }, email),
    el("td", { role: "cell" }, stamp),
    el(
      "td",
      { role: "cell", class: "person__actions" },
      el("div", { class: "person__buttons" }, ...(may("manager") ? [correct, renew.node] : []), ...(others?.buttons ?? [])),
      others?.node,
      editor,
      made,
    ),
  );
  const row = { node, update, close };

  /** An open question or correction takes the whole width. @param {boolean} isOpen */
  function setOpen(isOpen) {
    node.classList.toggle("person--open", isOpen || editor.hasChildNodes() || made.hasChildNodes());
  }

  correct.addEventListener("click", () => {
    if (editor.hasChildNodes()) return close();
    onOpen(row);
    made.replaceChildren();
    const correction = createCorrection(latest, { signal, onCorrected, onClose: leave });
    editor.replaceChildren(correction.node);
    setOpen(true);
    correct.setAttribute("aria-expanded", "true");
    correction.focus();
  });

  function close() {
    editor.replaceChildren();
    setOpen(false);
    correct.setAttribute("aria-expanded", "false");
  }

  function leave() {
    close();
    correct.focus();
  }

  /** @param {Seated} corrected */
  function onCorrected({ manage_token, ...corrected }) {
    // The list may have got it before: then only the token is new.
    const isOtherLink = manage_token !== undefined || corrected.user_email !== latest.user_email;
    leave();
    update(corrected);
    if (isOtherLink) showLink(t("row.corrected_link"), manage_token ?? null);
    else made.replaceChildren(el("p", { class: "quiet", "data-testid": "corrected" }, t("row.corrected")));
  }

  /** @param {string} heading @param {string | null} shown */
  function showLink(heading, shown) {
    close();
    const title = el("h3", { tabindex: -1 }, heading);
    // It is saved, but the server may have been unable to return the token.
    const link = shown === null
        ? el("p", {}, t("row.lost"))
        : privateLinkElement(id, shown, t("private.their_registration"), t("private.theirs"));
    made.replaceChildren(
      el("div", { class: "outcome outcome--note", "data-testid": "new-link-made" }, title, link),
    );
    setOpen(true);
    title.focus();
  }

  /** Draws the registration; open input or output below stays. @param {Registration} now */
  function update(now) {
    latest = now;
    others?.update(now);
    node.dataset.status = now.status;
    setText(email, now.user_email);
    setText(name, now.name ?? "");
    stamp.replaceChildren(statusPrefix(now.status, now.checked_in_at), momentElement(now.created_at));
  }

  update(first);
  return row;
}

/** @returns {Outcome} */
const noLink = () => ({ kind: "closed", title: t("refused.event_cancelled_title"), text: t("row.event_cancelled") });

/** @param {Registration["status"]} status @param {Registration["checked_in_at"]} checkedInAt */
function statusPrefix(status, checkedInAt) {
  if (checkedInAt) return `${t("history.checked_in")} · `;
  const words = status === undefined ? undefined : STANDING[status];
  return words === undefined ? "" : `${t(words)} · `;
}

/** The texts of final statuses. @type {Partial<Record<NonNullable<Registration["status"]>, string>>} */
const STANDING = {
  held: "row.held",
  offered: "row.offered",
  waitlisted: "row.waitlisted",
  cancelled: "history.cancelled",
  expired: "row.expired",
};
