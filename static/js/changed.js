// @ts-check
/** What is drawn anew only if something in it is another: polls must not disturb a link that has the focus. */

/**
 * @returns {(...state: unknown[]) => boolean} Whether what is drawn from is something else than the last time. Of what can
 *   be written as JSON.
 */
export function createChanged() {
  let before = "";
  return (...state) => {
    const now = JSON.stringify(state);
    const isChanged = now !== before;
    before = now;
    return isChanged;
  };
}
