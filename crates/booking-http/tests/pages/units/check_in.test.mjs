import { setOnline, storage } from "./setup.mjs";
import assert from "node:assert/strict";
import test from "node:test";
import { hoursOf, wordsOf } from "../../../../../static/js/check_in/messages.js";
import { createQueue, isConflict, isInside } from "../../../../../static/js/check_in/queue.js";
import { createScanning } from "../../../../../static/js/check_in/scanning.js";
import { inMemory } from "../../../../../static/js/check_in/store.js";
import { createTimes, timingOf } from "../../../../../static/js/check_in/timing.js";
import { ConnectionError, ProblemError } from "../../../../../static/js/http.js";

const EVENT = "01932c07-a5b1-7c3d-9e4f-1a2b3c4d5e6f";
const TICKET =
  "Af6BLBLzq0zmAZMsB6WxfD2eTxorPE1ebwGTLAgAAHq8je8BI0VniasAAAACeLig5spv4knHNIShTIiRJqmT-LNdLEPooCJgf_PoVEup05a9thx5IG85jiSOfai7eCxXy5IYqhTPs91yxzzDAQ";
const settled = () => new Promise((resolve) => setImmediate(resolve));
setOnline(true);

/** A queue whose requests are answered by `send`. It drops its timers once the test has ended. */
function start(context, send, known = []) {
  const leave = new AbortController();
  context.after(() => leave.abort());
  const store = inMemory();
  const queue = createQueue({ store, known, send, onChange: () => {}, signal: leave.signal });
  return { queue, store };
}

const scan = (id, more = {}) => ({
  id,
  event_id: EVENT,
  registration_id: `r-${id}`,
  ticket: "t",
  scanned_at: new Date().toISOString(),
  timing: null,
  ...more,
});
const letIn = async (scans) => scans.map(({ id }) => ({ id, result: "checked_in" }));
const offline = async () => {
  throw new ConnectionError(false, null);
};

test("scans are sent fifty at a time, in the order in which they came", async (context) => {
  const chunks = [];
  const { queue } = start(context, async (scans) => {
    chunks.push(scans.map(({ id }) => id));
    return letIn(scans);
  });
  for (let number = 0; number < 120; number += 1) await queue.add(scan(String(number)));
  await queue.sync();
  assert.deepEqual(chunks.map((chunk) => chunk.length), [50, 50, 20]);
  assert.deepEqual(chunks.flat(), Array.from({ length: 120 }, (_, number) => String(number)));
  assert.equal(queue.waiting().length, 0);
});

test("an offline door knows the date and the name of its event", (context) => {
  globalThis.localStorage = storage();
  context.after(() => delete globalThis.localStorage);
  const first = createTimes(EVENT);
  assert.deepEqual([first.now(), first.lastName], [null, null]);
  first.set({ name: "Jazz", starts_at: "2099-01-01T20:00:00Z", ends_at: null, over_at: null, timezone: "UTC", booked_count: 3 });
  const next = createTimes(EVENT);
  assert.deepEqual([next.now().starts_at, next.lastName], ["2099-01-01T20:00:00Z", "Jazz"]);
  assert.deepEqual([createTimes("other").now(), createTimes("other").lastName], [null, null]);
  // In the form of earlier releases.
  localStorage.setItem("door-times", JSON.stringify({ id: EVENT, times: { starts_at: "2099-01-01T20:00:00Z" } }));
  assert.deepEqual([createTimes(EVENT).now().starts_at, createTimes(EVENT).lastName], ["2099-01-01T20:00:00Z", null]);
});

test("a ticket is deleted once it was sent", async (context) => {
  const { queue, store } = start(context, letIn);
  await queue.add(scan("1"));
  assert.equal((await store.all(EVENT))[0].ticket, "t");
  await queue.sync();
  assert.equal((await store.all(EVENT))[0].ticket, "");
});

test("a refused scan does not hold up the others", async (context) => {
  const { queue } = start(context, async (scans) => {
    if (scans.some(({ id }) => id === "bad")) throw new ProblemError(400, { code: "invalid", detail: "no" }, null);
    return letIn(scans);
  });
  for (const id of ["1", "2", "bad", "3", "4"]) await queue.add(scan(id));
  await queue.sync();
  const results = queue.all().map(({ id, result }) => [id, result]);
  assert.deepEqual(results, [
    ["1", "checked_in"],
    ["2", "checked_in"],
    ["bad", "refused"],
    ["3", "checked_in"],
    ["4", "checked_in"],
  ]);
});

test("an unsent scan waits, and is sent once the network is back", async (context) => {
  let isOffline = true;
  const { queue } = start(context, (scans) => (isOffline ? offline() : letIn(scans)));
  await queue.add(scan("1"));
  await queue.sync();
  assert.equal(queue.waiting().length, 1);
  assert.ok(queue.lastError() instanceof ConnectionError);
  isOffline = false;
  await queue.sync();
  assert.equal(queue.waiting().length, 0);
  assert.equal(queue.lastError(), null);
});

