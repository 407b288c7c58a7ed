import { answer, serve } from "./setup.mjs";
import { FakeElement, startPage } from "./elements.mjs";
import assert from "node:assert/strict";
import test from "node:test";
import { eventsPath, getEvents, isListedByDate } from "../../../../../static/js/api.js";
import { createDateBlock } from "../../../../../static/js/date_block.js";
import { groupsOf } from "../../../../../static/js/event_groups.js";
import { formatMoment, whenElement } from "../../../../../static/js/event_times.js";
import { createInView } from "../../../../../static/js/in_view.js";
import { isScarce, isSpent } from "../../../../../static/js/seats.js";

const NOW = Date.parse("2026-07-01T12:00:00Z");
const at = (id, starts_at, more = {}) => ({ id, starts_at, timezone: "UTC", created_at: starts_at, ...more });
const shape = (groups) => groups.map(({ key, events }) => [key, events.map(({ id }) => id).join()]);

test("events come by day: the next first, without a time after them, the newest first, and past ones at the end, the last first", () => {
  const events = [
    at("undated-old", null, { created_at: "2026-01-01T00:00:00Z" }),
    at("december", "2026-12-12T20:00:00Z"),
    at("long-over", "2025-01-01T20:00:00Z"),
    at("today", "2026-07-01T20:00:00Z"),
    at("undated-new", null, { created_at: "2026-02-01T00:00:00Z" }),
    at("sixth", "2026-07-07T23:59:00Z"),
    at("seventh", "2026-07-08T00:01:00Z"),
    at("tomorrow", "2026-07-02T00:01:00Z"),
    at("over", "2026-06-01T20:00:00Z"),
    at("begun", "2026-06-29T20:00:00Z", { ends_at: "2026-07-02T20:00:00Z" }),
    at("next-december", "2027-12-01T20:00:00Z"),
    at("kept-open", "2026-01-01T20:00:00Z", { over_at: null }),
  ];
  assert.deepEqual(shape(groupsOf(events, NOW, "UTC")), [
    ["today", "kept-open,begun,today"],
    ["soon", "tomorrow,sixth"],
    ["2026-07", "seventh"],
    ["2026-12", "december"],
    ["2027-12", "next-december"],
    ["undated", "undated-new,undated-old"],
    ["past", "over,long-over"],
  ]);
  assert.deepEqual(groupsOf([], NOW, "UTC"), []);
});

test("the day of an event is that of its own clock, and the visitor's where it has none that is known", () => {
  // Two in the morning of the next day, where it takes place.
  const far = (timezone) => at("far", "2026-07-31T17:00:00Z", { timezone });
  assert.deepEqual(shape(groupsOf([far("Asia/Tokyo")], NOW, "UTC")), [["2026-08", "far"]]);
  for (const zone of ["UTC", null, "Mars/Olympus_Mons"]) {
    assert.deepEqual(shape(groupsOf([far(zone)], NOW, "UTC")), [["2026-07", "far"]], String(zone));
  }
});

test("an invalid time counts as none", () => {
  assert.deepEqual(shape(groupsOf([at("odd", "some day")], NOW, "UTC")), [["undated", "odd"]]);
});

test("a leaf of a calendar shows the day of the event's own clock, and is drawn only where it changes", (context) => {
  startPage(context);
  const { node, update } = createDateBlock();
  update({ starts_at: "2026-12-31T23:30:00Z", timezone: "Europe/Berlin" });
  const shown = () => node.children.map(({ textContent }) => textContent);
  assert.deepEqual(shown(), ["Jan", "1", "Fri"]);
  const [leaf] = node.children;
  update({ starts_at: "2026-12-31T23:45:00Z", timezone: "Europe/Berlin" });
  assert.equal(node.children[0], leaf);
  update({ starts_at: null });
  assert.ok(node.hidden && shown().length === 0);
});

test("a time over a change of clocks is shown with both offsets, and one without with one", (context) => {
  startPage(context);
  const own = (starts_at, ends_at) =>
    whenElement({ starts_at, ends_at, timezone: "Europe/Berlin" }).children[0].textContent;
  const over = own("2026-10-25T00:30:00Z", "2026-10-25T01:45:00Z");
  assert.match(over, /, 2:30 AM GMT\+2 – .*, 2:45 AM GMT\+1/);
  assert.equal(own("2026-10-25T00:30:00Z", "2026-10-25T00:45:00Z").match(/GMT/g).length, 1);
  assert.equal(formatMoment("2026-10-25T00:30:00Z", "Europe/Berlin").match(/GMT/g).length, 1);
});

