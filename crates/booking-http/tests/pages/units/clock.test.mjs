import assert from "node:assert/strict";
import test from "node:test";
import * as clock from "../../../../../static/js/clock.js";

/** The module stores the answers: each test has an instance of its own. */
let copies = 0;
function fresh() {
  copies += 1;
  return import(`../../../../../static/js/clock.js?copy=${copies}`);
}

const near = (actual, expected, ms) =>
  assert.ok(Math.abs(actual - expected) <= ms, `${actual} is not within ${ms} of ${expected}`);

test("two answers narrow one another, and the newest counts if they disagree", () => {
  assert.deepEqual(clock.narrow(null, { min: 1, max: 9 }), { min: 1, max: 9 });
  assert.deepEqual(clock.narrow({ min: 1, max: 9 }, { min: 4, max: 12 }), { min: 4, max: 9 });
  assert.deepEqual(clock.narrow({ min: 1, max: 9 }, { min: 20, max: 30 }), { min: 20, max: 30 });
});

test("until the first answer the server's time is ours", async () => {
  const { mayBeAhead, serverNow } = await fresh();
  near(serverNow(), Date.now(), 50);
  assert.equal(mayBeAhead(new Date().toISOString()), false);
});

test("the server's clock is read from the header, within the header's precision", async () => {
  const { noteServerTime, serverNow } = await fresh();
  const now = Date.now();
  const hourLater = Math.floor((now + 3_600_000) / 1_000) * 1_000;
  noteServerTime(new Date(hourLater).toUTCString(), now - 20, now);
  near(serverNow(), Date.now() + 3_600_000, 1_500);
});

test("a header without a valid date is ignored", async () => {
  const { noteServerTime, serverNow } = await fresh();
  noteServerTime(null, 0, 0);
  noteServerTime("tomorrow", 0, 0);
  near(serverNow(), Date.now(), 50);
});

test("a server's timestamp bounds its clock to the millisecond", async () => {
  const { noteServerMoment, noteServerTime, serverNow } = await fresh();
  const now = Date.now();
  noteServerTime(new Date(Math.floor(now / 1_000) * 1_000).toUTCString(), now - 10, now);
  const before = serverNow() - Date.now();
  noteServerMoment(new Date(now + 300).toISOString());
  assert.ok(serverNow() - Date.now() > before, "the bound from below was raised");
  // It cannot be later than the header allowed.
  const known = serverNow() - Date.now();
  noteServerMoment(new Date(now + 60_000).toISOString());
  near(serverNow() - Date.now(), known, 5);
});

test("the server may be behind for as long as its header may be late, and no longer", async () => {
  const { mayBeAhead, noteServerTime } = await fresh();
  const now = Math.floor(Date.now() / 1_000) * 1_000;
  noteServerTime(new Date(now).toUTCString(), now, now);
  const inMs = (ms) => new Date(Date.now() + ms).toISOString();
  assert.equal(mayBeAhead(inMs(500)), true);
  assert.equal(mayBeAhead(inMs(-2_000)), false);
});
