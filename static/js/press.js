// @ts-check
/** Small buttons that do one thing at once, and say beside them what came of it. */

import { el, setText } from "./dom.js";
import { explain } from "./explain.js";

/**
 * One of many alike: what it is about is said by what it stands beside.
 *
 * @param {string} label
 * @param {string} testid
 * @param {string} describedBy The id of what it is about.
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
 * Acts when the button is pressed; not a second time while the first is on its way.
 *
 * @param {HTMLElement} button
 * @param {object} options
 * @param {() => Promise<void>} options.act
 * @param {string} options.nothing What did not happen if it fails, as a sentence.
 * @param {Element} options.said Where that is said.
 * @param {AbortSignal} options.signal Nobody is told any more once it is aborted.
 */
export function onPress(button, { act, nothing, said, signal }) {
  button.addEventListener("click", async () => {
    if (button.hasAttribute("aria-disabled")) return;
    button.setAttribute("aria-disabled", "true");
    setText(said, "");
    try {
      await act();
    } catch (error) {
      if (!signal.aborted) setText(said, explain(error, nothing).text);
    } finally {
      button.removeAttribute("aria-disabled");
    }
  });
}
