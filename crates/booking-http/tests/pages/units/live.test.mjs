import "./setup.mjs";
import { FakeElement, startPage } from "./elements.mjs";
import assert from "node:assert/strict";
import test from "node:test";
import { createCalling } from "../../../../../static/js/calling.js";
import { LIVE_EVENTS_MAX, createLive, withSeats } from "../../../../../static/js/live.js";
import { createNewest } from "../../../../../static/js/newest.js";
import { startPolling } from "../../../../../static/js/poll.js";

const settled = () => new Promise((resolve) => setImmediate(resolve));
const eventOf = (id, version = 1) => ({ id, version, capacity: 5, booked_count: 0, status: "published" });

/** The browser's objects, as far as they are used, and all streams that were opened. */
class FakeSource extends EventTarget {
  static CLOSED = 2;
  static opened = [];
  readyState = 0;

  constructor(path) {
    super();
    this.path = path;
    FakeSource.opened.push(this);
  }
  close() {
    this.readyState = FakeSource.CLOSED;
  }
  begin() {
    this.readyState = 1;
    this.dispatchEvent(new Event("open"));
  }
  tell(seats) {
    this.dispatchEvent(Object.assign(new Event("seats"), { data: JSON.stringify(seats) }));
  }
  /** Either it is refused, or the browser comes again by itself. */
  fail(readyState) {
    this.readyState = readyState;
    this.dispatchEvent(new Event("error"));
  }
}

/** A clock of the test's own. Node.js has one only since version 20. */
function stopClock(context) {
  let now = 0;
  /** @type {{ at: number, run: () => void }[]} */
  let timers = [];
  context.mock.method(globalThis, "setTimeout", (run, ms) => {
    const timer = { at: now + ms, run };
    timers.push(timer);
    return timer;
  });
  context.mock.method(globalThis, "clearTimeout", (timer) => {
    timers = timers.filter((other) => other !== timer);
  });
  return (ms) => {
    now += ms;
    const due = timers.filter(({ at }) => at <= now);
    timers = timers.filter(({ at }) => at > now);
    for (const { run } of due) run();
  };
}

/** A page that listens, in a browser that can. */
function listen(context) {
  const page = startPage(context);
  page.hidden = false;
  globalThis.EventSource = FakeSource;
  FakeSource.opened = [];
  const ending = new AbortController();
  context.after(() => {
    ending.abort();
    delete globalThis.EventSource;
  });
  const heard = { seats: [], ends: 0 };
  const live = createLive({
    onSeats: (seats) => heard.seats.push(seats),
    onEnd: () => (heard.ends += 1),
    signal: ending.signal,
  });
  return { page, live, heard, ending, last: () => FakeSource.opened.at(-1) };
}

test("one event is watched at its own address, and several by their list", (context) => {
  const { live, last } = listen(context);
  live.watch([eventOf("a", 3)]);
  assert.equal(last().path, "/events/a/live?since=3");
  live.watch([eventOf("a", 3), { ...eventOf("b"), version: undefined }]);
  assert.equal(FakeSource.opened[0].readyState, FakeSource.CLOSED);
  assert.equal(last().path, "/live?events=a,b&since=3,");
  live.watch([...Array(LIVE_EVENTS_MAX + 5).keys()].map((number) => eventOf(`e${number}`)));
  assert.equal(last().path.split("events=")[1].split("&")[0].split(",").length, LIVE_EVENTS_MAX);
  live.watch([]);
  assert.equal(last().readyState, FakeSource.CLOSED);
  assert.equal(live.isOn(), false);
});

test("the same stream is not opened again, however often it is shown", (context) => {
  const { live, heard, last } = listen(context);
  live.watch([eventOf("a", 1)]);
  assert.equal(live.isOn(), false, "nobody has answered yet");
  last().begin();
  assert.equal(live.isOn(), true);
  last().tell({ event_id: "a", version: 2 });
  live.watch([eventOf("a", 2)]);
  assert.equal(FakeSource.opened.length, 1);
  assert.deepEqual(heard, { seats: [{ event_id: "a", version: 2 }], ends: 0 });
});

test("a hidden page closes its stream, and continues from the version that it has", (context) => {
  const { page, live, last } = listen(context);
  live.watch([eventOf("a", 1)]);
  last().begin();
  last().tell({ event_id: "a", version: 7 });
  page.hidden = true;
  page.dispatchEvent(new Event("visibilitychange"));
  assert.equal(last().readyState, FakeSource.CLOSED);
  assert.equal(live.isOn(), false);
  page.hidden = false;
  page.dispatchEvent(new Event("visibilitychange"));
  assert.equal(last().path, "/events/a/live?since=7");
});

