// @ts-check
/** What ISO/IEC 18004 lays down for each version (a size, 1 to 40) and level (of error correction). */

export const VERSION_MAX = 40;

/** @typedef {"L" | "M" | "Q" | "H"} Level From 7 % of the code that may be lost to 30 %. */

/** Of each block, by version: table 9. @type {Record<Level, number[]>} */
const PARITY = {
  L: [7, 10, 15, 20, 26, 18, 20, 24, 30, 18, 20, 24, 26, 30, 22, 24, 28, 30, 28, 28, 28, 28, 30, 30, 26, 28, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30],
  M: [10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26, 26, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28],
  Q: [13, 22, 18, 26, 18, 24, 18, 22, 20, 24, 28, 26, 24, 20, 30, 24, 28, 28, 26, 30, 28, 30, 30, 30, 30, 28, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30],
  H: [17, 28, 22, 16, 22, 28, 26, 26, 24, 28, 24, 28, 22, 24, 24, 30, 28, 28, 26, 28, 30, 24, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30],
};

/** How many blocks the codewords are dealt out to. @type {Record<Level, number[]>} */
const BLOCKS = {
  L: [1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4, 4, 6, 6, 6, 6, 7, 8, 8, 9, 9, 10, 12, 12, 12, 13, 14, 15, 16, 17, 18, 19, 19, 20, 21, 22, 24, 25],
  M: [1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16, 17, 17, 18, 20, 21, 23, 25, 26, 28, 29, 31, 33, 35, 37, 38, 40, 43, 45, 47, 49],
  Q: [1, 1, 2, 2, 4, 4, 6, 6, 8, 8, 8, 10, 12, 16, 12, 17, 16, 18, 21, 20, 23, 23, 25, 27, 29, 34, 34, 35, 38, 40, 43, 45, 48, 51, 53, 56, 59, 62, 65, 68],
  H: [1, 1, 2, 4, 4, 4, 5, 6, 8, 8, 11, 11, 16, 16, 18, 16, 19, 21, 25, 25, 25, 34, 30, 32, 35, 37, 40, 42, 45, 48, 51, 54, 57, 60, 63, 66, 70, 74, 77, 81],
};

/** Parity bytes that only detect, in the smallest codes. @type {Record<string, number>} */
const RESERVED = { "1L": 3, "1M": 2, "1Q": 1, "1H": 1, "2L": 2, "3L": 1 };

/** How many modules a side has. @param {number} version */
export const sizeOf = (version) => 17 + 4 * version;

/** @param {number} version @param {Level} level */
export function blocksOf(version, level) {
  return {
    blocks: BLOCKS[level][version - 1],
    parity: PARITY[level][version - 1],
    reserved: RESERVED[`${version}${level}`] ?? 0,
  };
}

/**
 * Where the middles of the alignment patterns are, across and down alike. From the last they go back in even
 * steps as wide as the first leaves them; version 32 is the exception that the standard makes.
 *
 * @param {number} version
 * @returns {number[]}
 */
export function alignmentsOf(version) {
  if (version === 1) return [];
  const gaps = Math.floor(version / 7) + 1;
  const last = sizeOf(version) - 7;
  const step = version === 32 ? 26 : 2 * Math.ceil((last - 6) / gaps / 2);
  return Array.from({ length: gaps + 1 }, (_, at) => (at === 0 ? 6 : last - (gaps - at) * step));
}

/** @type {Map<number, Uint8Array>} */
const known = new Map();

/** Which modules hold no data: 1 for these. @param {number} version @returns {Uint8Array} */
export function reservedModules(version) {
  const before = known.get(version);
  if (before) return before;
  const size = sizeOf(version);
  const reserved = new Uint8Array(size * size);
  /** @param {number} left @param {number} top @param {number} width @param {number} height */
  const mark = (left, top, width, height) => {
    for (let y = top; y < top + height; y += 1) reserved.fill(1, y * size + left, y * size + left + width);
  };
  // Finder patterns with what surrounds them and the format; then the timing patterns.
  mark(0, 0, 9, 9);
  mark(size - 8, 0, 8, 9);
  mark(0, size - 8, 9, 8);
  mark(0, 6, size, 1);
  mark(6, 0, 1, size);
  for (const [x, y] of alignmentCentres(version)) mark(x - 2, y - 2, 5, 5);
  if (version >= 7) {
    mark(size - 11, 0, 3, 6);
    mark(0, size - 11, 6, 3);
  }
  known.set(version, reserved);
  return reserved;
}

/** @param {number} version @returns {[number, number][]} */
export function alignmentCentres(version) {
  const at = alignmentsOf(version);
  const last = at.length - 1;
  /** Where a finder pattern is. @param {number} row @param {number} column */
  const isTaken = (row, column) =>
    (row === 0 && (column === 0 || column === last)) || (row === last && column === 0);
  return at.flatMap((y, row) =>
    at.flatMap((x, column) => (isTaken(row, column) ? [] : [/** @type {[number, number]} */ ([x, y])])),
  );
}
