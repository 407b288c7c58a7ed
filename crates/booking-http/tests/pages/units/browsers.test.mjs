import { answer, catalogue, serve, storage } from "./setup.mjs";
import { FakeElement, startPage } from "./elements.mjs";
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import test from "node:test";
import { anySignal, timeoutSignal } from "../../../../../static/js/abort.js";
import { createCamera } from "../../../../../static/js/check_in/camera.js";
import { openStore } from "../../../../../static/js/check_in/store.js";
import { connectionBad, connectionGood, connectionReset } from "../../../../../static/js/connection.js";
import { explainRead } from "../../../../../static/js/explain.js";
import { ConnectionError, ProblemError, read } from "../../../../../static/js/http.js";
import { chosenLanguage, language, rememberLanguage, useLanguage } from "../../../../../static/js/language.js";
import { lastIndexWhere, lastOf, lastWhere } from "../../../../../static/js/lists.js";
import { loadWords } from "../../../../../static/js/load_words.js";
import { submitForm } from "../../../../../static/js/submit_form.js";
import { showsNothing, trimmedCode } from "../../../../../static/js/text.js";
import { momentsOf, zones } from "../../../../../static/js/time_zones.js";
import { createEventForm } from "../../../../../static/js/views/event_form.js";
import { showLoadError } from "../../../../../static/js/views/load_error.js";
import { t, useWords } from "../../../../../static/js/words.js";

/** Takes built-ins away for as long as the test runs, as in a browser that does not have them yet. */
function without(context, ...builtIns) {
  for (const [owner, name] of builtIns) {
    const known = Object.getOwnPropertyDescriptor(owner, name);
    if (known === undefined) continue;
    delete owner[name];
    context.after(() => Object.defineProperty(owner, name, known));
  }
}

const SIGNALS = [
  [AbortSignal, "any"],
  [AbortSignal, "timeout"],
];
const ARRAYS = ["at", "findLast", "findLastIndex", "toSorted", "toReversed", "toSpliced", "with"].map((name) => [Array.prototype, name]);

test("no browser without :has() prints or hides anything else than the others", () => {
  const folder = new URL("../../../../../static/css/", import.meta.url);
  const styles = readdirSync(folder).map((name) => readFileSync(new URL(name, folder), "utf8"));
  const selectors = styles.flatMap((text) => text.replaceAll(/\/\*[\s\S]*?\*\//g, "").match(/[^{};]*:has\([^{]*(?=\{)/g) ?? []);
  // Reserved space, a focus ring that has a fallback, and the space below the bar at the foot of a phone.
  const known = [".nav__place:has(> [hidden])", ".card:has(a:focus-visible)", "@supports not selector(:has(a))", "body:has(.event-bar:not([hidden]))"];
  assert.deepEqual(selectors.map((selector) => selector.trim()).sort(), known.sort());
});

for (const isOld of [false, true]) {
  const browser = isOld ? "an older browser" : "a newer browser";

  test(`one signal stands for several in ${browser}`, (context) => {
    if (isOld) without(context, ...SIGNALS);
    const [first, second] = [new AbortController(), new AbortController()];
    const either = anySignal(first.signal, second.signal);
    assert.equal(either.aborted, false);
    second.abort("the second");
    first.abort("the first");
    assert.deepEqual([either.aborted, either.reason], [true, "the second"]);
    assert.equal(anySignal(new AbortController().signal, first.signal).reason, "the first");
  });

  test(`a timeout aborts in ${browser}`, async (context) => {
    if (isOld) without(context, ...SIGNALS);
    const signal = timeoutSignal(5);
    assert.equal(signal.aborted, false);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual([signal.aborted, signal.reason.name], [true, "TimeoutError"]);
  });

  test(`a request reaches the server in ${browser}`, async (context) => {
    if (isOld) without(context, ...SIGNALS, [globalThis, "structuredClone"]);
    const asked = serve(context, answer(200, { id: "1" }));
    const controller = new AbortController();
    assert.deepEqual((await read("/events/1", { signal: controller.signal })).body, { id: "1" });
    controller.abort();
    assert.equal(asked[0].signal.aborted, true, "who leaves the view calls it off");
  });

  test(`the last of a list is found in ${browser}`, (context) => {
    if (isOld) without(context, ...ARRAYS);
    const list = [1, 2, 3, 4];
    assert.equal(lastOf(list), 4);
    assert.equal(lastOf([]), undefined);
    assert.deepEqual([lastIndexWhere(list, (one) => one < 3), lastWhere(list, (one) => one < 3)], [1, 2]);
    assert.deepEqual([lastIndexWhere(list, () => false), lastWhere(list, () => false)], [-1, undefined]);
    assert.equal(trimmedCode(" \u200babc\u200b "), "abc");
    assert.equal(showsNothing("\u200b"), true);
  });

  test(`there are zones to choose from in ${browser}, and the form for an event is there`, (context) => {
    if (isOld) without(context, [Intl, "supportedValuesOf"]);
    const known = zones();
    for (const zone of ["UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo"]) assert.ok(known.includes(zone), zone);
    assert.equal(new Set(known).size, known.length);
    for (const zone of known) assert.equal(momentsOf("2026-07-01T12:00", zone).kind, "one", zone);
    startPage(context);
    assert.ok(createEventForm().node.querySelectorAll("option").length > 30);
  });

  test(`a lost request is retried once in ${browser}`, async (context) => {
    startPage(context);
    const [form, button] = [new FakeElement("form"), new FakeElement("button")];
    form.append(button);
    let asked = 0;
    const ask = () => {
      asked += 1;
    };
    if (!isOld) form.requestSubmit = ask;
    button.addEventListener("click", ask);
    const shown = [];
    const area = { clear() {}, wait() {}, show: (_outcome, details) => shown.push(details) };
    const { signal } = new AbortController();
    const { resume } = submitForm({ form, button, busy: "", area, signal, nothing: "", send: () => null, onSent() {} });
    resume(button);
    shown[0].onRetry();
    assert.equal(asked, 1);
  });
}

test("a browser without a detector, or with a broken one, is offered the camera all the same", async (context) => {
  startPage(context);
  const broken = { getSupportedFormats: () => Promise.reject(new Error("no service")) };
  const { signal } = new AbortController();
  const { navigator } = globalThis;
  context.after(() => Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true }));
  Object.defineProperty(globalThis, "navigator", { value: { mediaDevices: { getUserMedia() {} } }, configurable: true });
  for (const detector of [undefined, broken]) {
    globalThis.BarcodeDetector = detector;
    context.after(() => delete globalThis.BarcodeDetector);
    const [button] = createCamera(signal, () => {}).node.querySelectorAll("button");
    assert.equal(button.hidden, false);
  }
});

