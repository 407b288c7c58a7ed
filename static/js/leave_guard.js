// @ts-check
/** Asks for confirmation when a click would leave a form with unsent input. */

import { el } from "./dom.js";
import { t } from "./words.js";

/**
 * @param {() => boolean} isDirty
 * @param {AbortSignal} signal
 */
export function guardLeaving(isDirty, signal) {
  /** @type {HTMLDialogElement | null} */
  let dialog = null;
  let isLeaving = false;

  /** @param {MouseEvent} click */
  function onClick(click) {
    const link = click.target instanceof Element ? click.target.closest("a[href]") : null;
    const isElsewhere = click.ctrlKey || click.metaKey || click.shiftKey || click.button !== 0;
    if (!(link instanceof HTMLElement) || isElsewhere || !leadsAway(link)) return;
    if (isLeaving || !isDirty() || dialog?.open) return;
    // Before the router handles the link.
    click.preventDefault();
    click.stopPropagation();
    ask(link);
  }

  /** @param {HTMLElement} link */
  function ask(link) {
    const stay = el("button", { type: "button", class: "button", "data-testid": "leave-no" }, t("leave.no"));
    const go = el(
      "button",
      { type: "button", class: "button button--plain", "data-testid": "leave-yes" },
      t("leave.yes"),
    );
    const asked = el(
      "dialog",
      { class: "dialog", "aria-labelledby": "leave-title", "data-testid": "leave" },
      el("h2", { id: "leave-title" }, t("leave.title")),
      el("p", {}, t("leave.text")),
      el("div", { class: "actions" }, stay, go),
    );
    dialog = asked;
    stay.addEventListener("click", () => asked.close());
    go.addEventListener("click", () => {
      asked.close();
      isLeaving = true;
      link.click();
      isLeaving = false;
    });
    asked.addEventListener("close", () => asked.remove());
    document.body.append(asked);
    // The first button has the focus, and the harmless one is the first.
    asked.showModal();
  }

  document.addEventListener("click", onClick, { capture: true, signal });
  signal.addEventListener("abort", () => dialog?.remove());
}

/** Whether it leaves: not a fragment of this page, another tab or a download. @param {Element} link */
const leadsAway = (link) =>
  !/^#(?!\/)/.test(link.getAttribute("href") ?? "") &&
  link.getAttribute("target") !== "_blank" &&
  !link.hasAttribute("download");