test("scans that waited are sent after a reload, and old decisions are dropped", async (context) => {
  const decided = { state: "decided", let_in: true, result: "checked_in" };
  const old = new Date(Date.now() - 4 * 86_400_000).toISOString();
  const known = [
    { ...scan("old", { scanned_at: old }), ...decided },
    { ...scan("new"), ...decided },
    { ...scan("waiting", { scanned_at: old }), state: "waiting", let_in: true, result: null },
  ];
  const { queue } = start(context, letIn, known);
  assert.deepEqual(queue.all().map(({ id }) => id), ["new", "waiting"]);
  await queue.sync();
  assert.equal(queue.get("waiting").result, "checked_in");
});

test("a guest who was admitted and refused later is a conflict, and not inside", () => {
  const of = (state, let_in, result) => ({ state, let_in, result });
  assert.equal(isConflict(of("decided", true, "refused")), true);
  assert.equal(isConflict(of("decided", true, "already_checked_in")), true);
  assert.equal(isConflict(of("decided", false, "refused")), false);
  assert.equal(isConflict(of("waiting", true, null)), false);
  assert.equal(isInside(of("waiting", true, null)), true);
  assert.equal(isInside(of("decided", true, "refused")), false);
  assert.equal(isInside(of("undone", true, "checked_in")), false);
});

/** A door: scans texts, with the server's answers and this device's own word. */
function door(context, send, { verify = async () => ({ ok: true }), times = null } = {}) {
  const { queue } = start(context, send);
  return { queue, scan: createScanning(EVENT, queue, verify && (() => ({ verify })), () => times) };
}

test("the server's decision is the result", async (context) => {
  const { scan } = door(context, async ([{ id }]) => [
    { id, result: "checked_in", checked_in_at: "2026-07-01T18:00:00Z", timing: "on_time" },
  ]);
  const { result, verified, timing, registrationId } = await scan(`\u200b${TICKET}\n`);
  assert.deepEqual([result, verified, timing], ["checked_in", true, "on_time"]);
  assert.equal(registrationId, "01932c08-0000-7abc-8def-0123456789ab");
});

test("an invalid ticket, and one for another event, are refused without a request", async (context) => {
  const { queue } = start(context, letIn);
  const elsewhere = createScanning("another", queue, () => null, () => null);
  assert.equal((await elsewhere("hello")).reason, "not_a_ticket");
  assert.equal((await elsewhere(TICKET)).reason, "other_event");
  assert.equal(queue.all().length, 0);
});

test("offline, a genuine ticket admits once", async (context) => {
  const { queue, scan } = door(context, offline);
  const first = await scan(TICKET);
  assert.deepEqual([first.result, first.verified], ["queued", true]);
  assert.equal((await scan(TICKET)).result, "already_checked_in");
  assert.equal(queue.waiting().length, 1);
});

test("offline, a forged ticket is refused, and is not queued", async (context) => {
  const { queue, scan } = door(context, offline, { verify: async () => ({ ok: false, reason: "forged" }) });
  const { result, reason } = await scan(TICKET);
  assert.deepEqual([result, reason], ["refused", "forged"]);
  await settled();
  assert.equal(queue.all().length, 0);
});

test("offline and without keys the page shows that nothing was checked", async (context) => {
  const { queue } = start(context, offline);
  const scan = createScanning(EVENT, queue, () => null, () => null);
  const result = await scan(TICKET);
  assert.deepEqual([result.result, result.verified], ["queued", false]);
  assert.deepEqual([wordsOf(result, null).sign, wordsOf(result, null).title], ["?", "Not checked"]);
});

const at = (iso) => Date.parse(iso);
const times = { starts_at: "2026-07-02T18:00:00Z", ends_at: "2026-07-02T20:00:00Z", timezone: "UTC" };

test("a scan is early a day before the start, and late from the end on", () => {
  assert.equal(timingOf(times, at("2026-07-01T18:00:00Z") - 1), "early");
  assert.equal(timingOf(times, at("2026-07-01T18:00:00Z")), "on_time");
  assert.equal(timingOf(times, at("2026-07-02T20:00:00Z")), "late");
  assert.equal(timingOf({}, 0), "on_time");
  assert.equal(timingOf(null, 0), null);
});

const result = (more) => ({ result: "checked_in", reason: null, at: null, timing: "on_time", verified: true, ...more });

test("the wrong day is shown to the scanner, and the right one is not", () => {
  assert.deepEqual(wordsOf(result(), times), { sign: "✓", title: "Come in", text: "Checked in." });
  const early = wordsOf(result({ timing: "early" }), times);
  assert.deepEqual([early.sign, early.title], ["!", "Too early"]);
  assert.match(early.text, /^Checked in\. This event starts only at .* Is this the right day\?/);
  assert.equal(wordsOf(result({ timing: "late" }), times).title, "Too late");
  assert.equal(hoursOf("early", null), "This event starts only later.");
});

test("a refused guest's scan shows no warning of the hour", () => {
  const words = wordsOf(result({ result: "refused", reason: "cancelled", timing: "early" }), times);
  assert.deepEqual(words, { sign: "✕", title: "Do not let in", text: "This registration was cancelled." });
});

test("an unknown reason is shown as the server words it", () => {
  const words = (reason, detail) => wordsOf(result({ result: "refused", reason, detail }), null).text;
  assert.equal(words("new_reason", "it rained"), "It rained.");
  assert.equal(words(null, null), "The server refused it.");
});