test("where only the end differs on the visitor's clock, that is shown", (context) => {
  startPage(context);
  // Johannesburg leaves its clock as it is, where Berlin sets it back.
  const local = (ends_at) =>
    whenElement({ starts_at: "2026-10-24T12:00:00Z", ends_at, timezone: "Africa/Johannesburg" }).children.length;
  assert.equal(local("2026-10-24T14:00:00Z"), 1, "the negative control");
  assert.ok(local("2026-10-26T14:00:00Z") > 1);
});

test("few are less than a fifth, and none are none", () => {
  const event = (available, more) => ({ capacity: 100, booked_count: 100 - available, available, ...more });
  assert.deepEqual([20, 19, 1, 0].map((left) => isScarce(event(left))), [false, true, true, false]);
  assert.ok(!isScarce(event(1, { status: "cancelled" })));
  assert.ok(!isScarce(event(1, { over_at: "2020-01-01T00:00:00Z" })));
  assert.ok(!isScarce(event(1, { closes_at: "2020-01-01T00:00:00Z" })));
});

test("a closed event has no seats to offer", () => {
  const event = (closes_at) => ({ capacity: 9, booked_count: 2, available: 7, closes_at });
  assert.ok(!isSpent(event("2099-01-01T00:00:00Z")), "the negative control");
  assert.ok(isSpent(event("2020-01-01T00:00:00Z")));
});

test("only events on the screen count, and all where that cannot be known", () => {
  const observers = [];
  globalThis.IntersectionObserver = class {
    constructor(tell) {
      observers.push({ tell, ended: false });
    }
    observe() {}
    unobserve() {}
    disconnect() {
      observers[0].ended = true;
    }
  };
  const ending = new AbortController();
  let changes = 0;
  const inView = createInView(ending.signal, () => (changes += 1));
  delete globalThis.IntersectionObserver;
  const [first, second] = [new FakeElement(), new FakeElement()];
  inView.add(first, "a");
  inView.add(second, "b");
  const tell = (...entries) => observers[0].tell(entries.map(([target, isIntersecting]) => ({ target, isIntersecting })));
  tell([first, true], [second, false], [new FakeElement(), true]);
  assert.deepEqual([inView.has("a"), inView.has("b"), changes], [true, false, 1]);
  tell([first, false], [second, true]);
  assert.deepEqual([inView.has("a"), inView.has("b")], [false, true]);
  inView.forget(second);
  assert.ok(!inView.has("b"));
  ending.abort();
  assert.ok(observers[0].ended);

  const blind = createInView(new AbortController().signal, () => {});
  blind.add(first, "a");
  assert.ok(blind.has("a"));
});

test("a list is requested by date, revalidated by its tag, and in the old way from a server that does not know the new one", async (context) => {
  const { signal } = new AbortController();
  const asked = serve(
    context,
    answer(200, [{ id: "1" }], { ETag: '"t"' }),
    answer(304),
    answer(400, { code: "validation" }),
    answer(200, [{ id: "2" }]),
    answer(400, { code: "validation" }),
  );
  assert.equal((await getEvents(eventsPath(20, "upcoming"), signal)).etag, '"t"');
  assert.equal(await getEvents(eventsPath(20, "upcoming"), signal, '"t"'), null);
  assert.ok(isListedByDate());
  assert.deepEqual((await getEvents(eventsPath(20, "past"), signal, '"t"')).items, [{ id: "2" }]);
  assert.ok(!isListedByDate());
  // Other errors of a list without dates stay errors.
  await assert.rejects(getEvents(eventsPath(20, "upcoming"), signal));
  assert.deepEqual(
    asked.map(({ path, headers }) => [path, headers["If-None-Match"]]),
    [
      ["/events?limit=20&when=upcoming&sort=starts_at", undefined],
      ["/events?limit=20&when=upcoming&sort=starts_at", '"t"'],
      ["/events?limit=20&when=past&sort=starts_at", '"t"'],
      ["/events?limit=20", undefined],
      ["/events?limit=20", undefined],
    ],
  );
});
