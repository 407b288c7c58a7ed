// @ts-check
/**
 * Where the modules of a code are in the picture. The edges of its three finder patterns say it roughly, the
 * timing patterns between them and the alignment patterns in it finely.
 */

import { bendOf, observeAlignment } from "./alignment.js";
import { edges, walk } from "./edges.js";
import { createObservations, fit, map, observe } from "./perspective.js";
import { brightnessAt } from "./picture.js";
import { alignmentCentres } from "./versions.js";

/** @import { Bend } from "./alignment.js" */
/** @import { Finder } from "./finders.js" */
/** @import { Fit } from "./perspective.js" */
/** @import { Picture } from "./picture.js" */

/** @typedef {[Finder, Finder, Finder]} Corners The one at the top left; at the top right; at the bottom left. */

/**
 * @typedef {object} Grid
 * @property {number} size
 * @property {Fit} fit
 * @property {0 | 1} dark
 * @property {Bend | null} bend
 */

const FINDER = 7;
const MIDDLE = FINDER / 2;
/** Of a timing pattern, how much must be as it is laid down. */
const TIMING_MATCHES_MIN = 0.75;

const seen = createObservations();

/** Where lines through a finder pattern are, off its middle, in modules: all three edges cross them. */
const LINES = [-1, -0.5, 0, 0.5, 1];

/**
 * How long a module is from the middle of a finder pattern towards another, in pixels.
 *
 * @param {Picture} picture
 * @param {Finder} from
 * @param {Finder} to
 * @returns {number} 0 if it cannot be told.
 */
export function moduleTowards(picture, from, to) {
  const distance = Math.hypot(to.x - from.x, to.y - from.y);
  const [dx, dy] = [(to.x - from.x) / distance, (to.y - from.y) / distance];
  const limit = 6 * from.module + 4;
  const ahead = walk(picture, from.x, from.y, dx, dy, limit, 3);
  const there = edges[2];
  const behind = walk(picture, from.x, from.y, -dx, -dy, limit, 3);
  return ahead === 3 && behind === 3 ? (there + edges[2]) / FINDER : 0;
}

/**
 * The grid of a code of this size between these corners.
 *
 * @param {Picture} picture
 * @param {Corners} corners
 * @param {number} size
 * @returns {{ fit: Fit, timing: number } | null} With how much of the timing patterns is where it belongs.
 */
export function layGrid(picture, corners, size) {
  seen.count = 0;
  const [first, right, below] = corners;
  observeFinder(picture, first, corners, 0, 0);
  observeFinder(picture, right, corners, size - FINDER, 0);
  observeFinder(picture, below, corners, 0, size - FINDER);
  const rough = fit(seen, size);
  if (rough === null) return null;
  const timing = Math.min(timingOf(picture, rough, first.dark, size, 0), timingOf(picture, rough, first.dark, size, 1));
  return timing < TIMING_MATCHES_MIN ? null : { fit: rough, timing };
}

/**
 * The same, with all that can be seen of the timing and alignment patterns.
 *
 * @param {Picture} picture
 * @param {Corners} corners
 * @param {number} size
 * @param {boolean} withAlignment
 * @returns {Grid | null}
 */
export function refineGrid(picture, corners, size, withAlignment) {
  const laid = layGrid(picture, corners, size);
  if (laid === null) return null;
  const [{ dark }] = corners;
  observeTiming(picture, laid.fit, dark, size);
  let better = fit(seen, size) ?? laid.fit;
  const version = (size - 17) / 4;
  if (!withAlignment || version < 2) return { size, fit: better, dark, bend: null };
  // The one opposite the first corner is furthest from all that is known, and pins the rest down.
  const last = size - FINDER + 0.5;
  const reach = Math.max(3.5, size / 14);
  if (observeAlignment(seen, picture, better, dark, last, last, reach)) better = fit(seen, size) ?? better;
  if (version < 7) return { size, fit: better, dark, bend: null };
  const places = alignmentCentres(version).filter(([x, y]) => x !== y || x !== size - FINDER);
  for (const [x, y] of places) observeAlignment(seen, picture, better, dark, x + 0.5, y + 0.5, 2);
  better = fit(seen, size) ?? better;
  return { size, fit: better, dark, bend: bendOf(picture, better, dark, version) };
}

/**
 * Where a place of the code is in the picture. The point is used again by the next call.
 *
 * @param {Grid} grid
 * @param {number} x In modules.
 * @param {number} y
 */
