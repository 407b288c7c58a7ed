// @ts-check
/** The result of the last scan, as large as possible, with a button to undo it. */

import { wordsOf } from "../check_in/messages.js";
import { el, setText } from "../dom.js";
import { explain } from "../explain.js";
import { t } from "../words.js";

/** @import { Result } from "../check_in/scanning.js" */
/** @import { Times } from "../check_in/timing.js" */

/**
 * @param {object} options
 * @param {(scanId: string) => Promise<string>} options.onUndo
 * @param {(registrationId: string) => Promise<(Node | string)[]>} options.nameOf
 * @param {() => Times | null} options.times
 */
export function createCheckInResult({ onUndo, nameOf, times }) {
  const card = el("div", { class: "check-in-result", "data-testid": "door-result", "data-result": "none" });
  // Announced at once, interrupting other announcements: a person is waiting.
  const region = el("div", { role: "alert" }, card);
  const undo = el(
    "button",
    { type: "button", class: "button button--plain", hidden: true },
    t("door.undo"),
  );
  undo.setAttribute("data-testid", "door-undo");
  const undone = el("p", { class: "quiet", role: "status", "data-testid": "door-undone" });
  const node = el("section", { class: "check-in__right", "aria-label": t("door.result") }, region, undo, undone);
  card.append(el("p", { class: "check-in-result__idle" }, t("door.idle")));
  let shown = 0;
  /** @type {string | null} */
  let scanId = null;
  let undoing = false;

  undo.addEventListener("click", async () => {
    if (undoing || scanId === null) return;
    undoing = true;
    undo.setAttribute("aria-disabled", "true");
    const count = shown;
    try {
      const text = await onUndo(scanId);
      setText(undone, text);
      if (count === shown) {
        undo.hidden = true;
        draw("undone", "↶", t("door.undone_title"), text, shown);
      }
    } catch (error) {
      setText(undone, explain(error, t("door.not_undone")).text);
    } finally {
      undoing = false;
      undo.removeAttribute("aria-disabled");
    }
  });

  /**
   * @param {string} result
   * @param {string} sign
   * @param {string} title
   * @param {string} text
   * @param {number} count
   */
  function draw(result, sign, title, text, count) {
    card.dataset.result = result;
    // A number in the attributes distinguishes two equal results in a row.
    card.dataset.scan = String(count);
    card.dataset.timing = "";
    const person = el("p", { class: "check-in-result__person", dir: "auto", "data-testid": "door-person" });
    card.replaceChildren(
      el("span", { class: "check-in-result__sign", "aria-hidden": "true" }, sign),
      el("h2", { class: "check-in-result__title" }, title),
      person,
      el("p", {}, text),
    );
    return person;
  }

  return {
    node,
    isQueued: () => card.dataset.result === "queued",
    scanId: () => scanId,
    wait: () => card.setAttribute("aria-busy", "true"),
    /** @param {Result} result */
    show(result) {
      shown += 1;
      const count = shown;
      card.removeAttribute("aria-busy");
      const { sign, title, text } = wordsOf(result, times());
      const person = draw(result.result, sign, title, text, count);
      card.dataset.timing = result.timing ?? "";
      card.dataset.reason = result.reason ?? "";
      scanId = result.scanId;
      undo.hidden = scanId === null;
      setText(undone, "");
      // On a phone it may be below the fold.
      card.scrollIntoView({ block: "nearest" });
      if (!result.registrationId || result.result === "queued" || result.reason === "other_event") return;
      nameOf(result.registrationId).then(
        (name) => person.replaceChildren(...name),
        () => {},
      );
    },
  };
}
