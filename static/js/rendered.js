// @ts-check
/** What the page came with, rendered by the server: taken over once, so that nothing of it has to be asked for again. */

/** @import { BookingEvent } from "./types.js" */

/**
 * @typedef {object} RenderedEvent
 * @property {BookingEvent} event
 * @property {string | null} etag Null if it has no name, since time alone has changed it.
 * @property {Node[]} description
 * @property {Typed} typed
 *
 * @typedef {{ values: Map<string, string>, focused: string | null }} Typed
 */

/**
 * The event that the page was made of. A second time there is none: what is asked for later is newer.
 *
 * @param {string} id
 * @returns {RenderedEvent | null}
 */
export function takeRendered(id) {
  const data = document.getElementById("event-data");
  if (data?.dataset.id !== id.toLowerCase()) return null;
  data.remove();
  const description = document.querySelector("[data-description]");
  return {
    event: JSON.parse(data.textContent ?? ""),
    etag: data.dataset.etag || null,
    description: [...(description?.childNodes ?? [])],
    typed: typedIn(document.querySelector("main form[method=post]")),
  };
}

/** What somebody has written before any script was there. @param {Element | null} form @returns {Typed} */
function typedIn(form) {
  const inputs = [...(form?.querySelectorAll("input") ?? [])].filter(({ type }) => type !== "hidden");
  const focused = inputs.find((input) => input === document.activeElement)?.name ?? null;
  return { values: new Map(inputs.map(({ name, value }) => [name, value])), focused };
}

/** Goes on with it in the form that came in the place of that one. @param {Element} root @param {Typed} typed */
export function typeOn(root, { values, focused }) {
  for (const [name, value] of values) {
    const input = root.querySelector(`input[name=${name}]`);
    if (!(input instanceof HTMLInputElement)) continue;
    if (value !== "" && input.value === "") {
      input.value = value;
      input.dispatchEvent(new Event("input", { bubbles: true }));
    }
    if (name !== focused) continue;
    input.focus({ preventScroll: true });
    input.setSelectionRange(input.value.length, input.value.length);
  }
}