test("a refused page polls as before, and tries again much later", (context) => {
  const tick = stopClock(context);
  const { live, heard, last } = listen(context);
  live.watch([eventOf("a")]);
  last().fail(FakeSource.CLOSED);
  assert.equal(live.isOn(), false);
  assert.equal(heard.ends, 0, "it was never listened to");
  tick(30_000);
  assert.equal(FakeSource.opened.length, 1);
  tick(30_000);
  assert.equal(FakeSource.opened.length, 2);
});

test("a broken stream is reported, and is none until it is back", (context) => {
  const { live, heard, last } = listen(context);
  live.watch([eventOf("a")]);
  last().begin();
  last().fail(0);
  assert.deepEqual([live.isOn(), heard.ends], [false, 1]);
  assert.equal(FakeSource.opened.length, 1, "the browser comes again by itself");
  last().begin();
  assert.equal(live.isOn(), true);
});

test("a page with another list that is refused learns that its stream has ended", (context) => {
  const { live, heard, last } = listen(context);
  live.watch([eventOf("a")]);
  last().begin();
  live.watch([eventOf("a"), eventOf("b")]);
  assert.deepEqual([live.isOn(), heard.ends], [false, 0], "it is asked for");
  last().fail(FakeSource.CLOSED);
  assert.equal(heard.ends, 1);
});

test("a silent stream is none", (context) => {
  const tick = stopClock(context);
  const clock = context.mock.method(Date, "now", () => 0);
  const at = (seconds) => clock.mock.mockImplementation(() => seconds * 1_000);
  const { live, heard, last } = listen(context);
  live.watch([eventOf("a", 1)]);
  last().begin();
  // Polled, it is newer than the stream: the message is on its way.
  live.watch([eventOf("a", 2)]);
  at(1);
  last().tell({ event_id: "a", version: 2 });
  at(10);
  live.watch([eventOf("a", 3)]);
  assert.deepEqual([live.isOn(), heard.ends], [true, 0], "nothing was missed yet");
  at(14);
  live.watch([eventOf("a", 3)]);
  assert.equal(live.isOn(), true);
  // A stream that reconnects may have missed it.
  last().fail(0);
  last().begin();
  at(16);
  live.watch([eventOf("a", 3)]);
  assert.deepEqual([live.isOn(), heard.ends], [true, 1]);
  at(21);
  live.watch([eventOf("a", 4)]);
  assert.deepEqual([live.isOn(), heard.ends, last().readyState], [false, 2, FakeSource.CLOSED]);
  assert.equal(FakeSource.opened.length, 1);
  tick(60_000);
  assert.equal(last().path, "/events/a/live?since=4");
});

test("another network is another connection", (context) => {
  const { live, last } = listen(context);
  live.watch([eventOf("a", 1)]);
  last().begin();
  window.dispatchEvent(new Event("online"));
  assert.equal(FakeSource.opened[0].readyState, FakeSource.CLOSED);
  last().begin();
  assert.deepEqual([live.isOn(), FakeSource.opened.length], [true, 2]);
});

test("a browser without streams polls", (context) => {
  const { live } = listen(context);
  delete globalThis.EventSource;
  live.watch([eventOf("a")]);
  assert.deepEqual([live.isOn(), FakeSource.opened], [false, []]);
});

test("a view that was left gets no messages", (context) => {
  const { live, heard, ending, last } = listen(context);
  live.watch([eventOf("a")]);
  last().begin();
  ending.abort();
  last().tell({ event_id: "a", version: 2 });
  live.watch([eventOf("b")]);
  assert.deepEqual([heard.seats, FakeSource.opened.length], [[], 1]);
});

test("an older state than the known one changes nothing, nor does another event's", () => {
  const event = { ...eventOf("a", 5), name: "Jazz", booked_count: 2 };
  const told = { event_id: "a", capacity: 6, booked_count: 3, available: 3, waitlist_count: 0, status: "published" };
  assert.equal(withSeats(event, { ...told, version: 4 }), event);
  assert.equal(withSeats(event, { ...told, event_id: "b", version: 9 }), event);
  const { event_id: _, ...state } = told;
  assert.deepEqual(withSeats(event, { ...told, version: 5 }), { ...event, ...state, version: 5 });
});

