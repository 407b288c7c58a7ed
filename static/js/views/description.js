// @ts-check
/** An event's description: the server renders HTML from it that cannot run scripts. */

import { getDescription } from "../api.js";
import { el, setText } from "../dom.js";

/** @import { BookingEvent } from "../types.js" */

/**
 * @param {AbortSignal} signal
 * @param {() => void} onChange Its height may have changed.
 * @param {{ event: BookingEvent, description: Node[] } | null} rendered The description in the page.
 */
export function createDescription(signal, onChange, rendered) {
  const node = el("div", { class: "description clamp", dir: "auto" });
  /** @type {string | null} */
  let shown = null;

  /** @param {Node[]} nodes */
  function adopt(nodes) {
    node.classList.remove("description--plain");
    node.replaceChildren(...nodes);
    onChange();
  }

  /** @param {BookingEvent} event @param {boolean} isOwn */
  async function load({ id, description }, isOwn) {
    // Shown as plain text until the HTML arrives, and for good if it does not.
    node.classList.add("description--plain");
    setText(node, description ?? "");
    try {
      const nodes = await getDescription(id, isOwn, signal);
      if (nodes.length > 0 && shown === description) adopt(nodes);
    } catch {
      // The next change of the event tries again.
    }
  }

  return {
    node,
    /** @param {BookingEvent} event @param {boolean | null} isOwn */
    update(event, isOwn) {
      const text = event.description ?? "";
      if (text === shown) return;
      shown = text;
      node.hidden = text === "";
      if (text === (rendered?.event.description ?? null) && rendered?.description.length) {
        adopt(rendered.description);
      } else if (text !== "") load({ ...event, description: text }, isOwn === true);
      rendered = null;
    },
  };
}
