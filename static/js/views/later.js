// @ts-check
/** Views that are loaded on demand. */

import { el } from "../dom.js";
import { ConnectionError } from "../http.js";
import { t } from "../words.js";
import { loadErrorNotice } from "./load_error.js";

/** @import { View } from "../types.js" */

/**
 * @param {() => Promise<(view: View) => Promise<void> | void>} load
 * @returns {(view: View) => Promise<void>}
 */
export function showLater(load) {
  return async (view) => {
    /** @type {(view: View) => Promise<void> | void} */
    let show;
    try {
      show = await load();
    } catch (error) {
      if (view.signal.aborted) return;
      // The network is down, or the server has another release than this page.
      view.setTitle(t("page.not_loaded_title"));
      const title = el("h1", { tabindex: -1 }, t("page.not_loaded_title"));
      view.root.append(title, loadErrorNotice(new ConnectionError(false, error), t("page.not_loaded")));
      return;
    }
    if (!view.signal.aborted) await show(view);
  };
}
