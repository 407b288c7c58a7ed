import "./setup.mjs";
import { FakeElement, startPage } from "./elements.mjs";
import assert from "node:assert/strict";
import test from "node:test";
import { createCamera } from "../../../../../static/js/check_in/camera.js";
import { openReader } from "../../../../../static/js/check_in/readers.js";
import { listenForScanner } from "../../../../../static/js/check_in/scanner_keys.js";
import { createSightings } from "../../../../../static/js/check_in/sightings.js";

const TICKET =
  "Af6BLBLzq0zmAZMsB6WxfD2eTxorPE1ebwGTLAgAAHq8je8BI0VniasAAAACeLig5spv4knHNIShTIiRJqmT-LNdLEPooCJgf_PoVEup05a9thx5IG85jiSOfai7eCxXy5IYqhTPs91yxzzDAQ";
const settled = () => new Promise((resolve) => setImmediate(resolve));

test("a code held before the camera is one scan", () => {
  const sightings = createSightings();
  assert.equal(sightings([TICKET], 0), TICKET);
  for (let now = 150; now < 9_000; now += 150) assert.equal(sightings([TICKET], now), null);
  assert.equal(sightings([], 9_000), null);
  assert.equal(sightings([TICKET], 11_000), null, "out of sight for a moment");
  assert.equal(sightings([TICKET], 14_000), TICKET);
});

test("a ticket goes before the poster behind it, and the poster does not come back after it", () => {
  const sightings = createSightings();
  assert.equal(sightings(["https://example.org", TICKET], 0), TICKET);
  const other = `${TICKET.slice(0, -1)}g`;
  assert.equal(sightings([TICKET, other], 150), other, "two at once, one after the other");
  assert.equal(sightings(["https://example.org"], 300), "https://example.org");
  for (let now = 450; now < 6_000; now += 150) assert.equal(sightings(["https://example.org"], now), null);
  assert.equal(sightings(["https://example.org", TICKET], 6_000), TICKET);
  assert.equal(sightings(["https://example.org"], 6_150), null);
});

/** A field in a page, and a keyboard: each key so many ms after the one before. */
function startKeyboard(context) {
  const page = startPage(context);
  globalThis.Element = FakeElement;
  context.after(() => delete globalThis.Element);
  const leave = new AbortController();
  const input = Object.assign(new FakeElement("input"), { value: "" });
  const ends = [];
  listenForScanner(input, leave.signal, () => ends.push(input.value));
  let now = 1_000;
  const press = (key, { target = input, gap = 5, ...more } = {}) => {
    now += gap;
    const event = new Event("keydown", { cancelable: true });
    for (const [name, value] of Object.entries({ key, target, timeStamp: now, ...more })) Object.defineProperty(event, name, { value });
    page.dispatchEvent(event);
    if (key.length === 1) input.value += key;
    return event.defaultPrevented;
  };
  const type = (text, how) => {
    for (const key of text) press(key, how);
  };
  return { input, ends, press, type, leave };
}

test("Tab ends a scanner's input, and moves the focus of a person who types", (context) => {
  const { input, ends, press, type, leave } = startKeyboard(context);
  type(TICKET);
  assert.equal(press("Tab"), true);
  assert.deepEqual(ends, [TICKET]);
  input.value = "";
  assert.equal(press("Tab"), false, "nothing was scanned since");
  type("ABCDEFGHIJKLMN", { gap: 100 });
  assert.equal(press("Tab"), false, "by hand");
  input.value = "";
  type("ABC", { gap: 400 });
  assert.equal(press("Tab"), false, "too short");
  input.value = "";
  type(TICKET, { gap: 2 });
  assert.equal(press("Tab", { shiftKey: true }), false, "back");
  assert.equal(press("Tab", { gap: 2_000 }), false, "long after");
  // A busy machine holds one key up, and the code is one all the same.
  input.value = "";
  press("A", { gap: 1_000 });
  type("f6BLBLzq0zmAZMsB6WxfD2eTxorPE1ebwGT");
  press("L", { gap: 250 });
  assert.equal(press("Tab"), true);
  leave.abort();
  type(TICKET);
  assert.equal(press("Tab"), false);
});

test("a scan goes to its field, wherever the focus was", (context) => {
  const { input, press } = startKeyboard(context);
  const button = new FakeElement("button");
  press("A", { target: button });
  assert.equal(input.focused, 1);
  press(" ", { target: button });
  press("Enter", { target: button });
  press("c", { target: button, ctrlKey: true });
  press("a", { target: new FakeElement("textarea") });
  press("b");
  assert.equal(input.focused, 1);
});

