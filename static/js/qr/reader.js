// @ts-check
/** The texts of the QR codes in a picture: ISO/IEC 18004, versions 1 to 40, at any angle, mirrored and inverted. */

import { findFinders } from "./finders.js";
import { layGrid, moduleTowards, place, refineGrid } from "./grid.js";
import { binarize, createPicture, drawHalf, drawRgba } from "./picture.js";
import { measure, plain, sharpened } from "./sampling.js";
import { readSymbol } from "./symbol.js";
import { VERSION_MAX, sizeOf } from "./versions.js";

/** @import { Finder } from "./finders.js" */
/** @import { Corners, Grid } from "./grid.js" */
/** @import { Picture } from "./picture.js" */

/** Three finder patterns that may belong together are tried at most so often in one picture. */
const TRIES_MAX = 24;
/** In one code seen at an angle the nearest is at most so much larger than the furthest. */
const MODULE_RATIO_MAX = 2.5;
/** How much the two sides may differ, in modules to all modules. */
const SIDES_MAX = 0.25;
/** Below that there is nothing to gain from half the size. */
const HALF_MIN = 200;

/**
 * @typedef {object} Candidate
 * @property {Corners} corners
 * @property {number} size
 * @property {number} score The lower the better.
 */

export function createReader() {
  /** @type {Picture | null} */
  let full = null;
  /** @type {Picture | null} */
  let half = null;

  /**
   * @param {Uint8ClampedArray | Uint8Array} rgba
   * @param {number} width
   * @param {number} height
   * @param {(text: string) => boolean} isWanted With the first of these the search ends.
   * @returns {string[]} In the order in which they were found: one that is wanted is the last.
   */
  return function read(rgba, width, height, isWanted) {
    if (full?.width !== width || full?.height !== height) {
      full = createPicture(width, height);
      half = createPicture(width >> 1, height >> 1);
    }
    drawRgba(full, rgba);
    const texts = readPicture(full, isWanted);
    if (texts.length > 0 || half === null || Math.min(width, height) < HALF_MIN) return texts;
    drawHalf(half, full);
    return readPicture(half, isWanted);
  };
}

/** @param {Picture} picture @param {(text: string) => boolean} isWanted */
function readPicture(picture, isWanted) {
  binarize(picture);
  const finders = findFinders(picture);
  /** @type {Set<Finder>} */
  const used = new Set();
  /** @type {Set<string>} */
  const texts = new Set();
  for (const { corners, size } of candidatesOf(picture, finders).slice(0, TRIES_MAX)) {
    if (corners.some((finder) => used.has(finder))) continue;
    const text = readCode(picture, corners, size);
    if (text === null) continue;
    texts.add(text);
    if (isWanted(text)) break;
    for (const finder of corners) used.add(finder);
  }
  return [...texts];
}

/** @param {Picture} picture @param {Finder[]} finders */
function candidatesOf(picture, finders) {
  /** @type {Candidate[]} */
  const candidates = [];
  for (let one = 0; one < finders.length; one += 1) {
    for (let two = one + 1; two < finders.length; two += 1) {
      if (!isAlike(finders[one], finders[two])) continue;
      for (let three = two + 1; three < finders.length; three += 1) {
        if (!isAlike(finders[one], finders[three]) || !isAlike(finders[two], finders[three])) continue;
        const [a, b, c] = [finders[one], finders[two], finders[three]];
        // Seen at an angle, the first corner need not be opposite the longest side.
        for (const corners of [[a, b, c], [b, a, c], [c, a, b]]) {
          const candidate = candidateOf(picture, /** @type {Corners} */ (corners));
          if (candidate !== null) candidates.push(candidate);
        }
      }
    }
  }
  return candidates.sort((a, b) => a.score - b.score);
}

/** @param {Finder} a @param {Finder} b */
const isAlike = (a, b) =>
  a.dark === b.dark && a.module < MODULE_RATIO_MAX * b.module && b.module < MODULE_RATIO_MAX * a.module;

