// @ts-check
/** Which modules of a code are dark, by its grid. */

import { place } from "./grid.js";
import { brightnessAt } from "./picture.js";
import { VERSION_MAX, sizeOf } from "./versions.js";

/** @import { Grid } from "./grid.js" */
/** @import { Picture } from "./picture.js" */
/** @import { Modules } from "./symbol.js" */

const MODULES_MAX = sizeOf(VERSION_MAX) ** 2;
/** Around the middle of a module, in modules. */
const POINTS = [-0.2, 0, 0.2];
/** Smaller ones have no room for more than the one in the middle. */
const POINTS_MODULE_MIN = 3;
/** How far around a module others tell what is dark there. */
const NEAR = 4;
/**
 * How much of itself a module shows in a picture out of focus, and how much of each neighbour beside it and at its
 * corner: those of a blur whose standard deviation is 0.6 modules.
 */
const BLUR = { own: 0.354, beside: 0.118, corner: 0.039 };
const BLUR_TURNS = 10;

const values = new Float32Array(MODULES_MAX);
const sharp = new Float32Array(MODULES_MAX);
const next = new Float32Array(MODULES_MAX);
const lowest = new Float32Array(MODULES_MAX);
const highest = new Float32Array(MODULES_MAX);
const dark = new Uint8Array(MODULES_MAX);
const doubt = new Uint8Array(MODULES_MAX);

/**
 * Measures each module: how much brighter it is than the picture around it. `plain` and `sharpened` then say
 * which are dark.
 *
 * @param {Picture} picture
 * @param {Grid} grid
 */
export function measure(picture, grid) {
  const { size } = grid;
  const sign = grid.dark === 1 ? 1 : -1;
  const start = { ...place(grid, size / 2, size / 2) };
  const next = place(grid, size / 2 + 1, size / 2);
  const points = Math.hypot(next.x - start.x, next.y - start.y) < POINTS_MODULE_MIN ? [0] : POINTS;
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      let sum = 0;
      for (const offY of points) {
        for (const offX of points) {
          const point = place(grid, x + 0.5 + offX, y + 0.5 + offY);
          sum += brightnessAt(picture, point.x, point.y);
        }
      }
      values[y * size + x] = (sign * sum) / points.length ** 2;
    }
  }
}

/** As the picture's thresholds say. @param {number} size @returns {Modules} */
export function plain(size) {
  for (let at = 0; at < size * size; at += 1) decide(at, values[at], 0, 64);
  return { size, dark, doubt };
}

/**
 * As the modules around say, with the blur taken out: for pictures out of focus, or in uneven light.
 *
 * @param {number} size
 * @returns {Modules}
 */
export function sharpened(size) {
  spread(size);
  const count = size * size;
  for (let at = 0; at < count; at += 1) {
    const middle = (lowest[at] + highest[at]) / 2;
    const contrast = (highest[at] - lowest[at]) / 2;
    // From here on dark is -1 and light is 1.
    values[at] = contrast > 0 ? (values[at] - middle) / contrast : 0;
    sharp[at] = values[at];
  }
  for (let turn = 0; turn < BLUR_TURNS; turn += 1) unblur(size);
  for (let at = 0; at < count; at += 1) decide(at, sharp[at], 0, 1);
  return { size, dark, doubt };
}

/**
 * Blurs what is thought so far, and moves it by what the picture differs from that. No module is darker than
 * dark: that is what makes more of it than a filter would.
 *
 * @param {number} size
 */
function unblur(size) {
  for (let y = 0; y < size; y += 1) {
    const up = y > 0 ? -size : 0;
    const down = y < size - 1 ? size : 0;
    for (let x = 0; x < size; x += 1) {
      const at = y * size + x;
      const left = x > 0 ? -1 : 0;
      const right = x < size - 1 ? 1 : 0;
      const beside = sharp[at + up] + sharp[at + down] + sharp[at + left] + sharp[at + right];
      const corners =
        sharp[at + up + left] + sharp[at + up + right] + sharp[at + down + left] + sharp[at + down + right];
      const blurred = BLUR.own * sharp[at] + BLUR.beside * beside + BLUR.corner * corners;
      next[at] = Math.max(Math.min(sharp[at] + values[at] - blurred, 1), -1);
    }
  }
  sharp.set(next.subarray(0, size * size));
}

/** @param {number} at @param {number} value @param {number} threshold @param {number} contrast */
function decide(at, value, threshold, contrast) {
  dark[at] = value < threshold ? 1 : 0;
  const sureness = contrast > 0 ? Math.min(Math.abs(value - threshold) / contrast, 1) : 0;
  doubt[at] = Math.round(255 * (1 - sureness));
}

const lowestAcross = new Float32Array(MODULES_MAX);
const highestAcross = new Float32Array(MODULES_MAX);

/** The lowest and the highest around each module: first along its row, then along its column. @param {number} size */
function spread(size) {
  for (let line = 0; line < size; line += 1) spreadLine(values, values, lowestAcross, highestAcross, line * size, 1, size);
  for (let line = 0; line < size; line += 1)
    spreadLine(lowestAcross, highestAcross, lowest, highest, line, size, size);
}

/**
 * @param {Float32Array} low @param {Float32Array} high @param {Float32Array} intoLow @param {Float32Array} intoHigh
 * @param {number} start @param {number} step @param {number} size
 */
function spreadLine(low, high, intoLow, intoHigh, start, step, size) {
  for (let at = 0; at < size; at += 1) {
    let least = Number.POSITIVE_INFINITY;
    let most = Number.NEGATIVE_INFINITY;
    const last = Math.min(at + NEAR, size - 1);
    for (let near = Math.max(at - NEAR, 0); near <= last; near += 1) {
      least = Math.min(least, low[start + near * step]);
      most = Math.max(most, high[start + near * step]);
    }
    intoLow[start + at * step] = least;
    intoHigh[start + at * step] = most;
  }
}
