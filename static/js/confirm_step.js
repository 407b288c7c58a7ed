// @ts-check
/** A button for what cannot be taken back: it asks once more, in the page, before it acts. */

import { el, setText } from "./dom.js";

/**
 * @param {object} options
 * @param {string} options.label
 * @param {string} options.question
 * @param {string} options.yes
 * @param {string} options.no
 * @param {string} [options.describedBy] The id of what it is about, where there is one for each of many.
 * @param {string} options.testid Of the button; what follows has `-yes`, `-no` and `-error` after it.
 * @param {() => Promise<string | null>} options.act Resolves to what went wrong, if anything did.
 * @param {() => void} options.onDone
 */
export function createConfirmStep({ label, question, yes, no, describedBy, testid, act, onDone }) {
  const size = describedBy === undefined ? "" : " button--small";
  const open = el(
    "button",
    {
      type: "button",
      class: `button button--plain${size}`,
      "data-testid": testid,
      "aria-describedby": describedBy,
    },
    label,
  );
  const accept = el("button", { type: "button", class: "button button--danger" }, yes);
  accept.setAttribute("data-testid", `${testid}-yes`);
  const refuse = el("button", { type: "button", class: "button button--plain" }, no);
  refuse.setAttribute("data-testid", `${testid}-no`);
  const error = el("p", { class: "field__error", role: "alert", "data-testid": `${testid}-error` });
  const ask = el(
    "div",
    {
      class: "confirm-step",
      role: "group",
      "aria-label": question,
      "aria-describedby": describedBy,
      hidden: true,
    },
    el("p", {}, question),
    el("div", { class: "actions" }, accept, refuse),
  );
  let busy = false;

  /** @param {boolean} asking */
  function set(asking) {
    ask.hidden = !asking;
    open.hidden = asking;
    // On the harmless one, so that a second press of Enter does no harm.
    if (asking) refuse.focus();
    else open.focus();
  }

  open.addEventListener("click", () => set(true));
  refuse.addEventListener("click", () => {
    setText(error, "");
    set(false);
  });
  ask.addEventListener("keydown", (event) => {
    if (event.key === "Escape") set(false);
  });
  accept.addEventListener("click", async () => {
    if (busy) return;
    busy = true;
    accept.setAttribute("aria-disabled", "true");
    setText(error, "");
    const wrong = await act();
    busy = false;
    accept.removeAttribute("aria-disabled");
    setText(error, wrong ?? "");
    if (wrong !== null) return;
    set(false);
    onDone();
  });

  return el("div", { class: "confirm" }, open, ask, error);
}