/** @param {Picture} picture @param {Corners} corners @returns {Candidate | null} */
function candidateOf(picture, [first, a, b]) {
  const turn = (a.x - first.x) * (b.y - first.y) - (a.y - first.y) * (b.x - first.x);
  const lengths = Math.hypot(a.x - first.x, a.y - first.y) * Math.hypot(b.x - first.x, b.y - first.y);
  // Three in a line, or nearly.
  if (Math.abs(turn) < 0.3 * lengths) return null;
  // Clockwise, as it was printed. In a mirror it is the other way round, which is found out later.
  const [right, below] = turn > 0 ? [a, b] : [b, a];
  const across = modulesBetween(picture, first, right);
  const down = modulesBetween(picture, first, below);
  if (across === 0 || down === 0) return null;
  const difference = Math.abs(across - down) / (across + down);
  const size = 7 + (across + down) / 2;
  if (difference > SIDES_MAX || size < sizeOf(1) - 3 || size > sizeOf(VERSION_MAX) + 12) return null;
  return { corners: [first, right, below], size, score: difference + 0.2 * (1 - Math.abs(turn) / lengths) };
}

/**
 * How many modules there are between two finder patterns. Seen at an angle their number follows from the mean
 * of both ends, the geometric one, exactly.
 *
 * @param {Picture} picture @param {Finder} from @param {Finder} to
 */
function modulesBetween(picture, from, to) {
  const there = moduleTowards(picture, from, to);
  const back = there === 0 ? 0 : moduleTowards(picture, to, from);
  return back === 0 ? 0 : Math.hypot(to.x - from.x, to.y - from.y) / Math.sqrt(there * back);
}

/** @param {Picture} picture @param {Corners} corners @param {number} about @returns {string | null} */
function readCode(picture, corners, about) {
  for (const size of sizesOf(picture, corners, about)) {
    for (const withAlignment of size > sizeOf(1) ? [true, false] : [true]) {
      const grid = refineGrid(picture, corners, size, withAlignment);
      const text = grid && readGrid(picture, grid);
      if (text) return text;
    }
  }
  return null;
}

/** The sizes that it may have, the likeliest first. @param {Picture} picture @param {Corners} corners @param {number} about */
function sizesOf(picture, corners, about) {
  const version = Math.round((about - 17) / 4);
  const reach = version < 7 ? 1 : 2 + Math.floor(version / 14);
  const fits = [];
  for (let near = Math.max(version - reach, 1); near <= Math.min(version + reach, VERSION_MAX); near += 1) {
    const laid = layGrid(picture, corners, sizeOf(near));
    if (laid !== null) fits.push({ size: sizeOf(near), timing: laid.timing });
  }
  return fits.sort((a, b) => b.timing - a.timing).slice(0, 2).map(({ size }) => size);
}

/** @param {Picture} picture @param {Grid} grid @returns {string | null} */
function readGrid(picture, grid) {
  const { size } = grid;
  const corner = place(grid, size / 2, size / 2);
  if (!Number.isFinite(corner.x)) return null;
  measure(picture, grid);
  for (const modulesOf of [plain, sharpened]) {
    const modules = modulesOf(size);
    const text = readSymbol(modules);
    if (text !== null) return text;
    turnOver(modules.dark, size);
    turnOver(modules.doubt, size);
    const mirrored = readSymbol(modules);
    if (mirrored !== null) return mirrored;
  }
  return null;
}

/** What a mirror makes of it: across becomes down. @param {Uint8Array} values @param {number} size */
function turnOver(values, size) {
  for (let y = 1; y < size; y += 1) {
    for (let x = 0; x < y; x += 1) {
      const other = values[x * size + y];
      values[x * size + y] = values[y * size + x];
      values[y * size + x] = other;
    }
  }
}
