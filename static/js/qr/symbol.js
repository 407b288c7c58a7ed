// @ts-check
/** From the modules of a code to its text: format, mask, codewords, blocks, correction. */

import { correct } from "./reed_solomon.js";
import { textOf } from "./segments.js";
import { VERSION_MAX, blocksOf, reservedModules, sizeOf } from "./versions.js";

/** @import { Level } from "./versions.js" */

/**
 * @typedef {object} Modules
 * @property {number} size How many a side has.
 * @property {Uint8Array} dark 1 or 0 for each, row by row.
 * @property {Uint8Array} doubt For each, how unsure that is: 0 is sure.
 */

/** By their two bits. @type {Level[]} */
const LEVELS = ["M", "L", "H", "Q"];
/** With it no format is all light. */
const FORMAT_MASK = 0x5412;
const FORMAT_GENERATOR = 0x537;
const VERSION_GENERATOR = 0x1f25;
/** Both codes can tell as many wrong bits. */
const WRONG_BITS_MAX = 3;
const VERSION_CODED_MIN = 7;

/** By mask: whether a module is turned over. @type {((x: number, y: number) => boolean)[]} */
const MASKS = [
  (x, y) => (x + y) % 2 === 0,
  (_, y) => y % 2 === 0,
  (x) => x % 3 === 0,
  (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(y / 2) + Math.floor(x / 3)) % 2 === 0,
  (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
];

/** A word and the remainder by which it is told from others. @param {number} word @param {number} generator */
function encoded(word, generator) {
  const bits = 31 - Math.clz32(generator);
  let rest = word << bits;
  while (rest !== 0 && Math.clz32(rest) <= Math.clz32(generator)) rest ^= generator << (Math.clz32(generator) - Math.clz32(rest));
  return (word << bits) | rest;
}

const FORMATS = Array.from({ length: 32 }, (_, word) => encoded(word, FORMAT_GENERATOR) ^ FORMAT_MASK);
const VERSIONS = Array.from({ length: VERSION_MAX + 1 }, (_, version) => encoded(version, VERSION_GENERATOR));

/** @param {Modules} modules @returns {string | null} */
export function readSymbol(modules) {
  const version = (modules.size - 17) / 4;
  // What says of itself that it is another version was laid over with the wrong grid.
  if (version >= VERSION_CODED_MIN && readVersion(modules) !== version) return null;
  const format = readFormat(modules);
  if (format === null) return null;
  const { level, mask } = format;
  const raw = readCodewords(modules, version, MASKS[mask]);
  const data = correctBlocks(raw, version, level);
  return data && textOf(data, version);
}

/**
 * The version that a code says it is, if it is large enough to say it.
 *
 * @param {Modules} modules
 * @returns {number | null}
 */
function readVersion({ size, dark }) {
  let upper = 0;
  let lower = 0;
  for (let bit = 17; bit >= 0; bit -= 1) {
    const short = Math.floor(bit / 3);
    const long = size - 11 + (bit % 3);
    upper = (upper << 1) | dark[short * size + long];
    lower = (lower << 1) | dark[long * size + short];
  }
  return nearest(VERSIONS, VERSION_CODED_MIN, [upper, lower]);
}

/** @param {Modules} modules @returns {{ level: Level, mask: number } | null} */
function readFormat({ size, dark }) {
  let around = 0;
  let split = 0;
  for (let bit = 14; bit >= 0; bit -= 1) {
    // Around the first finder pattern, over the timing patterns; and beside the two others.
    const [x, y] = bit < 8 ? [8, bit < 6 ? bit : bit + 1] : [bit === 8 ? 7 : 14 - bit, 8];
    around = (around << 1) | dark[y * size + x];
    const [otherX, otherY] = bit < 8 ? [size - 1 - bit, 8] : [8, size - 15 + bit];
    split = (split << 1) | dark[otherY * size + otherX];
  }
  const word = nearest(FORMATS, 0, [around, split]);
  return word === null ? null : { level: LEVELS[word >> 3], mask: word & 7 };
}

/**
 * Which of these words was meant. Of two copies the better one counts.
 *
 * @param {number[]} words
 * @param {number} first
 * @param {number[]} copies
 * @returns {number | null}
 */
function nearest(words, first, copies) {
  let best = null;
  let least = WRONG_BITS_MAX + 1;
  for (let word = first; word < words.length; word += 1) {
    for (const copy of copies) {
      const wrong = bitsOf(words[word] ^ copy);
      if (wrong < least) {
        least = wrong;
        best = word;
      }
    }
  }
  return best;
}

/** @param {number} word */
function bitsOf(word) {
  let count = 0;
  for (let rest = word; rest !== 0; rest &= rest - 1) count += 1;
  return count;
}

/**
 * In columns of two from the right, up and down in turns.
 *
 * @param {Modules} modules
 * @param {number} version
 * @param {(x: number, y: number) => boolean} isTurned
 */
function readCodewords({ size, dark, doubt }, version, isTurned) {
  const reserved = reservedModules(version);
  const count = codewordsOf(version);
  const words = new Uint8Array(count);
  const doubts = new Uint8Array(count);
  let bit = 0;
  let isUp = true;
  for (let right = size - 1; right > 0; right -= 2) {
    // The column of the timing pattern is left out.
    if (right === 6) right = 5;
    for (let step = 0; step < size; step += 1) {
      /** @type {number} */
      const y = isUp ? size - 1 - step : step;
      for (let x = right; x >= right - 1; x -= 1) {
        const at = y * size + x;
        if (reserved[at] === 1 || bit >= count * 8) continue;
        const value = dark[at] ^ (isTurned(x, y) ? 1 : 0);
        words[bit >> 3] |= value << (7 - (bit & 7));
        doubts[bit >> 3] = Math.max(doubts[bit >> 3], doubt[at]);
        bit += 1;
      }
    }
    isUp = !isUp;
  }
  return { words, doubts };
}

/** @param {number} version */
function codewordsOf(version) {
  const size = sizeOf(version);
  const taken = reservedModules(version).reduce((sum, module) => sum + module, 0);
  return (size * size - taken) >> 3;
}

/**
 * Deals the codewords back to their blocks and mends each.
 *
 * @param {{ words: Uint8Array, doubts: Uint8Array }} raw
 * @param {number} version
 * @param {Level} level
 * @returns {Uint8Array | null} The data, if every block is right.
 */
function correctBlocks({ words, doubts }, version, level) {
  const { blocks, parity, reserved } = blocksOf(version, level);
  const short = Math.floor(words.length / blocks);
  // The last ones have one more byte of data.
  const longer = words.length % blocks;
  const shortData = short - parity;
  const data = new Uint8Array(words.length - blocks * parity);
  let filled = 0;
  for (let number = 0; number < blocks; number += 1) {
    const isLong = number >= blocks - longer;
    const dataLength = shortData + (isLong ? 1 : 0);
    const places = Array.from({ length: dataLength + parity }, (_, at) => {
      if (at < shortData) return at * blocks + number;
      if (at < dataLength) return shortData * blocks + number - (blocks - longer);
      return data.length + (at - dataLength) * blocks + number;
    });
    const block = correctBlock(words, doubts, places, parity, reserved);
    if (block === null) return null;
    data.set(block.subarray(0, dataLength), filled);
    filled += dataLength;
  }
  return data;
}

/**
 * First as if every byte were to be trusted; then without those that are doubted most. Half of the parity
 * still has to agree, or anything at all would come out right.
 *
 * @param {Uint8Array} words
 * @param {Uint8Array} doubts
 * @param {number[]} places
 * @param {number} parity
 * @param {number} reserved
 */
function correctBlock(words, doubts, places, parity, reserved) {
  const block = Uint8Array.from(places, (place) => words[place]);
  if (correct(block, parity, reserved, [])) return block;
  const doubted = places
    .map((place, at) => ({ at, doubt: doubts[place] }))
    .filter(({ doubt }) => doubt > 0)
    .sort((a, b) => b.doubt - a.doubt);
  for (const share of [4, 2]) {
    const erasures = doubted.slice(0, Math.floor((parity - reserved) / share)).map(({ at }) => at);
    for (const [at, place] of places.entries()) block[at] = words[place];
    if (erasures.length > 0 && correct(block, parity, reserved, erasures)) return block;
  }
  return null;
}
