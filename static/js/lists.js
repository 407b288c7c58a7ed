// @ts-check
/** Polyfills of newer `Array.prototype` methods, for all supported browsers. */

/** @template T @param {readonly T[]} list @returns {T | undefined} */
export const lastOf = (list) => list[list.length - 1];

/** The index of the last match; -1 without one. @template T @param {readonly T[]} list @param {(one: T) => boolean} is */
export function lastIndexWhere(list, is) {
  let at = list.length - 1;
  while (at >= 0 && !is(/** @type {T} */ (list[at]))) at -= 1;
  return at;
}

/** @template T @param {readonly T[]} list @param {(one: T) => boolean} is @returns {T | undefined} */
export const lastWhere = (list, is) => list[lastIndexWhere(list, is)];
