import { storage } from "./setup.mjs";
import assert from "node:assert/strict";
import test from "node:test";
import { ConnectionError, ProblemError } from "../../../../../static/js/http.js";
import { attempt, leavesOpen, openAttempt, randomUuid } from "../../../../../static/js/idempotency.js";

const problem = (status, retryAfter = null, body = {}) => new ProblemError(status, body, retryAfter);
const lost = () => new ConnectionError(true, null);
/** As long as the page is shown. */
const HERE = new AbortController().signal;

test("the same write has the same key until it is decided, and others have others", async () => {
  const keys = [];
  const fail = (error) => (key) => {
    keys.push(key);
    throw error;
  };
  for (const error of [problem(503), problem(429), new ConnectionError(false, null)]) {
    await assert.rejects(attempt(["hold", "a"], fail(error), HERE));
  }
  await assert.rejects(attempt(["register", "a"], fail(problem(409)), HERE));
  assert.equal(new Set(keys.slice(0, 3)).size, 1);
  assert.notEqual(keys[3], keys[0]);
});

/** Sends a write that ends so; returns its key, and whether its outcome is open after that. */
async function sent(what, end, { signal = HERE, through = attempt } = {}) {
  let used;
  const write = async (key) => {
    used = key;
    if (end instanceof Error) throw end;
    return end;
  };
  const isOpen = await through(what, write, signal).then(
    () => false,
    (error) => leavesOpen(error),
  );
  return { key: used, isOpen };
}

test("a refusal that decides nothing keeps the key of an attempt whose answer was lost", async () => {
  const refusals = [
    problem(401, null, { code: "unauthenticated" }),
    problem(403, null, { code: "cross_site" }),
    problem(404),
    problem(408),
    problem(413),
    problem(415),
    problem(421),
    problem(429, 60, { code: "rate_limited" }),
    problem(431),
    problem(503, 1),
    problem(400, null, { code: "validation" }),
    new ConnectionError(false, null),
  ];
  for (const [index, refusal] of refusals.entries()) {
    const what = ["event", { name: `Jazz ${index}` }];
    const first = await sent(what, lost());
    const second = await sent(what, refusal);
    const third = await sent(what, "done");
    assert.deepEqual([second.key, third.key], [first.key, first.key], String(index));
    assert.deepEqual([first.isOpen, second.isOpen], [true, true], String(index));
    // The negative controls: by itself it leaves nothing open, and a decided write ends its key.
    const alone = await sent(what, refusal);
    assert.ok(!alone.isOpen && alone.key !== first.key, String(index));
    await sent(what, "done");
  }
});

test("a decided write, or one found not to be done, is not open any more", async () => {
  for (const status of [409, 412, 422]) {
    const first = await sent(["decided", status], lost());
    assert.ok(!(await sent(["decided", status], problem(status))).isOpen);
    assert.notEqual((await sent(["decided", status], lost())).key, first.key);
  }
  for (const code of ["forbidden", "not_found"]) {
    await sent(["decided", code], lost());
    assert.ok(!(await sent(["decided", code], problem(403, null, { code }))).isOpen);
    assert.equal(openAttempt("decided", code), null);
  }
});

/** The keys of writes that end so, one after the other. */
async function keysOf(...writes) {
  const keys = [];
  for (const [what, end, options] of writes) keys.push((await sent(what, end, options)).key);
  return keys;
}

test("a repeated change after a reversal is made anew, and not answered from before", async () => {
  const left = new AbortController();
  left.abort();
  const ends = [["done"], [lost()], ["done", { signal: left.signal }]];
  for (const [index, end] of ends.entries()) {
    for (const [kind, one, other] of [
      ["name", "A", "B"],
      ["correction", { name: "A" }, { name: "B" }],
    ]) {
      const id = `back-${index}`;
      const there = [kind, id, one, other];
      const keys = await keysOf([there, lost()], [[kind, id, other, one], ...end], [there, lost()], [there, "done"]);
      assert.notEqual(keys[2], keys[0], `${kind} ${index}`);
      assert.equal(keys[3], keys[2], "and it is once more the same");
    }
  }
});

test("a write makes old answers about the same resource void, and no others", async () => {
  const grace = { user_email: "grace@example.org" };
  const correction = ["correction", "r", { name: "A" }, { name: "B" }];
  const [name, transfer, link] = [["name", "r", "A", "B"], ["transfer", "r", grace], ["link", "r"]];
  const others = [["name", "s", "A", "B"], ["confirm", "r"], ["cancel", "r"], ["seat", "r", "hold", grace]];
  for (const [done, voids] of [
    [["name", "r", "B", "C"], [name, correction]],
    [["correction", "r", { name: "B" }, { name: "C" }], [name, correction, transfer, link]],
    [["transfer", "r", { user_email: "ada@example.org" }], [name, correction, transfer, link]],
    [link, [link, correction]],
    [["confirm", "r"], [["confirm", "r"]]],
    [["seat", "r", "register", grace], [["seat", "r", "hold", grace]]],
    [["seat", "r", "register", { user_email: "ada@example.org" }], []],
  ]) {
    for (const old of [name, correction, transfer, link, ...others]) {
      const [before, , after] = await keysOf([old, lost()], [done, "done"], [old, "done"]);
      const isVoid = voids.some((one) => JSON.stringify(one) === JSON.stringify(old));
      assert.equal(before !== after, isVoid, `${done.join()} after ${old.join()}`);
    }
  }
});