export function place({ fit, bend }, x, y) {
  const point = map(fit.toPicture, x, y);
  if (bend === null) return point;
  const { at } = bend;
  const column = cellOf(at, x);
  const row = cellOf(at, y);
  // Outside of the patterns the bend is that of the nearest.
  const partX = Math.min(Math.max((x - at[column]) / (at[column + 1] - at[column]), 0), 1);
  const partY = Math.min(Math.max((y - at[row]) / (at[row + 1] - at[row]), 0), 1);
  const corner = row * at.length + column;
  point.x += between(bend.x, corner, at.length, partX, partY);
  point.y += between(bend.y, corner, at.length, partX, partY);
  return point;
}

/** @param {number[]} at @param {number} value */
function cellOf(at, value) {
  let cell = 0;
  while (cell < at.length - 2 && value > at[cell + 1]) cell += 1;
  return cell;
}

/** @param {Float64Array} values @param {number} corner @param {number} across @param {number} partX @param {number} partY */
function between(values, corner, across, partX, partY) {
  const upper = values[corner] * (1 - partX) + values[corner + 1] * partX;
  const lower = values[corner + across] * (1 - partX) + values[corner + across + 1] * partX;
  return upper * (1 - partY) + lower * partY;
}

/**
 * @param {Picture} picture
 * @param {Finder} finder
 * @param {Corners} corners
 * @param {number} left Where it is in the code, in modules.
 * @param {number} top
 */
function observeFinder(picture, finder, [first, right, below], left, top) {
  const across = direction(first, right);
  const down = direction(first, below);
  observeSides(picture, finder, across, down, 0, left);
  observeSides(picture, finder, down, across, 1, top);
}

/** @param {Finder} from @param {Finder} to */
function direction(from, to) {
  const distance = Math.hypot(to.x - from.x, to.y - from.y);
  return { x: (to.x - from.x) / distance, y: (to.y - from.y) / distance };
}

/**
 * @param {Picture} picture
 * @param {Finder} finder
 * @param {{ x: number, y: number }} along
 * @param {{ x: number, y: number }} aside
 * @param {number} axis
 * @param {number} start Where the finder pattern begins along this axis, in modules.
 */
function observeSides(picture, finder, along, aside, axis, start) {
  const limit = 6 * finder.module + 4;
  for (const line of LINES) {
    // Overrated at 45°, where it may lead out of the square.
    const x = finder.x + aside.x * line * finder.module * 0.8;
    const y = finder.y + aside.y * line * finder.module * 0.8;
    for (const sign of [1, -1]) {
      if (walk(picture, x, y, along.x * sign, along.y * sign, limit, 3) < 3) continue;
      for (let edge = 0; edge < 3; edge += 1) {
        const way = edges[edge] * sign;
        observe(seen, x + along.x * way, y + along.y * way, axis, start + MIDDLE + sign * (1.5 + edge));
      }
    }
  }
}

/**
 * How much of a timing pattern, from one finder pattern to the next, is where it belongs: darker or lighter than
 * the modules before and after it, which it is out of focus too.
 *
 * @param {Picture} picture
 * @param {Fit} fit
 * @param {0 | 1} dark
 * @param {number} size
 * @param {number} axis
 */
function timingOf(picture, fit, dark, size, axis) {
  /** @param {number} at */
  const lightAt = (at) => {
    const { x, y } = axis === 0 ? map(fit.toPicture, at + 0.5, 6.5) : map(fit.toPicture, 6.5, at + 0.5);
    return dark === 1 ? brightnessAt(picture, x, y) : -brightnessAt(picture, x, y);
  };
  let right = 0;
  let before = lightAt(FINDER - 1);
  let here = lightAt(FINDER);
  for (let at = FINDER; at < size - FINDER; at += 1) {
    const after = lightAt(at + 1);
    if (2 * here < before + after === (at % 2 === 0)) right += 1;
    before = here;
    here = after;
  }
  return right / (size - 2 * FINDER);
}

/** @param {Picture} picture @param {Fit} fit @param {0 | 1} dark @param {number} size */
function observeTiming(picture, fit, dark, size) {
  for (const axis of [0, 1]) {
    /** @param {number} at */
    const placeOf = (at) => (axis === 0 ? map(fit.toPicture, at, 6.5) : map(fit.toPicture, 6.5, at));
    const step = 0.125;
    let { x: beforeX, y: beforeY } = placeOf(FINDER + 0.5);
    let before = brightnessAt(picture, beforeX, beforeY);
    for (let at = FINDER + 0.5 + step; at < size - FINDER - 0.5; at += step) {
      const { x, y } = placeOf(at);
      const value = brightnessAt(picture, x, y);
      if (value < 0 !== before < 0) {
        const part = before / (before - value);
        const edge = Math.round(at);
        const entersDark = value < 0 === (dark === 1);
        if (entersDark === (edge % 2 === 0))
          observe(seen, beforeX + (x - beforeX) * part, beforeY + (y - beforeY) * part, axis, edge);
      }
      before = value;
      beforeX = x;
      beforeY = y;
    }
  }
}
