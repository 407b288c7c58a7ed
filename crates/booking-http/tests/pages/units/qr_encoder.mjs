/**
 * A small encoder of QR codes, for codes of every version and level. It is as plain as the reader is fast, and
 * shares with it only the table of the standard, which the codes of other encoders (`qr_codes.txt`) check.
 */

import { alignmentCentres, blocksOf, sizeOf } from "../../../../../static/js/qr/versions.js";

const MASKS = [
  (x, y) => (x + y) % 2,
  (_, y) => y % 2,
  (x) => x % 3,
  (x, y) => (x + y) % 3,
  (x, y) => ((y >> 1) + Math.floor(x / 3)) % 2,
  (x, y) => ((x * y) % 2) + ((x * y) % 3),
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2,
];
const ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

/** Text as bytes of UTF-8. */
export const bytes = (text) => {
  const data = [...new TextEncoder().encode(text)];
  return { mode: 4, length: data.length, lengthBits: [8, 16, 16], bits: data.map((byte) => [byte, 8]) };
};

export const digits = (text) => ({
  mode: 1,
  length: text.length,
  lengthBits: [10, 12, 14],
  bits: text.match(/\d{1,3}/g).map((part) => [Number(part), part.length * 3 + 1]),
});

export const capitals = (text) => ({
  mode: 2,
  length: text.length,
  lengthBits: [9, 11, 13],
  bits: text.match(/..?/g).map((part) => {
    const [first, second] = [...part].map((one) => ALPHANUMERIC.indexOf(one));
    return second === undefined ? [first, 6] : [first * 45 + second, 11];
  }),
});

/** By the 13 bits of each: those of two bytes of Shift JIS. */
export const kanji = (codes) => ({
  mode: 8,
  length: codes.length,
  lengthBits: [8, 10, 12],
  bits: codes.map((code) => {
    const rest = code - (code < 0xe040 ? 0x8140 : 0xc140);
    return [(rest >> 8) * 0xc0 + (rest & 0xff), 13];
  }),
});

/** Bits that are no segment of text: a mode and its data. */
export const raw = (...bits) => ({ bits });

/** How many bytes of data there are. */
export function capacity(version, level) {
  const { blocks, parity } = blocksOf(version, level);
  return (dataModules(version).length >> 3) - blocks * parity;
}

/**
 * @returns {{ size: number, dark: Uint8Array }} Its modules, row by row.
 */
export function encode(segments, { version, level = "M", mask = 0 }) {
  const size = sizeOf(version);
  const dark = new Uint8Array(size * size);
  const set = (x, y, isDark) => {
    if (x >= 0 && y >= 0 && x < size && y < size) dark[y * size + x] = isDark ? 1 : 0;
  };
  drawPatterns(set, version, size);
  drawWords(set, version, size, level, mask);
  const words = interleaved(dataOf(segments, version, level), version, level);
  dataModules(version).forEach(([x, y], at) => {
    const bit = at >> 3 < words.length ? (words[at >> 3] >> (7 - (at & 7))) & 1 : 0;
    set(x, y, (bit ^ (MASKS[mask](x, y) === 0 ? 1 : 0)) === 1);
  });
  return { size, dark };
}

function dataOf(segments, version, level) {
  const bits = [];
  const put = (value, count) => {
    for (let bit = count - 1; bit >= 0; bit -= 1) bits.push(Math.floor(value / 2 ** bit) % 2);
  };
  for (const { mode, length, lengthBits, bits: parts } of segments) {
    if (mode !== undefined) {
      put(mode, 4);
      put(length, lengthBits[version < 10 ? 0 : version < 27 ? 1 : 2]);
    }
    for (const [value, count] of parts) put(value, count);
  }
  const all = capacity(version, level) * 8;
  if (bits.length > all) throw new Error(`${bits.length} bits are more than ${all}`);
  put(0, Math.min(4, all - bits.length));
  while (bits.length % 8 !== 0) bits.push(0);
  for (let pad = 0xec; bits.length < all; pad ^= 0xec ^ 0x11) put(pad, 8);
  return Array.from({ length: all / 8 }, (_, at) => Number.parseInt(bits.slice(at * 8, at * 8 + 8).join(""), 2));
}

