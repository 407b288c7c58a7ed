import "./setup.mjs";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { createReader } from "../../../../../static/js/qr/reader.js";
import { correct } from "../../../../../static/js/qr/reed_solomon.js";
import { readSymbol } from "../../../../../static/js/qr/symbol.js";
import { VERSION_MAX, sizeOf } from "../../../../../static/js/qr/versions.js";
import { bytes, capacity, capitals, digits, encode, kanji, parityOf, raw } from "./qr_encoder.mjs";
import { picture, pictureOf, randomFrom } from "./qr_pictures.mjs";

const TICKET =
  "Af6BLBLzq0zmAZMsB6WxfD2eTxorPE1ebwGTLAgAAHq8je8BI0VniasAAAACeLig5spv4knHNIShTIiRJqmT-LNdLEPooCJgf_PoVEup05a9thx5IG85jiSOfai7eCxXy5IYqhTPs91yxzzDAQ";
const LEVELS = ["L", "M", "Q", "H"];
/** As the server draws it; and the smallest, which has no alignment pattern. */
const CODES = [
  { text: TICKET, code: encode([bytes(TICKET)], { version: 8, level: "M", mask: 3 }), module: 4 },
  { text: "Hello, QR 1!", code: encode([bytes("Hello, QR 1!")], { version: 1, level: "L", mask: 2 }), module: 6 },
];
const ANGLES = Array.from({ length: 24 }, (_, step) => step * 15);
const lines = readFileSync(new URL("./qr_codes.txt", import.meta.url), "utf8").trim().split("\n");

const read = createReader();
const readAll = ({ pixels, width, height }) => read(pixels, width, height, () => false);
const readDirectly = (code) => readSymbol({ ...code, doubt: new Uint8Array(code.dark.length) });

/** Reads each code in each of these pictures of it. */
function assertRead(hows) {
  for (const { text, code, module } of CODES) {
    const missed = hows.filter((how) => {
      const texts = readAll(picture(code, { width: 320, height: 300, module, ...how }));
      return texts.length !== 1 || texts[0] !== text;
    });
    assert.deepEqual(missed, [], `${text.slice(0, 12)}: ${missed.length} of ${hows.length}`);
  }
}

test("codes of other encoders are read", () => {
  const codes = lines.filter((line) => line.startsWith("code ")).map((line) => line.split(" "));
  assert.deepEqual(new Set(codes.map(([, maker]) => maker)), new Set(["segno", "qrcode"]));
  for (const [, maker, version, level, times, packed, ...text] of codes) {
    const size = sizeOf(Number(version));
    const data = Buffer.from(packed, "base64");
    const dark = Uint8Array.from({ length: size * size }, (_, at) => (data[at >> 3] >> (7 - (at & 7))) & 1);
    const side = 3 * (size + 12);
    const texts = readAll(picture({ size, dark }, { module: 3, width: side, height: side, angle: 2 }));
    assert.deepEqual(texts, [text.join(" ").repeat(Number(times))], `${maker} ${version}-${level}`);
  }
});

test("each version and level holds as much as in another encoder", () => {
  const known = lines.filter((line) => line.startsWith("capacity ")).map((line) => line.split(" ").slice(1).map(Number));
  const ours = known.map(([version]) => [version, ...LEVELS.map((level) => capacity(version, level))]);
  assert.equal(known.length, VERSION_MAX);
  assert.deepEqual(ours, known);
});

test("every version, level and mask is read, full and with a part torn out", () => {
  for (let version = 1; version <= VERSION_MAX; version += 1) {
    for (const [number, level] of LEVELS.entries()) {
      const room = capacity(version, level) - 3;
      const text = TICKET.repeat(Math.ceil(room / TICKET.length)).slice(0, room);
      const code = encode([bytes(text)], { version, level, mask: (version + number) % 8 });
      assert.equal(readDirectly(code), text, `${version}-${level}`);
      // Less than the 7 % that the weakest level makes up for: a square in the middle of the lower right quarter.
      const { size, dark } = code;
      const side = Math.floor(size / 12);
      const start = size - 9 - side;
      for (let y = start; y < start + side; y += 1) dark.fill(1, y * size + start, y * size + start + side);
      assert.equal(readDirectly(code), text, `${version}-${level} torn`);
    }
  }
});