test("the chosen language lasts as long as the page where storage is forbidden", (context) => {
  globalThis.localStorage = storage({ isForbidden: true });
  context.after(() => delete globalThis.localStorage);
  assert.equal(chosenLanguage().language, "en");
  rememberLanguage("de");
  assert.equal(chosenLanguage().language, "de");
});

test("scans stay in memory where a browser's database is missing, or throws", async (context) => {
  context.after(() => delete globalThis.indexedDB);
  const throwing = {
    open() {
      throw new Error("SecurityError");
    },
  };
  for (const database of [undefined, throwing]) {
    globalThis.indexedDB = database;
    assert.equal((await openStore()).isDurable, false);
  }
});

test("texts come in the requested language, and in English if they cannot be loaded", async (context) => {
  const english = { "page.failed": "Failed." };
  context.after(() => {
    useWords(catalogue("en"));
    useLanguage({ language: "en", locale: "en" });
  });
  const asked = serve(context, answer(200, { "page.failed": "Kaputt." }), new TypeError("no network"), answer(200, english));
  await loadWords({ language: "de", locale: "de-AT" });
  assert.deepEqual([t("page.failed"), language()], ["Kaputt.", "de"]);
  await loadWords({ language: "de", locale: "de-AT" });
  assert.deepEqual([t("page.failed"), language()], ["Failed.", "en"]);
  const paths = asked.map(({ path }) => path);
  assert.deepEqual(paths, ["/static/i18n/de.json", "/static/i18n/de.json", "/static/i18n/en.json"]);
  // A request with one is another than those that pages preload.
  assert.ok(asked.every(({ headers }) => headers === undefined));
});
test("a script's bug is reported as such, and not as a network failure", (context) => {
  const page = startPage(context, "connection");
  const region = page.getElementById("connection");
  const told = () => region.children.map(({ textContent }) => textContent).join();
  const bug = new TypeError("x is not a function");
  assert.match(explainRead(bug), /Something went wrong in this page/);
  connectionBad(new ConnectionError(true, null));
  assert.match(told(), /^Offline/);
  connectionBad(new ProblemError(500, {}, null));
  assert.match(told(), /^The server has a problem/);
  connectionBad(bug);
  assert.match(told(), /Something went wrong in this page/);
  connectionGood();
  assert.match(told(), /Something went wrong in this page/, "no answer mends it");
  connectionReset();
  assert.equal(told(), "");
  const body = new FakeElement();
  showLoadError(body, new FakeElement("h1"), bug);
  const notice = body.querySelector("[data-testid=load-error]").textContent;
  assert.match(notice, /Something went wrong in this page/);
  assert.doesNotMatch(notice, /keeps trying/);
});

test("a failed fetch is a connection error, and a bug is not", async (context) => {
  serve(context, new TypeError("Failed to fetch"));
  await assert.rejects(read("/events"), ConnectionError);
  const bug = new RangeError("a mistake of ours");
  context.mock.method(Date, "parse", () => {
    throw bug;
  });
  serve(context, answer(200, []));
  await assert.rejects(read("/events"), bug);
});

test("no module uses what a supported browser does not have", () => {
  // With the first browsers that have it, of those that README names some come before.
  const newer = {
    "AbortSignal.any(": ["js/abort.js"],
    "AbortSignal.timeout(": ["js/abort.js"],
    ".requestSubmit(": ["js/submit_form.js"],
    "Intl.supportedValuesOf": ["js/time_zones.js"],
    BarcodeDetector: ["js/check_in/readers.js"],
    ".at(": [],
    ".findLast": [],
    ".toSorted(": [],
    ".toReversed(": [],
    ".toSpliced(": [],
    "structuredClone(": [],
    ".groupBy(": [],
    "Promise.withResolvers(": [],
    "Promise.try(": [],
    "Array.fromAsync(": [],
    ".isSubsetOf(": [],
    ".showPopover(": [],
    "URL.canParse(": [],
    "scheduler.": [],
  };
  const folder = new URL("../../../../../static/", import.meta.url);
  const files = (at) =>
    readdirSync(new URL(at, folder), { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? files(`${at}${entry.name}/`) : [`${at}${entry.name}`],
    );
  const code = new Map(files("js/").map((name) => [name, readFileSync(new URL(name, folder), "utf8").replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, "")]));
  for (const [use, homes] of Object.entries(newer)) {
    const found = [...code].filter(([, source]) => source.includes(use)).map(([name]) => name);
    assert.deepEqual(found, homes, use);
  }
  for (const [name, source] of code) {
    assert.doesNotMatch(source, /^(const|let) .*= await |^await /m, `${name}: Safari 15 loads modules that wait in the wrong order`);
    assert.doesNotMatch(source, /\(\?<[=!]/, `${name}: Safari before 16.4 has no look-behind`);
  }
});
