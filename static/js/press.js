// @ts-check
/** Small buttons that act at once, and show the result beside them. */

import { el, setText } from "./dom.js";
import { explain } from "./explain.js";

/**
 * One of many alike: its subject is the item beside it.
 *
 * @param {string} label
 * @param {string} testid
 * @param {string} describedBy The id of its subject.
 */
export const smallButtonElement = (label, testid, describedBy) =>
  el(
    "button",
    {
      type: "button",
      class: "button button--plain button--small",
      "aria-describedby": describedBy,
      "data-testid": testid,
    },
    label,
  );

/**
 * Acts when the button is pressed; not again while the first press is in progress.
 *
 * @param {HTMLElement} button
 * @param {object} options
 * @param {() => Promise<void>} options.act
 * @param {string} options.nothing The sentence for a failure.
 * @param {Element} options.statusLine Where that is shown.
 * @param {AbortSignal} options.signal No result is shown once it is aborted.
 */
export function onPress(button, { act, nothing, statusLine, signal }) {
  button.addEventListener("click", async () => {
    if (button.hasAttribute("aria-disabled")) return;
    button.setAttribute("aria-disabled", "true");
    setText(statusLine, "");
    try {
      await act();
    } catch (error) {
      if (!signal.aborted) setText(statusLine, explain(error, nothing).text);
    } finally {
      button.removeAttribute("aria-disabled");
    }
  });
}
