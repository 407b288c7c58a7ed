// @ts-check
/** Asks whoever clicks away from a form that they have begun: it may have been the wrong click. */

import { el } from "./dom.js";

/**
 * @param {() => boolean} isDirty
 * @param {AbortSignal} signal
 */
export function guardLeaving(isDirty, signal) {
  /** @type {HTMLDialogElement | null} */
  let dialog = null;

  /** @param {MouseEvent} click */
  function onClick(click) {
    const link = click.target instanceof Element ? click.target.closest('a[href^="#/"]') : null;
    const isElsewhere = click.ctrlKey || click.metaKey || click.shiftKey || click.button !== 0;
    if (!link || isElsewhere || !isDirty() || dialog?.open) return;
    click.preventDefault();
    ask(link.getAttribute("href") ?? "#/");
  }

  /** @param {string} address */
  function ask(address) {
    const stay = el("button", { type: "button", class: "button", "data-testid": "leave-no" }, "Stay here");
    const go = el(
      "button",
      { type: "button", class: "button button--plain", "data-testid": "leave-yes" },
      "Leave the form",
    );
    const asked = el(
      "dialog",
      { class: "dialog", "aria-labelledby": "leave-title", "data-testid": "leave" },
      el("h2", { id: "leave-title" }, "Leave this form?"),
      el("p", {}, "Nothing was sent. What you have written is kept in this tab until you close it."),
      el("div", { class: "actions" }, stay, go),
    );
    dialog = asked;
    stay.addEventListener("click", () => asked.close());
    go.addEventListener("click", () => {
      asked.close();
      location.hash = address;
    });
    asked.addEventListener("close", () => asked.remove());
    document.body.append(asked);
    // The first button has the focus, and the one that does no harm is the first.
    asked.showModal();
  }

  document.addEventListener("click", onClick, { capture: true, signal });
  signal.addEventListener("abort", () => dialog?.remove());
}
