// @ts-check
/** Entries of the browser's storage. It may be forbidden or full: then they last as long as the page does. */

/**
 * @param {() => Storage} storage Asked for with each use: where it is forbidden, naming it throws already.
 * @param {string} name
 * @param {{ isShared?: boolean }} [options] Whether other tabs may have changed it meanwhile.
 */
export function createStoredText(storage, name, { isShared = false } = {}) {
  /** Undefined as long as it was not read. @type {string | null | undefined} */
  let known;

  /** Undefined if it cannot be read. */
  function stored() {
    try {
      return storage().getItem(name);
    } catch {
      return undefined;
    }
  }

  return {
    get() {
      if (known === undefined || isShared) {
        const now = stored();
        if (now !== undefined) known = now;
      }
      return known ?? null;
    },
    /** @param {string | null} text Null removes it. */
    set(text) {
      known = text;
      try {
        if (text === null) storage().removeItem(name);
        else storage().setItem(name, text);
      } catch {
        // Then it is there only as long as the page is.
      }
    },
  };
}

/**
 * The same of a value as JSON. What another release stored may have another shape, and counts as nothing.
 *
 * @template T
 * @param {() => Storage} storage
 * @param {string} name
 * @param {(value: unknown) => value is T} isValid
 * @param {{ isShared?: boolean }} [options]
 */
export function createStoredJson(storage, name, isValid, options) {
  const text = createStoredText(storage, name, options);
  return {
    /** @returns {T | null} */
    get() {
      try {
        /** @type {unknown} */
        const value = JSON.parse(text.get() ?? "null");
        return isValid(value) ? value : null;
      } catch {
        return null;
      }
    },
    /** @param {T | null} value */
    set: (value) => text.set(value === null ? null : JSON.stringify(value)),
  };
}

/** What can be looked into. @param {unknown} value @returns {value is Record<string, unknown>} */
export const isRecord = (value) => typeof value === "object" && value !== null;