test("an unseen answer is found when the same is requested again", async () => {
  const leave = new AbortController();
  leave.abort();
  const what = ["seat", "jazz", "hold", { user_email: "ada@example.org" }];
  const first = await sent(what, "done", { signal: leave.signal });
  assert.deepEqual(openAttempt("seat", "jazz"), what.slice(2));
  assert.equal(openAttempt("seat", "blues"), null);
  assert.equal((await sent(what, "done")).key, first.key);
  assert.equal(openAttempt("seat", "jazz"), null);
});

test("a late answer to a page that was left does not affect the one that came back", async () => {
  const leave = new AbortController();
  const what = ["seat", "late"];
  const fails = [];
  const late = () => attempt(what, () => new Promise((_, reject) => fails.push(reject)), leave.signal);
  const gone = late();
  leave.abort();
  await sent(what, "done");
  fails[0](lost());
  await assert.rejects(gone);
  assert.equal(openAttempt("seat", "late"), null, "it was answered");
});

test("keys outlive the page, but neither the day nor too many others", async (context) => {
  globalThis.sessionStorage = storage();
  context.after(() => delete globalThis.sessionStorage);
  const load = (page) => import(`../../../../../static/js/idempotency.js?page=${page}`);
  const before = await load("before");
  const what = ["seat", "jazz", "register", { user_email: "ada@example.org" }];
  // It is loaded anew while the answer is on its way.
  before.attempt(what, () => new Promise(() => {}), HERE);
  const after = await load("after");
  assert.deepEqual(after.openAttempt("seat", "jazz"), what.slice(2));
  const again = await sent(what, lost(), { through: after.attempt });
  assert.equal((await sent(what, lost(), { through: after.attempt })).key, again.key);
  for (let other = 0; other < 20; other += 1) await sent(["seat", other], lost(), { through: after.attempt });
  assert.equal(after.openAttempt("seat", "jazz"), null);
  assert.deepEqual(after.openAttempt("seat", 0), []);
  const tomorrow = Date.now() + 24 * 60 * 60 * 1_000;
  context.mock.method(Date, "now", () => tomorrow);
  assert.equal(after.openAttempt("seat", 19), null);
  for (const strange of ["{}", "[1]", '[{"what":"seat","key":"k","isOpen":true,"since":1}]', "{"]) {
    sessionStorage.setItem("attempts", strange);
    const other = await load(strange);
    assert.equal(other.openAttempt("seat", "jazz"), null, strange);
    assert.ok((await sent(what, "done", { through: other.attempt })).key);
  }
});

test("a write that may have been done keeps its key, however many refusals come after it", async () => {
  const refuse = async (times) => {
    for (let time = 0; time < times; time += 1) await sent(["refused", time], problem(400));
  };
  await refuse(1);
  const [seat, first] = await keysOf([["seat", "kept"], lost()], [["refused", 0], problem(400)]);
  await refuse(25);
  const [again, later] = await keysOf([["seat", "kept"], "done"], [["refused", 0], problem(400)]);
  assert.equal(again, seat);
  // The negative control: there are bounds on them.
  assert.notEqual(later, first);
});

test("people's data does not outlive the sign-out, nor the day", async (context) => {
  globalThis.sessionStorage = storage();
  context.after(() => delete globalThis.sessionStorage);
  const stored = () => sessionStorage.getItem("attempts") ?? "";
  const load = (page) => import(`../../../../../static/js/idempotency.js?page=${page}`);
  const { attempt: through, deleteOrganizerAttempts: forget } = await load("at-work");
  const before = { user_email: "ada@example.org", name: "Ada" };
  await sent(["correction", "r", before, { user_email: "ida@example.org" }], problem(400), { through });
  await sent(["link", "r"], lost(), { through });
  for (const kind of ["event", "edit", "cancel-event"]) await sent([kind, "jazz"], lost(), { through });
  await sent(["seat", "jazz", "hold", { user_email: "grace@example.org" }], lost(), { through });
  // The negative control.
  assert.match(stored(), /ada@.*ida@/);
  forget();
  const left = JSON.parse(stored()).map(({ what: [kind] }) => kind);
  assert.deepEqual(left, ["seat"]);

  await load("the-same-day");
  assert.match(stored(), /grace@/);
  const tomorrow = Date.now() + 24 * 60 * 60 * 1_000;
  context.mock.method(Date, "now", () => tomorrow);
  await load("the-next-day");
  assert.equal(stored(), "");
});

test("a UUID is one of version 4, also where the browser makes none", (context) => {
  const form = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  assert.match(randomUuid(), form);
  const whole = crypto;
  const plain = { getRandomValues: (bytes) => whole.getRandomValues(bytes) };
  const descriptor = Object.getOwnPropertyDescriptor(globalThis, "crypto");
  Object.defineProperty(globalThis, "crypto", { value: plain, configurable: true });
  context.after(() => Object.defineProperty(globalThis, "crypto", descriptor));
  const made = Array.from({ length: 50 }, randomUuid);
  for (const uuid of made) assert.match(uuid, form);
  assert.equal(new Set(made).size, 50);
});
