// @ts-check
/** From the data of a code to its text: segments of digits, of capitals, of bytes and of kanji. */

const ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

/** Bits of a segment's length, for versions 1 to 9, 10 to 26, 27 to 40. @type {Record<number, number[]>} */
const LENGTH_BITS = { 1: [10, 12, 14], 2: [9, 11, 13], 4: [8, 16, 16], 8: [8, 10, 12] };

const MODE_BITS = 4;
const END = 0;
const NUMERIC = 1;
const ALPHABETIC = 2;
const STRUCTURED_APPEND = 3;
const BYTES = 4;
const FNC1_FIRST = 5;
const ECI = 7;
const KANJI = 8;
const FNC1_SECOND = 9;

/** By number: the character sets that browsers know. Others are read as if none had been named. @type {Record<number, string>} */
const CHARACTER_SETS = {
  1: "iso-8859-1", 3: "iso-8859-1", 4: "iso-8859-2", 5: "iso-8859-3", 6: "iso-8859-4", 7: "iso-8859-5",
  8: "iso-8859-6", 9: "iso-8859-7", 10: "iso-8859-8", 11: "iso-8859-9", 12: "iso-8859-10", 15: "iso-8859-13",
  16: "iso-8859-14", 17: "iso-8859-15", 18: "iso-8859-16", 20: "shift_jis", 21: "windows-1250",
  22: "windows-1251", 23: "windows-1252", 24: "windows-1256", 25: "utf-16be", 26: "utf-8", 27: "iso-8859-1",
  28: "big5", 29: "gb18030", 30: "euc-kr", 170: "iso-8859-1",
};

/**
 * @param {Uint8Array} data
 * @param {number} version
 * @returns {string | null} Null if it does not follow the rules.
 */
export function textOf(data, version) {
  const bits = createBits(data);
  const sizeClass = version < 10 ? 0 : version < 27 ? 1 : 2;
  let text = "";
  /** @type {string | null} */
  let characterSet = null;
  while (bits.left() >= MODE_BITS) {
    const mode = bits.take(MODE_BITS) ?? END;
    if (mode === END) return text;
    if (mode === ECI) {
      const number = takeEci(bits);
      if (number === null) return null;
      characterSet = CHARACTER_SETS[number] ?? null;
    } else if (mode === STRUCTURED_APPEND) {
      // One of several codes with one text among them; what is in this one is given.
      if (bits.take(16) === null) return null;
    } else if (mode === FNC1_SECOND) {
      if (bits.take(8) === null) return null;
    } else if (mode !== FNC1_FIRST) {
      const length = bits.take(LENGTH_BITS[mode]?.[sizeClass] ?? Number.POSITIVE_INFINITY);
      const part = length === null ? null : takeSegment(bits, mode, length, characterSet);
      if (part === null) return null;
      text += part;
    }
  }
  return text;
}

/** @typedef {ReturnType<typeof createBits>} Bits */

/** @param {Uint8Array} data */
function createBits(data) {
  let at = 0;
  const left = () => data.length * 8 - at;
  return {
    left,
    /** @param {number} count At most 16. @returns {number | null} Null if there are not as many. */
    take(count) {
      if (count > left()) return null;
      let value = 0;
      for (const end = at + count; at < end; at += 1) value = (value << 1) | ((data[at >> 3] >> (7 - (at & 7))) & 1);
      return value;
    },
  };
}

/**
 * @param {Bits} bits
 * @param {number} mode
 * @param {number} length
 * @param {string | null} characterSet
 */
function takeSegment(bits, mode, length, characterSet) {
  switch (mode) {
    case NUMERIC:
      return takeDigits(bits, length);
    case ALPHABETIC:
      return takeAlphanumeric(bits, length);
    case BYTES:
      return takeBytes(bits, length, characterSet);
    case KANJI:
      return takeKanji(bits, length);
    default:
      return null;
  }
}

/** @param {Bits} bits @param {number} length */
function takeDigits(bits, length) {
  let text = "";
  while (text.length < length) {
    const digits = Math.min(length - text.length, 3);
    const value = bits.take(digits * 3 + 1);
    if (value === null || value >= 10 ** digits) return null;
    text += String(value).padStart(digits, "0");
  }
  return text;
}

/** @param {Bits} bits @param {number} length */
function takeAlphanumeric(bits, length) {
  let text = "";
  while (text.length < length) {
    const isPair = length - text.length > 1;
    const value = bits.take(isPair ? 11 : 6);
    if (value === null || value >= (isPair ? 45 * 45 : 45)) return null;
    text += isPair ? ALPHANUMERIC[Math.floor(value / 45)] + ALPHANUMERIC[value % 45] : ALPHANUMERIC[value];
  }
  return text;
}

/** @param {Bits} bits @param {number} length @param {string | null} characterSet */
function takeBytes(bits, length, characterSet) {
  const bytes = takeMany(bits, length, 8);
  if (bytes === null) return null;
  const raw = Uint8Array.from(bytes);
  if (characterSet !== null) return new TextDecoder(characterSet).decode(raw);
  try {
    // The standard's own is ISO 8859-1, and nearly all that is printed is UTF-8.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(raw);
  } catch {
    return new TextDecoder("iso-8859-1").decode(raw);
  }
}

/** Two bytes of Shift JIS each, in 13 bits. @param {Bits} bits @param {number} length */
function takeKanji(bits, length) {
  const values = takeMany(bits, length, 13);
  if (values === null) return null;
  const bytes = values.flatMap((value) => {
    const pair = (Math.floor(value / 0xc0) << 8) | (value % 0xc0);
    const code = pair + (pair < 0x1f00 ? 0x8140 : 0xc140);
    return [code >> 8, code & 0xff];
  });
  return new TextDecoder("shift_jis").decode(Uint8Array.from(bytes));
}

/** @param {Bits} bits @param {number} count @param {number} each */
function takeMany(bits, count, each) {
  if (count * each > bits.left()) return null;
  return Array.from({ length: count }, () => bits.take(each) ?? 0);
}

/** A number of one, two or three bytes. @param {Bits} bits @returns {number | null} */
function takeEci(bits) {
  const first = bits.take(8);
  if (first === null || first < 0x80) return first;
  if (first >= 0xe0) return null;
  const isLong = first >= 0xc0;
  const rest = bits.take(isLong ? 16 : 8);
  if (rest === null) return null;
  return isLong ? ((first & 0x1f) << 16) | rest : ((first & 0x3f) << 8) | rest;
}
