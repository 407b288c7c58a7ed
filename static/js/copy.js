// @ts-check
/** A button that copies a text. */

import { el, setText } from "./dom.js";
import { t } from "./words.js";

const SAID_FOR_MS = 4_000;

/**
 * @param {string} label
 * @param {() => string} text
 * @param {string} testid
 */
export function copyButtonElement(label, text, testid) {
  const button = el("button", { type: "button", class: "button button--plain button--small" }, label);
  button.setAttribute("data-testid", testid);
  const statusLine = el("span", { class: "quiet", role: "status" });
  button.addEventListener("click", async () => {
    setText(
      statusLine,
      (await copy(text())) ? t("copy.done") : t("copy.refused"),
    );
    setTimeout(() => setText(statusLine, ""), SAID_FOR_MS);
  });
  return el("div", { class: "copy" }, button, statusLine);
}

/** Copies the text; returns whether that worked. @param {string} text */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Pages over plain HTTP have no clipboard API, but still the old command.
    return copyBySelection(text);
  }
}

/** @param {string} text */
function copyBySelection(text) {
  const focused = document.activeElement;
  const area = el("textarea", { class: "visually-hidden", "aria-hidden": "true", readonly: true });
  area.value = text;
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return copied;
}