function interleaved(data, version, level) {
  const { blocks, parity } = blocksOf(version, level);
  const short = Math.floor(data.length / blocks);
  const parts = [];
  for (let block = 0, at = 0; block < blocks; block += 1) {
    const length = short + (block >= blocks - (data.length % blocks) ? 1 : 0);
    parts.push(data.slice(at, at + length));
    at += length;
  }
  const woven = (rows, length) =>
    Array.from({ length }, (_, at) => rows.filter((row) => at < row.length).map((row) => row[at])).flat();
  return [...woven(parts, short + 1), ...woven(parts.map((part) => parityOf(part, parity)), parity)];
}

function times(a, b) {
  let product = 0;
  for (let bit = 7; bit >= 0; bit -= 1) {
    product = (product << 1) ^ (product & 0x80 ? 0x11d : 0);
    if ((b >> bit) & 1) product ^= a;
  }
  return product & 0xff;
}

/** The remainder of a division by (x - 1)(x - 2)(x - 4)… */
export function parityOf(data, parity) {
  let generator = [1];
  for (let root = 1, count = 0; count < parity; count += 1, root = times(root, 2)) {
    const shifted = [...generator, 0];
    generator = shifted.map((value, at) => value ^ (at > 0 ? times(generator[at - 1], root) : 0));
  }
  const rest = [...data, ...new Array(parity).fill(0)];
  for (let at = 0; at < data.length; at += 1) {
    const factor = rest[at];
    generator.forEach((value, offset) => {
      rest[at + offset] ^= times(value, factor);
    });
  }
  return rest.slice(data.length);
}

function drawPatterns(set, version, size) {
  for (let at = 8; at < size - 8; at += 1) {
    set(at, 6, at % 2 === 0);
    set(6, at, at % 2 === 0);
  }
  for (const [left, top] of [[0, 0], [size - 7, 0], [0, size - 7]]) {
    for (let y = -1; y <= 7; y += 1) {
      for (let x = -1; x <= 7; x += 1) {
        const ring = Math.max(Math.abs(x - 3), Math.abs(y - 3));
        set(left + x, top + y, ring !== 2 && ring !== 4);
      }
    }
  }
  for (const [x, y] of alignmentCentres(version)) {
    for (let dy = -2; dy <= 2; dy += 1) {
      for (let dx = -2; dx <= 2; dx += 1) set(x + dx, y + dy, Math.max(Math.abs(dx), Math.abs(dy)) !== 1);
    }
  }
}

function coded(word, bits, generator) {
  let rest = word;
  for (let bit = 0; bit < bits; bit += 1) rest = (rest << 1) ^ ((rest >> (bits - 1)) & 1 ? generator : 0);
  return (word << bits) | (rest & (2 ** bits - 1));
}

/** The format and the version, each twice. */
function drawWords(set, version, size, level, mask) {
  const format = coded(("MLHQ".indexOf(level) << 3) | mask, 10, 0x537) ^ 0x5412;
  const isSet = (bit) => (format >> bit) & 1;
  for (let bit = 0; bit < 6; bit += 1) set(8, bit, isSet(bit));
  set(8, 7, isSet(6));
  set(8, 8, isSet(7));
  set(7, 8, isSet(8));
  for (let bit = 9; bit < 15; bit += 1) set(14 - bit, 8, isSet(bit));
  for (let bit = 0; bit < 8; bit += 1) set(size - 1 - bit, 8, isSet(bit));
  for (let bit = 8; bit < 15; bit += 1) set(8, size - 15 + bit, isSet(bit));
  set(8, size - 8, 1);
  if (version < 7) return;
  const word = coded(version, 12, 0x1f25);
  for (let bit = 0; bit < 18; bit += 1) {
    const [long, short] = [size - 11 + (bit % 3), Math.floor(bit / 3)];
    set(long, short, (word >> bit) & 1);
    set(short, long, (word >> bit) & 1);
  }
}

/** Where the data goes, bit by bit. */
function dataModules(version) {
  const size = sizeOf(version);
  const taken = new Set();
  const mark = (x, y) => x < 0 || y < 0 || x >= size || taken.add(y * size + x);
  drawPatterns(mark, version, size);
  drawWords(mark, version, size, "M", 0);
  const modules = [];
  for (let right = size - 1, isUp = true; right > 0; right -= 2, isUp = !isUp) {
    if (right === 6) right = 5;
    for (let step = 0; step < size; step += 1) {
      const y = isUp ? size - 1 - step : step;
      for (const x of [right, right - 1]) if (!taken.has(y * size + x)) modules.push([x, y]);
    }
  }
  return modules;
}