test("blocks are corrected up to the bound, and never beyond it to another text", () => {
  const random = randomFrom(7);
  const below = (count) => Math.floor(random() * count);
  for (let round = 0; round < 400; round += 1) {
    const parity = [7, 10, 13, 17, 22, 30][round % 6];
    const data = Uint8Array.from({ length: 1 + below(120) }, () => below(256));
    const whole = Uint8Array.from([...data, ...parityOf([...data], parity)]);
    const places = Array.from(whole, (_, at) => at).sort(() => random() - 0.5);
    const erased = below(Math.min(parity, whole.length) + 1);
    const errors = Math.min((parity - erased) >> 1, whole.length - erased);
    const block = whole.slice();
    for (const place of places.slice(0, erased + errors)) block[place] ^= 1 + below(255);
    assert.equal(correct(block, parity, 0, places.slice(0, erased)), true, `${erased} erased, ${errors} wrong, ${parity}`);
    assert.deepEqual(block, whole);
    // Reserved bytes of the parity correct nothing.
    for (const place of places.slice(0, (parity >> 1) - 1)) block[place] ^= 1 + below(255);
    assert.equal(correct(block, parity, 4, []), false);
  }
});

test("the version and the format may have three wrong bits", () => {
  const text = "three wrong bits";
  const { size, dark } = encode([bytes(text)], { version: 7, level: "H", mask: 5 });
  const turn = (places) => {
    for (const [x, y] of places) dark[y * size + x] ^= 1;
  };
  turn([[8, 0], [8, 4], [2, 8], [size - 1, 8], [size - 4, 8], [8, size - 3], [size - 11, 0], [size - 9, 3], [0, size - 9], [5, size - 10]]);
  assert.equal(readDirectly({ size, dark }), text);
  turn([[8, 1], [8, 2], [size - 2, 8], [size - 3, 8], [size - 10, 0], [size - 10, 1], [1, size - 10], [2, size - 9]]);
  assert.equal(readDirectly({ size, dark }), null);
});

test("segments of every kind are read, and put together", () => {
  const text = (segments, version = 6) => readDirectly(encode(segments, { version, level: "L" }));
  const utf8 = raw([7, 4], [26, 8]);
  for (const version of [6, 12, 30]) {
    const mixed = [digits("0123456789012"), capitals("ROW 7"), digits("7"), bytes("seat ü"), kanji([0x935f, 0xe4aa]), capitals("A")];
    assert.equal(text(mixed, version), "0123456789012ROW 77seat ü点茗A");
  }
  assert.equal(text([utf8, bytes("grün ✓")]), "grün ✓");
  const latin = { ...bytes("gr.n"), bits: [[0x67, 8], [0x72, 8], [0xfc, 8], [0x6e, 8]] };
  assert.equal(text([latin]), "grün", "no UTF-8");
  assert.equal(text([raw([7, 4], [3, 8]), latin]), "grün");
  assert.equal(text([raw([7, 4], [7, 8]), latin]), "grќn", "ISO 8859-5");
  // Numbers of two and three bytes, and unknown character sets.
  assert.equal(text([raw([7, 4], [0x8383, 16]), bytes("two")]), "two");
  assert.equal(text([raw([7, 4], [0xc1, 8], [0x86a0, 16]), bytes("three")]), "three");
  assert.equal(text([raw([3, 4], [0x01, 8], [0x55, 8]), bytes("one of two")]), "one of two");
  assert.equal(text([raw([5, 4]), bytes("GS1")]), "GS1");
  assert.equal(text([raw([9, 4], [37, 8]), bytes("industry")]), "industry");
  assert.equal(text([]), "");
});

test("segments that break the rules are no text", () => {
  const text = (...bits) => readDirectly(encode([raw(...bits)], { version: 1, level: "L" }));
  assert.equal(text([4, 4], [200, 8]), null, "more bytes than there are");
  assert.equal(text([1, 4], [3, 10], [1000, 10]), null, "a number over 999");
  assert.equal(text([2, 4], [2, 9], [2025, 11]), null, "a pair over 2024");
  assert.equal(text([6, 4]), null, "a mode that is none");
  assert.equal(text([7, 4], [0xff, 8]), null, "a character set's number that is none");
  assert.equal(text([8, 4], [100, 8]), null, "more kanji than there are");
});

test("codes are read at every angle", () => assertRead(ANGLES.map((angle) => ({ angle }))));

test("codes are read from two pixels a module on", () =>
  assertRead([2, 2.5, 3.3].flatMap((module) => [0, 45, 75, 200].map((angle) => ({ module, angle })))));

test("codes are read from as near as they fit in", () =>
  assertRead([0, 20].map((angle) => ({ module: 9, angle, width: 720, height: 640 }))));

test("codes are read when they are tilted", () => {
  const about = (degrees) => ANGLES.filter((angle) => angle % 30 === 0).map((angle, step) => {
    const way = (step * Math.PI) / 5;
    return { angle, tilt: [degrees * Math.cos(way), degrees * Math.sin(way)] };
  });
  assertRead([...about(30), ...about(50)]);
});

test("codes are read out of focus", () =>
  assertRead([1.2, 1.6, 2].flatMap((blur) => [0, 30, 100].map((angle) => ({ module: 4, blur, angle })))));