test("an overtaken state is ignored, but one that is older twice counts", () => {
  const newest = createNewest();
  const known = eventOf("a", 5);
  assert.equal(newest(null, known), known);
  assert.equal(newest(undefined, known), known);
  const [same, older, newer] = [5, 4, 6].map((version) => eventOf("a", version));
  assert.equal(newest(known, same), same);
  assert.equal(newest(known, older), known);
  assert.equal(newest(newer, known), newer, "something newer was told meanwhile");
  assert.equal(newest(newer, newer), newer);
  assert.equal(newest(newer, known), newer, "once more from the beginning");
  assert.equal(newest(newer, older), older, "a backup was restored");
  const first = { id: "a", name: "of a server of the first contract" };
  assert.equal(newest({ ...first }, first), first);
});

/** Polls, with a clock of the test's own, and counts how often. */
function poll(context, pace) {
  const tick = stopClock(context);
  const page = startPage(context, "connection");
  page.hidden = false;
  const ending = new AbortController();
  context.after(() => ending.abort());
  const counts = { asked: 0 };
  const ask = async () => {
    counts.asked += 1;
    if (counts.error) throw counts.error;
  };
  // The session is requested, too, and gets no answer.
  context.mock.method(globalThis, "fetch", async () => {
    throw new TypeError("no network");
  });
  const polling = startPolling({ ask, onAnswer() {}, onFailure: () => "again", signal: ending.signal, ...pace });
  const pass = async (ms) => {
    tick(ms);
    await settled();
  };
  return { page, counts, pass, polling };
}

test("while the server streams it is polled seldom, but not while it fails", async (context) => {
  let calm = 30_000;
  const { counts, pass } = poll(context, { everyMs: 2_000, calmMs: () => calm });
  await settled();
  await pass(25_000);
  assert.equal(counts.asked, 1);
  calm = null;
  await pass(10_000);
  assert.equal(counts.asked, 2);
  await pass(2_500);
  assert.equal(counts.asked, 3);
  calm = 30_000;
  counts.error = new Error("away");
  await pass(2_500);
  assert.equal(counts.asked, 4);
  await pass(4_500);
  assert.equal(counts.asked, 5, "not after half a minute");
});

test("a change that all pages get at once is not polled by all at once", async (context) => {
  const random = context.mock.method(Math, "random", () => 0.5);
  const { counts, pass, polling } = poll(context, { everyMs: 2_000, calmMs: () => 30_000 });
  await settled();
  polling.soon();
  await pass(0);
  await pass(900);
  assert.equal(counts.asked, 1);
  // To hear of it again puts nothing off.
  polling.soon();
  await pass(200);
  assert.equal(counts.asked, 2);
  await pass(25_000);
  assert.equal(counts.asked, 2, "once, and then as before");
  random.mock.mockImplementation(() => 0);
  polling.soon();
  await pass(0);
  assert.equal(counts.asked, 3);
  // Not before a failing server may be asked again.
  counts.error = new Error("away");
  polling.soon();
  await pass(0);
  assert.equal(counts.asked, 4);
  polling.soon();
  await pass(0);
  assert.equal(counts.asked, 4);
});

test("a hidden page polls only if it waits for something, and then seldom", async (context) => {
  let hidden = null;
  const { page, counts, pass } = poll(context, { everyMs: 3_000, hiddenMs: () => hidden });
  await settled();
  const hide = (isHidden) => {
    page.hidden = isHidden;
    page.dispatchEvent(new Event("visibilitychange"));
  };
  hide(true);
  await pass(120_000);
  assert.equal(counts.asked, 1);
  hide(false);
  await settled();
  assert.equal(counts.asked, 2);
  hidden = 30_000;
  hide(true);
  await pass(25_000);
  assert.equal(counts.asked, 2);
  await pass(10_000);
  assert.equal(counts.asked, 3);
  await pass(35_000);
  assert.equal(counts.asked, 4, "and again");
});

test("the icon calls for as long as it should, and not in another view", (context) => {
  const page = startPage(context);
  const icon = new FakeElement("link");
  icon.setAttribute("rel", "icon");
  page.append(icon);
  const ending = new AbortController();
  const call = createCalling(ending.signal);
  call(true);
  assert.equal(icon.attributes.get("href"), "/static/favicon-calling.svg");
  call(false);
  assert.equal(icon.attributes.get("href"), "/static/favicon.svg");
  call(true);
  ending.abort();
  assert.equal(icon.attributes.get("href"), "/static/favicon.svg");
});
