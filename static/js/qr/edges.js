// @ts-check
/** Where dark and light meet in a picture. */

import { brightnessAt } from "./picture.js";

/** @import { Picture } from "./picture.js" */

/** How far along the last walk each edge was, in pixels. */
export const edges = new Float64Array(3);

/**
 * Walks along a line and notes the edges down, finer than a pixel.
 *
 * @param {Picture} picture
 * @param {number} x
 * @param {number} y
 * @param {number} dx Of length 1 together with `dy`.
 * @param {number} dy
 * @param {number} limit
 * @param {number} count
 * @returns {number} How many edges there are, up to `count`.
 */
export function walk(picture, x, y, dx, dy, limit, count) {
  let found = 0;
  let before = brightnessAt(picture, x, y);
  for (let way = 0.5; way < limit; way += 0.5) {
    const atX = x + dx * way;
    const atY = y + dy * way;
    if (atX < 0 || atY < 0 || atX > picture.width || atY > picture.height) return found;
    const value = brightnessAt(picture, atX, atY);
    if (value < 0 !== before < 0) {
      edges[found] = way - (0.5 * value) / (value - before);
      found += 1;
      if (found === count) return found;
    }
    before = value;
  }
  return found;
}
