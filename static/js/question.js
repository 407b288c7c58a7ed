// @ts-check
/** A question that replaces its subject in the page: the press waits for its answer. */

import { el } from "./dom.js";

/**
 * @typedef {object} Question
 * @property {HTMLElement} node
 * @property {(...parts: (string | Node)[]) => void} ask A name in it may be written from right to left: put it into an
 *   element of its own.
 * @property {() => void} close
 */

/**
 * @param {object} options
 * @param {string} options.testid The answers have `-yes` and `-no` after it.
 * @param {string} options.yes
 * @param {string} options.no
 * @param {boolean} options.isGrave Whether yes is irreversible: a second press of Enter then does no harm.
 * @param {() => void} options.onYes
 * @param {() => void} options.onNo
 * @returns {Question}
 */
export function createQuestion({ testid, yes, no, isGrave, onYes, onNo }) {
  const id = `${testid}-question`;
  const text = el("p", { id });
  const accept = el("button", { type: "button", class: isGrave ? "button button--danger" : "button" }, yes);
  accept.setAttribute("data-testid", `${testid}-yes`);
  const refuse = el("button", { type: "button", class: "button button--plain" }, no);
  refuse.setAttribute("data-testid", `${testid}-no`);
  const look = isGrave ? "" : "confirm-step--mild";
  const node = el(
    "div",
    { class: `confirm-step question ${look}`, role: "group", "aria-labelledby": id, "data-testid": testid, hidden: true },
    text,
    el("div", { class: "actions" }, accept, refuse),
  );

  function close() {
    node.hidden = true;
  }

  /** @param {() => void} answer */
  const answered = (answer) => () => {
    close();
    answer();
  };
  accept.addEventListener("click", answered(onYes));
  refuse.addEventListener("click", answered(onNo));
  node.addEventListener("keydown", (event) => {
    if (event.key === "Escape") answered(onNo)();
  });

  return {
    node,
    close,
    ask(...parts) {
      text.replaceChildren(...parts);
      node.hidden = false;
      (isGrave ? refuse : accept).focus();
    },
  };
}
