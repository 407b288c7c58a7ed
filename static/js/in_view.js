// @ts-check
/** Tracks which of many parts of a page are on the screen: only those are polled. */

/** Parts so near the edge count as visible: after scrolling they are up to date. */
const MARGIN = "200px";

/**
 * @param {AbortSignal} signal
 * @param {() => void} onChange
 * @param {string} [rootMargin]
 */
export function createInView(signal, onChange, rootMargin = MARGIN) {
  /** @type {Map<Element, string>} */
  const names = new Map();
  /** @type {Set<string>} */
  const seen = new Set();
  // Where this is unknown all of them count.
  const observer =
    "IntersectionObserver" in globalThis
      ? new IntersectionObserver(take, { rootMargin })
      : null;
  signal.addEventListener("abort", () => observer?.disconnect());

  /** @param {IntersectionObserverEntry[]} entries */
  function take(entries) {
    for (const { target, isIntersecting } of entries) {
      const name = names.get(target);
      if (name === undefined) continue;
      if (isIntersecting) seen.add(name);
      else seen.delete(name);
    }
    onChange();
  }

  return {
    /** @param {Element} element @param {string} name */
    add(element, name) {
      names.set(element, name);
      if (observer) observer.observe(element);
      else seen.add(name);
    },
    /** @param {Element} element */
    forget(element) {
      const name = names.get(element);
      names.delete(element);
      observer?.unobserve(element);
      if (name !== undefined) seen.delete(name);
    },
    /** @param {string} name */
    has: (name) => seen.has(name),
  };
}
