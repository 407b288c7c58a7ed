// @ts-check
/** Asks once about an address that looks like a typo; a confirmed address is accepted. */

import { el } from "./dom.js";
import { likelyAddress } from "./mail_domains.js";
import { createQuestion } from "./question.js";
import { trimmed } from "./text.js";
import { t, tNodes } from "./words.js";

/** @import { Field } from "./form.js" */

/**
 * @param {Field} field
 * @param {(pressed: HTMLElement) => void} again Sends the form once more.
 */
export function createMailQuestion(field, again) {
  let believed = "";
  let likely = "";
  /** @type {HTMLElement | null} */
  let waiting = null;

  /** @param {string} address */
  function goOn(address) {
    believed = trimmed(address);
    if (waiting) again(waiting);
  }

  const question = createQuestion({
    testid: "mail-slip",
    yes: t("slip.yes"),
    no: t("slip.no"),
    isGrave: false,
    onYes() {
      field.fill(likely);
      goOn(likely);
    },
    onNo: () => goOn(field.input.value),
  });
  field.input.addEventListener("input", question.close);

  return {
    node: question.node,
    /** Marks an address as confirmed. @param {string} address */
    believe(address) {
      believed = trimmed(address);
    },
    /**
     * Whether it asks a question instead of submitting.
     *
     * @param {HTMLElement} pressed
     */
    asks(pressed) {
      const typed = trimmed(field.input.value);
      const meant = likelyAddress(typed);
      if (meant === null || typed === believed) return false;
      likely = meant;
      waiting = pressed;
      question.ask(...tNodes("slip.question", { address: el("bdi", {}, meant) }));
      return true;
    },
  };
}
