// @ts-check
/** Alignment patterns: small squares in rings, all over a code but for the smallest. */

import { edges, walk } from "./edges.js";
import { map, observe } from "./perspective.js";
import { alignmentCentres, alignmentsOf } from "./versions.js";

/** @import { Fit, Observations } from "./perspective.js" */
/** @import { Picture } from "./picture.js" */

/**
 * @typedef {object} Bend Paper is not flat, and lenses are not straight: how far the alignment patterns are from where
 *   they were expected.
 * @property {number[]} at Across and down alike, in modules.
 * @property {Float64Array} x In pixels, row by row.
 * @property {Float64Array} y
 */

/** Half an alignment pattern. */
const HALF = 2.5;
/** Of its 25 modules. By chance one in 10,000 has as many. */
const MATCHES_MIN = 22;

const found = { x: 0, y: 0 };

/**
 * Looks for an alignment pattern around where it is expected.
 *
 * @param {Picture} picture
 * @param {Fit} fit
 * @param {0 | 1} dark
 * @param {number} x Its middle, in modules.
 * @param {number} y
 * @param {number} reach How far around, in modules.
 * @returns {boolean} Whether it is there; then `found` is its middle in the picture.
 */
function findAlignment(picture, fit, dark, x, y, reach) {
  const middle = { ...map(fit.toPicture, x, y) };
  const across = { ...map(fit.toPicture, x + 1, y) };
  const down = { ...map(fit.toPicture, x, y + 1) };
  const [ax, ay, bx, by] = [across.x - middle.x, across.y - middle.y, down.x - middle.x, down.y - middle.y];
  let best = 0;
  for (let offY = -reach; offY <= reach; offY += 0.5) {
    for (let offX = -reach; offX <= reach; offX += 0.5) {
      const atX = middle.x + ax * offX + bx * offY;
      const atY = middle.y + ay * offX + by * offY;
      const matches = alignmentMatches(picture, dark, atX, atY, ax, ay, bx, by);
      // Of two that match alike the nearer one.
      const score = matches - 0.1 * Math.hypot(offX, offY);
      if (matches >= MATCHES_MIN && score > best) {
        best = score;
        found.x = atX;
        found.y = atY;
      }
    }
  }
  return best > 0;
}

/**
 * @param {Picture} picture @param {0 | 1} dark @param {number} x @param {number} y
 * @param {number} ax @param {number} ay @param {number} bx @param {number} by
 */
function alignmentMatches({ width, height, dark: pixels }, dark, x, y, ax, ay, bx, by) {
  let matches = 0;
  for (let row = -2; row <= 2; row += 1) {
    for (let column = -2; column <= 2; column += 1) {
      const atX = Math.floor(x + ax * column + bx * row);
      const atY = Math.floor(y + ay * column + by * row);
      if (atX < 0 || atY < 0 || atX >= width || atY >= height) return 0;
      const ring = Math.max(Math.abs(row), Math.abs(column));
      const isDark = pixels[atY * width + atX] === dark;
      if (isDark === (ring !== 1)) matches += 1;
    }
  }
  return matches;
}

/**
 * Finds an alignment pattern and observes its edges.
 *
 * @param {Observations} seen
 * @param {Picture} picture @param {Fit} fit @param {0 | 1} dark @param {number} x @param {number} y
 * @param {number} reach
 */
export function observeAlignment(seen, picture, fit, dark, x, y, reach) {
  if (!findAlignment(picture, fit, dark, x, y, reach)) return false;
  const before = seen.count;
  const middle = { ...map(fit.toPicture, x, y) };
  for (const axis of [0, 1]) {
    const next = axis === 0 ? map(fit.toPicture, x + 1, y) : map(fit.toPicture, x, y + 1);
    const module = Math.hypot(next.x - middle.x, next.y - middle.y);
    const [dx, dy] = [(next.x - middle.x) / module, (next.y - middle.y) / module];
    for (const sign of [1, -1]) {
      // What is outside of the pattern is anything: only its two inner edges are sure.
      const count = walk(picture, found.x, found.y, dx * sign, dy * sign, HALF * module, 2);
      for (let edge = 0; edge < count; edge += 1) {
        const way = edges[edge] * sign;
        observe(seen, found.x + dx * way, found.y + dy * way, axis, (axis === 0 ? x : y) + sign * (0.5 + edge));
      }
    }
  }
  return seen.count > before;
}

/**
 * @param {Picture} picture
 * @param {Fit} fit
 * @param {0 | 1} dark
 * @param {number} version
 * @returns {Bend}
 */
export function bendOf(picture, fit, dark, version) {
  const centres = alignmentsOf(version);
  const at = centres.map((centre) => centre + 0.5);
  const x = new Float64Array(at.length ** 2);
  const y = new Float64Array(at.length ** 2);
  for (const [column, row] of alignmentCentres(version)) {
    if (!findAlignment(picture, fit, dark, column + 0.5, row + 0.5, 1.5)) continue;
    const cell = centres.indexOf(row) * at.length + centres.indexOf(column);
    centre(picture, fit, column + 0.5, row + 0.5);
    const expected = map(fit.toPicture, column + 0.5, row + 0.5);
    x[cell] = found.x - expected.x;
    y[cell] = found.y - expected.y;
  }
  return { at, x, y };
}

/** Moves `found` to the middle of the module that it is in. @param {Picture} picture @param {Fit} fit @param {number} x @param {number} y */
function centre(picture, fit, x, y) {
  const middle = { ...map(fit.toPicture, x, y) };
  for (const axis of [0, 1]) {
    const next = axis === 0 ? map(fit.toPicture, x + 1, y) : map(fit.toPicture, x, y + 1);
    const module = Math.hypot(next.x - middle.x, next.y - middle.y);
    const [dx, dy] = [(next.x - middle.x) / module, (next.y - middle.y) / module];
    if (walk(picture, found.x, found.y, dx, dy, HALF * module, 2) < 2) continue;
    const [near, far] = edges;
    if (walk(picture, found.x, found.y, -dx, -dy, HALF * module, 2) < 2) continue;
    const shift = (near + far - edges[0] - edges[1]) / 4;
    found.x += dx * shift;
    found.y += dy * shift;
  }
}
