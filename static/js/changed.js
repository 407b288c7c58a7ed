// @ts-check
/** What is drawn anew only if something in it is another: polls must not disturb a link that has the focus. */

/** Whether they say the same, of what can be written as JSON. @param {unknown} one @param {unknown} other */
export const isSame = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/**
 * @returns {(...state: unknown[]) => boolean} Whether what is drawn from is something else than the last time. Of what can
 *   be written as JSON.
 */
export function createChanged() {
  // As a text, since what it is of may be changed in its place.
  let before = "";
  return (...state) => {
    const now = JSON.stringify(state);
    const isChanged = now !== before;
    before = now;
    return isChanged;
  };
}