test("codes are read in the dark, in the shade and through noise", () =>
  assertRead([
    { tones: [18, 44], around: 40 },
    { tones: [14, 40], around: 38, noise: 4, angle: 40 },
    { tones: [190, 250], around: 255, angle: 10 },
    { shade: 0.85, angle: 70 },
    ...[15, 30, 50].map((noise, seed) => ({ noise, seed, angle: 25 * seed })),
    { noise: 10, blur: 1.2, shade: 0.5, tones: [40, 170], tilt: [20, 15], angle: 160 },
  ]));

test("codes are read light on dark, in a mirror and on bent paper", () =>
  assertRead([
    { tones: [220, 30], around: 40 },
    { tones: [220, 30], around: 200, angle: 33 },
    { mirrored: true },
    { mirrored: true, angle: 75, tilt: [20, 0] },
    { bend: 1, angle: 15 },
  ]));

test("a ticket is read through a stain, a glare and a crease", () => {
  const [{ text, code, module }] = CODES;
  for (const stains of [[[20, 20, 6, 255]], [[22, 14, 7, 0]], [[38, 38, 6, 128]], [[14, 40, 4, 0], [30, 20, 4, 255]]]) {
    for (const angle of [0, 130]) {
      const texts = readAll(picture(code, { width: 320, height: 300, module, stains, angle }));
      assert.deepEqual(texts, [text], JSON.stringify(stains));
    }
  }
});

test("of several codes all are read, up to the wanted one", () => {
  const others = ["one", "two", "three"].map((text) => encode([bytes(text)], { version: 2, level: "M" }));
  const codes = [
    { code: others[0], x: 100, y: 100, angle: 10 },
    { code: others[1], x: 520, y: 100, angle: 80 },
    { code: others[2], x: 100, y: 380, tones: [220, 30] },
    { code: CODES[0].code, x: 440, y: 320, angle: 200 },
  ];
  const { pixels, width, height } = pictureOf(codes, { width: 640, height: 480 });
  assert.deepEqual(read(pixels, width, height, () => false).sort(), [TICKET, "one", "three", "two"]);
  const texts = read(pixels, width, height, (text) => text === TICKET);
  assert.equal(texts.at(-1), TICKET);
});

test("a picture without a code is not read as one", () => {
  const [width, height] = [320, 240];
  const random = randomFrom(11);
  const pictures = {
    noise: () => Uint8ClampedArray.from({ length: width * height * 4 }, () => random() * 256),
    grain: () => Uint8ClampedArray.from({ length: width * height * 4 }, (_, at) => ((at >> 4) % 3 === 0 ? 0 : 255) * random()),
    stripes: () => Uint8ClampedArray.from({ length: width * height * 4 }, (_, at) => ((at >> 4) & 1) * 255),
    rings: () => Uint8ClampedArray.from({ length: width * height * 4 }, (_, at) => {
      const [x, y] = [((at >> 2) % width) - 160, Math.floor((at >> 2) / width) - 120];
      return Math.max(Math.abs(x), Math.abs(y)) & 8 ? 0 : 255;
    }),
    flat: () => new Uint8ClampedArray(width * height * 4).fill(120),
  };
  for (const [name, draw] of Object.entries(pictures))
    for (let round = 0; round < 5; round += 1) assert.deepEqual(readAll({ pixels: draw(), width, height }), [], name);
});

test("a code whose data is random is not read", () => {
  for (let seed = 1; seed <= 30; seed += 1) {
    const random = randomFrom(seed);
    const version = 1 + (seed % 10);
    const code = encode([], { version, level: LEVELS[seed % 4], mask: seed % 8 });
    // All but the patterns by which a code is recognized.
    for (let y = 9; y < code.size; y += 1)
      for (let x = 9; x < code.size; x += 1) code.dark[y * code.size + x] = random() < 0.5 ? 1 : 0;
    assert.deepEqual(readAll(picture(code, { width: 260, height: 260, module: 3 })), [], `seed ${seed}`);
  }
});

test("half a code is none", () => {
  const [{ code, module }] = CODES;
  for (const how of [{ x: 10 }, { y: 320 }, { stains: [[0, 0, 20, 255]] }, { stains: [[8, 8, 33, 128]] }])
    assert.deepEqual(readAll(picture(code, { width: 320, height: 300, module, ...how })), []);
});

test("the worker answers each picture with its codes", async (context) => {
  const heard = [];
  const answers = [];
  globalThis.self = { addEventListener: (_, hear) => heard.push(hear), postMessage: (answer) => answers.push(answer) };
  context.after(() => delete globalThis.self);
  await import("../../../../../static/js/qr/worker.js");
  const { pixels, width, height } = picture(CODES[0].code, { width: 320, height: 300, angle: 5 });
  heard[0]({ data: { pixels: pixels.buffer, width, height } });
  heard[0]({ data: { pixels: new ArrayBuffer(40 * 30 * 4), width: 40, height: 30 } });
  assert.deepEqual(answers, [{ texts: [TICKET] }, { texts: [] }]);
});
