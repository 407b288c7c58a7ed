// @ts-check
/** Building elements. Text is always text: no HTML is parsed except what the server itself has rendered. */

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string | number | boolean | null | undefined>} [attributes] False, null and
 *   undefined leave the attribute out; true gives an empty one.
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) {
    if (child) element.append(child);
  }
  return element;
}

/**
 * Writes only what differs, so that a poll without news disturbs neither a selection nor a screen reader.
 *
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Marks the language of the organizer's own texts: hyphenation and voices depend on it.
 *
 * @param {string | null | undefined} language
 * @param {...Element} elements
 */
export function setLanguage(language, ...elements) {
  for (const element of elements) {
    if (language) element.setAttribute("lang", language);
    else element.removeAttribute("lang");
  }
}

/**
 * Resolves after `ms`, or rejects as soon as the signal is aborted.
 *
 * @param {number} ms
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
export function sleep(ms, signal) {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
