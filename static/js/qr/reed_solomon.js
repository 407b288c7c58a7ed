// @ts-check
/** Reed-Solomon codes over GF(256) with the polynomial of QR codes, x^8 + x^4 + x^3 + x^2 + 1. */

const POLYNOMIAL = 0x11d;
const PARITY_MAX = 30;

/** Powers of two, twice over: a sum of two logarithms needs no remainder. */
const POWERS = new Uint8Array(510);
const LOGARITHMS = new Uint8Array(256);
for (let exponent = 0, value = 1; exponent < 255; exponent += 1) {
  POWERS[exponent] = value;
  POWERS[exponent + 255] = value;
  LOGARITHMS[value] = exponent;
  value <<= 1;
  if (value > 255) value ^= POLYNOMIAL;
}

/** @param {number} a @param {number} b */
const times = (a, b) => (a === 0 || b === 0 ? 0 : POWERS[LOGARITHMS[a] + LOGARITHMS[b]]);

/** @param {number} a @param {number} b Not zero. */
const over = (a, b) => (a === 0 ? 0 : POWERS[LOGARITHMS[a] + 255 - LOGARITHMS[b]]);

/** 2 to the power of minus this. @param {number} exponent From 0 to 254. */
const inversePower = (exponent) => POWERS[255 - exponent];

// Used again with each block, from the lowest coefficient to the highest.
const syndromes = new Uint8Array(PARITY_MAX);
const locator = new Uint8Array(PARITY_MAX + 1);
const previous = new Uint8Array(PARITY_MAX + 1);
const scratch = new Uint8Array(PARITY_MAX + 1);
const evaluator = new Uint8Array(PARITY_MAX);
const places = new Uint8Array(PARITY_MAX);

/**
 * Corrects a block in place. An error costs two of the parity bytes, an erasure, whose place is known, one.
 *
 * @param {Uint8Array} block The data, then the parity.
 * @param {number} parity How many bytes of it.
 * @param {number} reserved How many of them are not to be spent on corrections, so that they detect.
 * @param {number[]} erasures Places in the block that are doubted.
 * @returns {boolean} Whether it is right now.
 */
export function correct(block, parity, reserved, erasures) {
  if (erasures.length > parity - reserved) return false;
  if (!measure(block, parity)) return true;
  const errors = locate(block.length, parity, erasures);
  const spent = 2 * errors - erasures.length;
  if (errors === 0 || spent > parity - reserved) return false;
  if (!findPlaces(block.length, errors)) return false;
  repair(block, parity, errors);
  return !measure(block, parity);
}

/** The syndromes; whether any of them is not zero. @param {Uint8Array} block @param {number} parity */
function measure(block, parity) {
  let any = 0;
  for (let power = 0; power < parity; power += 1) {
    let sum = 0;
    for (let at = 0; at < block.length; at += 1) sum = (sum === 0 ? 0 : POWERS[LOGARITHMS[sum] + power]) ^ block[at];
    syndromes[power] = sum;
    any |= sum;
  }
  return any !== 0;
}

/**
 * Berlekamp and Massey's algorithm, begun with the erasures.
 *
 * @param {number} length
 * @param {number} parity
 * @param {number[]} erasures
 * @returns {number} How many places are wrong; 0 if they cannot be told.
 */
function locate(length, parity, erasures) {
  locator.fill(0);
  locator[0] = 1;
  for (const [count, place] of erasures.entries()) {
    for (let at = count + 1; at > 0; at -= 1)
      locator[at] ^= times(locator[at - 1], POWERS[length - 1 - place]);
  }
  previous.set(locator);
  let errors = erasures.length;
  for (let step = erasures.length; step < parity; step += 1) {
    let discrepancy = 0;
    for (let at = 0; at <= Math.min(step, errors); at += 1)
      discrepancy ^= times(locator[at], syndromes[step - at]);
    previous.copyWithin(1, 0, PARITY_MAX);
    previous[0] = 0;
    if (discrepancy === 0) continue;
    scratch.set(locator);
    for (let at = 0; at <= PARITY_MAX; at += 1) locator[at] ^= times(discrepancy, previous[at]);
    if (2 * errors > step + erasures.length) continue;
    errors = step + 1 + erasures.length - errors;
    for (let at = 0; at <= PARITY_MAX; at += 1) previous[at] = over(scratch[at], discrepancy);
  }
  let degree = PARITY_MAX;
  while (degree > 0 && locator[degree] === 0) degree -= 1;
  return degree === errors ? errors : 0;
}

/** Chien's search: tries each place. @param {number} length @param {number} errors */
function findPlaces(length, errors) {
  let found = 0;
  for (let exponent = 0; exponent < length; exponent += 1) {
    if (valueAt(locator, errors, inversePower(exponent)) !== 0) continue;
    if (found === errors) return false;
    places[found] = exponent;
    found += 1;
  }
  return found === errors;
}

/** Forney's algorithm: what is wrong at each place. @param {Uint8Array} block @param {number} parity @param {number} errors */
function repair(block, parity, errors) {
  for (let power = 0; power < parity; power += 1) {
    let sum = 0;
    for (let at = 0; at <= Math.min(power, errors); at += 1) sum ^= times(locator[at], syndromes[power - at]);
    evaluator[power] = sum;
  }
  for (let error = 0; error < errors; error += 1) {
    const exponent = places[error];
    const inverse = inversePower(exponent);
    // The derivative has the odd coefficients alone, for 1 + 1 is 0.
    let slope = 0;
    for (let at = 1; at <= errors; at += 2) slope ^= times(locator[at], power(inverse, at - 1));
    if (slope === 0) return;
    const value = over(valueAt(evaluator, parity - 1, inverse), slope);
    block[block.length - 1 - exponent] ^= times(value, POWERS[exponent]);
  }
}

/** @param {number} base Not zero. @param {number} exponent */
const power = (base, exponent) => POWERS[(LOGARITHMS[base] * exponent) % 255];

/** @param {Uint8Array} polynomial @param {number} degree @param {number} x */
function valueAt(polynomial, degree, x) {
  let value = 0;
  for (let at = degree; at >= 0; at -= 1) value = times(value, x) ^ polynomial[at];
  return value;
}
