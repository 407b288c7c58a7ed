// @ts-check
/**
 * The way between a flat code and its picture: eight numbers, fitted to what is seen by least squares.
 *
 * An edge of a pattern says only one thing about a point on it, that it is so far across or so far down the
 * code. From the picture to the code such a thing is a linear equation, so edges can be taken as they come,
 * wherever along them the point was.
 */

const OBSERVATIONS_MAX = 4096;
const UNKNOWNS = 8;
const COLUMNS = UNKNOWNS + 1;
/** An edge that is further from its place, in modules, was another's. */
const OUTLIER_MODULES = 0.4;

/** From the picture to the code: x, y and their divisor, from x, y, 1. @typedef {Float64Array} Matrix */

/**
 * @typedef {object} Observations Edges that were seen in the picture.
 * @property {number} count
 * @property {Float64Array} x
 * @property {Float64Array} y
 * @property {Uint8Array} axis 0 if it says how far across the code it is, 1 if how far down.
 * @property {Float64Array} value How far, in modules.
 */

/** @returns {Observations} */
export const createObservations = () => ({
  count: 0,
  x: new Float64Array(OBSERVATIONS_MAX),
  y: new Float64Array(OBSERVATIONS_MAX),
  axis: new Uint8Array(OBSERVATIONS_MAX),
  value: new Float64Array(OBSERVATIONS_MAX),
});

/** @param {Observations} seen @param {number} x @param {number} y @param {number} axis @param {number} value */
export function observe(seen, x, y, axis, value) {
  if (seen.count === OBSERVATIONS_MAX) return;
  seen.x[seen.count] = x;
  seen.y[seen.count] = y;
  seen.axis[seen.count] = axis;
  seen.value[seen.count] = value;
  seen.count += 1;
}

/** @typedef {{ toCode: Matrix, toPicture: Matrix }} Fit */

/**
 * Fits twice: the second time without what the first put far away.
 *
 * @param {Observations} seen
 * @param {number} size
 * @returns {Fit | null} Null if they do not suffice.
 */
export function fit(seen, size) {
  const first = solve(seen, size, null);
  const second = first && solve(seen, size, first);
  if (!second) return null;
  const toPicture = inverse(second);
  return toPicture && { toCode: second, toPicture };
}

const point = { x: 0, y: 0 };

/** The point is used again by the next call. @param {Matrix} m @param {number} x @param {number} y */
export function map(m, x, y) {
  const divisor = m[6] * x + m[7] * y + m[8];
  point.x = (m[0] * x + m[1] * y + m[2]) / divisor;
  point.y = (m[3] * x + m[4] * y + m[5]) / divisor;
  return point;
}

const rows = new Float64Array(UNKNOWNS * COLUMNS);
const equation = new Float64Array(COLUMNS);

/**
 * @param {Observations} seen
 * @param {number} size
 * @param {Matrix | null} before
 * @returns {Matrix | null}
 */
function solve(seen, size, before) {
  // Both planes are scaled to about one: squares of hundreds beside ones would eat the digits.
  const frame = frameOf(seen);
  const half = size / 2;
  rows.fill(0);
  for (let at = 0; at < seen.count; at += 1) {
    const axis = seen.axis[at];
    if (before !== null) {
      const { x, y } = map(before, seen.x[at], seen.y[at]);
      if (Math.abs((axis === 0 ? x : y) - seen.value[at]) > OUTLIER_MODULES) continue;
    }
    const x = (seen.x[at] - frame.x) / frame.scale;
    const y = (seen.y[at] - frame.y) / frame.scale;
    const value = (seen.value[at] - half) / half;
    equation.fill(0);
    equation[axis * 3] = x;
    equation[axis * 3 + 1] = y;
    equation[axis * 3 + 2] = 1;
    equation[6] = -value * x;
    equation[7] = -value * y;
    equation[8] = value;
    for (let row = 0; row < UNKNOWNS; row += 1) {
      if (equation[row] === 0) continue;
      for (let column = row; column < COLUMNS; column += 1)
        rows[row * COLUMNS + column] += equation[row] * equation[column];
    }
  }
  const found = eliminate();
  if (found === null) return null;
  const [a, b, c, d, e, f, g, h] = found;
  // Out of the scaled planes: first the code's, then the picture's.
  const scaled = [
    half * (a + g), half * (b + h), half * (c + 1),
    half * (d + g), half * (e + h), half * (f + 1),
    g, h, 1,
  ];
  const matrix = new Float64Array(9);
  for (let row = 0; row < 9; row += 3) {
    matrix[row] = scaled[row] / frame.scale;
    matrix[row + 1] = scaled[row + 1] / frame.scale;
    matrix[row + 2] = scaled[row + 2] - matrix[row] * frame.x - matrix[row + 1] * frame.y;
  }
  return matrix;
}

/** @param {Observations} seen */
function frameOf({ count, x, y }) {
  let [left, right, top, bottom] = [x[0], x[0], y[0], y[0]];
  for (let at = 1; at < count; at += 1) {
    left = Math.min(left, x[at]);
    right = Math.max(right, x[at]);
    top = Math.min(top, y[at]);
    bottom = Math.max(bottom, y[at]);
  }
  return { x: (left + right) / 2, y: (top + bottom) / 2, scale: Math.max(right - left, bottom - top, 1) / 2 };
}

/** Gauss, of a symmetric matrix of which the upper half was filled in. @returns {number[] | null} */
function eliminate() {
  for (let row = 1; row < UNKNOWNS; row += 1) {
    for (let column = 0; column < row; column += 1) rows[row * COLUMNS + column] = rows[column * COLUMNS + row];
  }
  for (let pivot = 0; pivot < UNKNOWNS; pivot += 1) {
    // What is symmetric and positive needs no search for a pivot.
    const by = rows[pivot * COLUMNS + pivot];
    if (!(by > 1e-9)) return null;
    for (let row = pivot + 1; row < UNKNOWNS; row += 1) {
      const factor = rows[row * COLUMNS + pivot] / by;
      for (let column = pivot; column < COLUMNS; column += 1)
        rows[row * COLUMNS + column] -= factor * rows[pivot * COLUMNS + column];
    }
  }
  /** @type {number[]} */
  const found = new Array(UNKNOWNS).fill(0);
  for (let row = UNKNOWNS - 1; row >= 0; row -= 1) {
    let value = rows[row * COLUMNS + UNKNOWNS];
    for (let column = row + 1; column < UNKNOWNS; column += 1) value -= rows[row * COLUMNS + column] * found[column];
    found[row] = value / rows[row * COLUMNS + row];
  }
  return found;
}

/** @param {Matrix} m @returns {Matrix | null} */
function inverse(m) {
  const [a, b, c, d, e, f, g, h, i] = m;
  const adjugate = Float64Array.of(
    e * i - f * h, c * h - b * i, b * f - c * e,
    f * g - d * i, a * i - c * g, c * d - a * f,
    d * h - e * g, b * g - a * h, a * e - b * d,
  );
  const determinant = a * adjugate[0] + b * adjugate[3] + c * adjugate[6];
  if (!Number.isFinite(determinant) || determinant === 0) return null;
  return adjugate.map((value) => value / determinant);
}
