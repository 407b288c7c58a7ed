// @ts-check
/** Redraws only what has changed: polls must not disturb a focused link. */

/** Whether two JSON values are equal. @param {unknown} one @param {unknown} other */
export const isSame = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/**
 * @returns {(...state: unknown[]) => boolean} Whether the state differs from the last call's. For values that can
 *   be written as JSON.
 */
export function createChanged() {
  // As a text, since the value may be changed in place.
  let before = "";
  return (...state) => {
    const now = JSON.stringify(state);
    const isChanged = now !== before;
    before = now;
    return isChanged;
  };
}
