// @ts-check
/**
 * Finder patterns: a square in a ring. Any line through the middle, at whatever angle, crosses dark, light,
 * dark, light, dark in the ratio 1:1:3:1:1, or in the opposite colours where a code is printed light on dark.
 */

/** @import { Picture } from "./picture.js" */

/**
 * @typedef {object} Finder
 * @property {number} x Of its middle.
 * @property {number} y
 * @property {number} module The side of a module, about: at 45° it is overrated by the half.
 * @property {0 | 1} dark What its modules are called that count as dark: 0 if they are light.
 * @property {number} hits How many rows it was seen in.
 */

/** More than any door holds up at once. What was seen in more rows is kept. */
const FINDERS_MAX = 24;
/** Every other row: what is smaller cannot be read either. */
const ROW_STEP = 2;

/** @param {Picture} picture @returns {Finder[]} The surest first. */
export function findFinders(picture) {
  const { width, height, dark } = picture;
  /** @type {Finder[]} */
  const finders = [];
  for (let y = 1; y < height; y += ROW_STEP) {
    const row = y * width;
    // The last five runs, the newest in e.
    let [a, b, c, d, e] = [0, 0, 0, 0, 0];
    let start = 0;
    let colour = dark[row];
    for (let x = 1; x <= width; x += 1) {
      if (x < width && dark[row + x] === colour) continue;
      a = b;
      b = c;
      c = d;
      d = e;
      e = x - start;
      if (c > b && c > d && a > 0 && isFinderRatio(a, b, c, d, e)) {
        look(picture, finders, x - e - d - c / 2, y, a + b + c + d + e, /** @type {0 | 1} */ (colour));
      }
      start = x;
      colour ^= 1;
    }
  }
  return finders.sort((one, other) => other.hits - one.hits).slice(0, FINDERS_MAX);
}

/**
 * Dark and light are looked at apart: ink runs, and light glares.
 *
 * @param {number} a @param {number} b @param {number} c @param {number} d @param {number} e
 */
function isFinderRatio(a, b, c, d, e) {
  const total = a + b + c + d + e;
  if (total < 7) return false;
  const module = total / 7;
  // Of a module of two pixels either edge may be off by one.
  const slack = 0.8 * module + 0.6;
  return (
    Math.abs(c - 3 * module) < 1.2 * module + 0.8 &&
    Math.abs(a - module) < slack &&
    Math.abs(b - module) < slack &&
    Math.abs(d - module) < slack &&
    Math.abs(e - module) < slack
  );
}

/**
 * Looks from a row's match in the other directions, and notes a finder down if all agree.
 *
 * @param {Picture} picture
 * @param {Finder[]} finders
 * @param {number} middle
 * @param {number} row
 * @param {number} across How long the five runs are together.
 * @param {0 | 1} colour
 */
function look(picture, finders, middle, row, across, colour) {
  for (const finder of finders) {
    const isIn = Math.abs(finder.x - middle) < finder.module * 1.5 && Math.abs(finder.y - row) < finder.module * 1.5;
    if (isIn && finder.dark === colour) {
      finder.hits += 1;
      return;
    }
  }
  let x = Math.floor(middle);
  let y = row;
  // Down, then across again where the middle turned out to be.
  const down = crossing(picture, x, y, 0, 1, across);
  if (down === null) return;
  y = Math.floor(y + down.shift);
  const again = crossing(picture, x, y, 1, 0, across);
  if (again === null || again.length > 2.6 * down.length || down.length > 2.6 * again.length) return;
  x = Math.floor(x + again.shift);
  const once = crossing(picture, x, y, 0, 1, across);
  if (once === null) return;
  if (crossing(picture, x, y, 1, 1, across) === null || crossing(picture, x, y, 1, -1, across) === null) return;
  finders.push({
    x: x + 0.5 + again.shift - Math.floor(again.shift),
    y: y + 0.5 + once.shift,
    module: (again.length + once.length) / 14,
    dark: colour,
    hits: 1,
  });
}

const runs = new Int32Array(6);

/**
 * The five runs along a line through a point of the middle one.
 *
 * @param {Picture} picture
 * @param {number} x
 * @param {number} y
 * @param {number} dx
 * @param {number} dy
 * @param {number} across A length that it may be three times as long as.
 * @returns {{ length: number, shift: number } | null} How long they are, and how far their middle is from the
 *   point.
 */
function crossing(picture, x, y, dx, dy, across) {
  const longest = 3 * across;
  if (!countRuns(picture, x, y, dx, dy, longest, 0) || !countRuns(picture, x, y, -dx, -dy, longest, 3)) return null;
  // The point itself was counted on both ways.
  const middle = runs[0] + runs[3] - 1;
  if (!isFinderRatio(runs[5], runs[4], middle, runs[1], runs[2])) return null;
  return { length: runs[5] + runs[4] + middle + runs[1] + runs[2], shift: (runs[0] - runs[3]) / 2 };
}

/**
 * @param {Picture} picture
 * @param {number} x
 * @param {number} y
 * @param {number} dx
 * @param {number} dy
 * @param {number} longest
 * @param {number} into Where in `runs` the three that are found go.
 */
function countRuns({ width, height, dark }, x, y, dx, dy, longest, into) {
  let colour = dark[y * width + x];
  let atX = x;
  let atY = y;
  let left = longest;
  for (let run = into; run < into + 3; run += 1) {
    let length = 0;
    while (atX >= 0 && atY >= 0 && atX < width && atY < height && dark[atY * width + atX] === colour) {
      length += 1;
      left -= 1;
      if (left < 0) return false;
      atX += dx;
      atY += dy;
    }
    if (length === 0) return false;
    runs[run] = length;
    colour ^= 1;
  }
  return true;
}
