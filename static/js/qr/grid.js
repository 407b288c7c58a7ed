// @ts-check
/**
 * Where the modules of a code are in the picture. The edges of its three finder patterns say it roughly, the
 * timing patterns between them and the alignment patterns in it finely.
 */

import { createObservations, fit, map, observe } from "./perspective.js";
import { brightnessAt } from "./picture.js";
import { alignmentCentres, alignmentsOf } from "./versions.js";

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
 *
 * @typedef {object} Bend Paper is not flat, and lenses are not straight: how far the alignment patterns are from where they were expected.
 * @property {number[]} at Across and down alike, in modules.
 * @property {Float64Array} x In pixels, row by row.
 * @property {Float64Array} y
 */

const FINDER = 7;
const MIDDLE = FINDER / 2;
/** Half an alignment pattern. */
const ALIGNMENT = 2.5;
/** Of its 25 modules. By chance one in 10,000 has as many. */
const ALIGNMENT_MATCHES_MIN = 22;
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
  if (observeAlignment(picture, better, dark, last, last, reach)) better = fit(seen, size) ?? better;
  if (version < 7) return { size, fit: better, dark, bend: null };
  const places = alignmentCentres(version).filter(([x, y]) => x !== y || x !== size - FINDER);
  for (const [x, y] of places) observeAlignment(picture, better, dark, x + 0.5, y + 0.5, 2);
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

/** How far along the last walk each edge was, in pixels. */
const edges = new Float64Array(3);

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
function walk(picture, x, y, dx, dy, limit, count) {
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
      if (matches >= ALIGNMENT_MATCHES_MIN && score > best) {
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
 * @param {Picture} picture @param {Fit} fit @param {0 | 1} dark @param {number} x @param {number} y
 * @param {number} reach
 */
function observeAlignment(picture, fit, dark, x, y, reach) {
  if (!findAlignment(picture, fit, dark, x, y, reach)) return false;
  const before = seen.count;
  const middle = { ...map(fit.toPicture, x, y) };
  for (const axis of [0, 1]) {
    const next = axis === 0 ? map(fit.toPicture, x + 1, y) : map(fit.toPicture, x, y + 1);
    const module = Math.hypot(next.x - middle.x, next.y - middle.y);
    const [dx, dy] = [(next.x - middle.x) / module, (next.y - middle.y) / module];
    for (const sign of [1, -1]) {
      // What is outside of the pattern is anything: only its two inner edges are sure.
      const count = walk(picture, found.x, found.y, dx * sign, dy * sign, ALIGNMENT * module, 2);
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
function bendOf(picture, fit, dark, version) {
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
    if (walk(picture, found.x, found.y, dx, dy, ALIGNMENT * module, 2) < 2) continue;
    const [near, far] = edges;
    if (walk(picture, found.x, found.y, -dx, -dy, ALIGNMENT * module, 2) < 2) continue;
    const shift = (near + far - edges[0] - edges[1]) / 4;
    found.x += dx * shift;
    found.y += dy * shift;
  }
}
