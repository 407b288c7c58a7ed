// @ts-check
/** Views that need an organizer's token if the server requires one: they ask for it in place. */

import { el, sleep } from "../dom.js";
import { loadSession, may, mayPutUp, mustSignIn, onSessionChange } from "../session.js";
import { hasSending } from "../unsettled.js";
import { t } from "../words.js";
import { missingNotice } from "./missing.js";
import { createSignIn } from "./sign_in.js";

/** @import { Role, View } from "../types.js" */

/** A door without a network must open all the same: a server that does not answer is treated as open. */
const SESSION_MS_MAX = 1_000;

/**
 * Without a token only the question for it is shown. If the token expires during work, the question appears above
 * the view, and nothing in it is lost. If its role does not allow the view's actions, that is shown.
 *
 * @param {(view: View) => Promise<void> | void} show
 * @param {Role | "new_event"} wants The least role that the view needs.
 * @returns {(view: View) => Promise<void>}
 */
export function forOrganizers(show, wants) {
  const mayEnter = () => (wants === "new_event" ? mayPutUp() : may(wants));
  return async (view) => {
    const { signal } = view;
    const gate = el("div", {});
    const root = el("div", {});
    view.root.append(gate, root);
    let isShown = false;
    /** The focused element when the question appeared. @type {Element | null} */
    let left = null;

    /** @returns {Promise<void> | void} */
    function turn() {
      if (!mustSignIn()) {
        const wasAsked = gate.contains(document.activeElement);
        gate.replaceChildren();
        if (!isShown) return enter(wasAsked);
        if (wasAsked && left instanceof HTMLElement) left.focus();
      } else if (gate.childElementCount === 0) {
        const { node, focus } = createSignIn(signal);
        gate.append(el("div", { class: "gate" }, isShown ? askedAgain() : firstHeading(), node));
        if (!isShown) return view.setTitle(t("session.sign_in"));
        left = document.activeElement;
        // The focus moves only for a visitor who waits for an answer: at a door a ticket may be being typed.
        if (hasSending(root)) focus();
      }
    }

    /** @param {boolean} wasAsked */
    async function enter(wasAsked) {
      isShown = true;
      if (mayEnter()) await show({ ...view, root });
      else {
        view.setTitle(t("session.too_little_title"));
        root.append(missingNotice(t("session.too_little_title"), t("session.too_little")));
      }
      if (signal.aborted || !wasAsked) return;
      // The form that had the focus is gone.
      if (document.activeElement === document.body) root.querySelector("h1")?.focus();
    }

    await Promise.race([loadSession(), sleep(SESSION_MS_MAX, signal)]).catch(() => {});
    if (signal.aborted) return;
    onSessionChange(turn, signal);
    await turn();
  };
}

const firstHeading = () =>
  el(
    "div",
    {},
    el("h1", { tabindex: -1 }, t("session.sign_in")),
    el("p", { class: "lede" }, t("session.for_organizers")),
  );

const askedAgain = () =>
  el(
    "div",
    { role: "alert", "data-testid": "signed-out" },
    el("h2", {}, t("session.again_title")),
    el("p", { class: "lede" }, t("session.again")),
  );
