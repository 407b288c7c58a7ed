// @ts-check
/** Entries of the browser's storage. It may be forbidden or full: then they last as long as the page. */

/**
 * @param {() => Storage} storage Called with each use: where storage is forbidden, even the access throws.
 * @param {string} name
 * @param {{ isShared?: boolean }} [options] Whether other tabs may have changed it meanwhile.
 */
export function createStoredText(storage, name, { isShared = false } = {}) {
  /** Undefined until it is read. @type {string | null | undefined} */
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
        // Then it lasts only as long as the page.
      }
    },
  };
}

/**
 * The same for a JSON value. A value of another shape, as another release may have stored it, is ignored.
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

/** Whether it is an object. @param {unknown} value @returns {value is Record<string, unknown>} */
export const isRecord = (value) => typeof value === "object" && value !== null;