/** A browser with a camera and without a detector; its worker gives the set answers. */
function startBrowser(context, { answer = () => ({ texts: [] }), detector } = {}) {
  const page = startPage(context);
  const { createElement } = page;
  const video = { videoWidth: 2560, videoHeight: 1440, play: async () => {} };
  const drawn = [];
  const canvas = {
    getContext: () => ({
      drawImage: (...picture) => drawn.push(picture.slice(1)),
      getImageData: (_x, _y, width, height) => ({ data: new Uint8ClampedArray(width * height * 4) }),
    }),
  };
  page.createElement = (tag) => Object.assign(createElement(tag), tag === "video" ? video : tag === "canvas" ? canvas : {});
  const workers = [];
  globalThis.Worker = class extends EventTarget {
    constructor(url, options) {
      super();
      Object.assign(this, { url, options, questions: [], isOver: false });
      workers.push(this);
    }
    postMessage(question) {
      this.questions.push(question);
      queueMicrotask(() => this.dispatchEvent(answer(question) instanceof Error ? new Event("error") : Object.assign(new Event("message"), { data: answer(question) })));
    }
    terminate() {
      this.isOver = true;
    }
  };
  const tracks = [{ stopped: 0, stop: () => (tracks[0].stopped += 1) }];
  const mediaDevices = { getUserMedia: async () => ({ getTracks: () => tracks }) };
  Object.defineProperty(globalThis, "navigator", { value: { mediaDevices }, configurable: true });
  if (detector) globalThis.BarcodeDetector = detector;
  context.after(() => {
    delete globalThis.Worker;
    delete globalThis.BarcodeDetector;
  });
  return { video, drawn, workers, tracks, mediaDevices };
}

test("a browser without a detector of its own gets ours, in a worker", async (context) => {
  const { video, drawn, workers } = startBrowser(context, { answer: () => ({ texts: [TICKET] }) });
  const reader = await openReader();
  assert.equal(workers.length, 1);
  assert.match(workers[0].url.href, /\/js\/qr\/worker\.js$/);
  assert.deepEqual(workers[0].options, { type: "module" });
  assert.deepEqual(await reader.read(video), [TICKET]);
  assert.deepEqual(drawn, [[0, 0, 1280, 720]]);
  assert.deepEqual([workers[0].questions[0].width, workers[0].questions[0].pixels.byteLength], [1280, 1280 * 720 * 4]);
  assert.deepEqual(await reader.read({ videoWidth: 0, videoHeight: 0 }), [], "the camera has not begun");
  reader.close();
  assert.equal(workers[0].isOver, true);
});

test("a detector that knows QR codes is used, and another is not", async (context) => {
  let formats = ["qr_code"];
  class Detector {
    static getSupportedFormats = async () => formats;
    detect = async () => [{ rawValue: TICKET }];
  }
  const { video, workers } = startBrowser(context, { detector: Detector });
  assert.deepEqual(await (await openReader()).read(video), [TICKET]);
  assert.equal(workers.length, 0);
  formats = ["ean_13"];
  await openReader();
  assert.equal(workers.length, 1);
});

const partOf = (camera, id) => camera.node.querySelector(`[data-testid=${id}]`);

test("the camera reports each code once, until it is stopped", async (context) => {
  const { workers, tracks } = startBrowser(context, { answer: () => ({ texts: ["a poster", TICKET] }) });
  let next = () => {};
  context.mock.method(globalThis, "setTimeout", (look) => (next = look));
  const leave = new AbortController();
  const texts = [];
  const camera = createCamera(leave.signal, (text) => texts.push(text));
  const button = partOf(camera, "door-camera");
  assert.equal(workers.length, 0, "nothing is loaded before it is needed");
  button.click();
  for (let look = 0; look < 5; look += 1) {
    await settled();
    next();
  }
  assert.deepEqual(texts, [TICKET]);
  assert.equal(button.textContent, "Stop the camera");
  button.click();
  assert.deepEqual([button.textContent, tracks[0].stopped, workers[0].isOver], ["Use the camera", 1, true]);
  button.click();
  await settled();
  leave.abort();
  assert.deepEqual([tracks[0].stopped, workers[1].isOver], [2, true]);
});

test("the reason for a missing camera is shown", async (context) => {
  const { mediaDevices, tracks } = startBrowser(context, { answer: () => new Error("not found") });
  const leave = new AbortController();
  context.after(() => leave.abort());
  const camera = createCamera(leave.signal, () => {});
  const told = async () => {
    partOf(camera, "door-camera").click();
    await settled();
    await settled();
    return partOf(camera, "door-camera-error").textContent;
  };
  assert.match(await told(), /reader of codes could not be loaded/);
  assert.equal(tracks[0].stopped, 1);
  mediaDevices.getUserMedia = async () => Promise.reject(new Error("denied"));
  assert.match(await told(), /camera could not be used/);
  Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true });
  const without = createCamera(leave.signal, () => {});
  assert.equal(partOf(without, "door-camera").hidden, true);
  assert.match(without.node.children.at(-1).textContent, /HTTPS/);
});
