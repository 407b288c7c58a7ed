// @ts-check
/** The checkbox to keep a registration on this device, off by default. */

import { createCheckbox } from "./form.js";
import { removeMine, isMine, keepMine } from "./my_registrations.js";
import { t } from "./words.js";

/** @import { BookingEvent } from "./types.js" */

/**
 * @param {string} id
 * @param {string} token
 * @param {() => BookingEvent | null} event
 */
export function createKeepOnDevice(id, token, event) {
  const { node, input } = createCheckbox({
    name: "keep_on_device",
    label: t("mine.keep"),
    hint: t("mine.keep_hint"),
  });
  input.checked = isMine(id);
  input.addEventListener("change", () => {
    const about = event();
    if (input.checked && about) keepMine(id, token, about);
    else removeMine(id);
  });
  return { node };
}
