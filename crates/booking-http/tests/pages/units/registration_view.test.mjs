import { answer } from "./setup.mjs";
import { FakeElement, startPage } from "./elements.mjs";
import assert from "node:assert/strict";
import test from "node:test";
import { registrationView } from "../../../../../static/js/views/registration.js";

const CREATED = "2026-07-01T10:00:00Z";
const EVENT = { id: "e", name: "Jazz", capacity: 1, booked_count: 1, status: "published", version: 3, created_at: CREATED };

/** The page of a registration, its state on the server, and the side effects. */
function open(context, status) {
  const page = startPage(context, "connection", "main");
  page.hidden = false;
  const icon = new FakeElement("link");
  icon.setAttribute("rel", "icon");
  page.append(icon);
  const ending = new AbortController();
  context.after(() => ending.abort());
  const state = { status, asked: 0, title: "" };
  context.mock.method(globalThis, "fetch", async (path) => {
    if (path === "/registrations/r") state.asked += 1;
    if (state.error && path === "/registrations/r") return answer(state.error, { status: state.error });
    if (path === "/events/e") return answer(200, EVENT);
    if (path !== "/registrations/r") return answer(404, {});
    const { status } = state;
    const expires_at = status === "offered" ? "2099-01-01T00:00:00Z" : null;
    return answer(200, { id: "r", event_id: "e", user_email: "a@b.example", status, expires_at, position: 1, created_at: CREATED });
  });
  /** @type {{ run: () => void, ms: number }[]} */
  let timers = [];
  context.mock.method(globalThis, "setTimeout", (run, ms) => {
    const timer = { run, ms };
    timers.push(timer);
    return timer;
  });
  context.mock.method(globalThis, "clearTimeout", (timer) => {
    timers = timers.filter((other) => other !== timer);
  });
  const settled = async () => {
    for (let round = 0; round < 20; round += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  const root = new FakeElement();
  registrationView({ root, signal: ending.signal, setTitle: (title) => (state.title = title) }, "r", "token");
  return {
    state,
    settled,
    calls: () => icon.attributes.get("href") === "/static/favicon-calling.svg",
    /** Lets those timers run that wait for no longer. */
    async pass(ms) {
      const due = timers.filter((timer) => timer.ms <= ms);
      timers = timers.filter((timer) => timer.ms > ms);
      for (const { run } of due) run();
      await settled();
    },
    async hide(isHidden) {
      page.hidden = isHidden;
      page.dispatchEvent(new Event("visibilitychange"));
      await settled();
    },
  };
}

test("a waiter in a hidden tab is called by an offer, and not any more once it was taken in another", async (context) => {
  const { state, settled, calls, pass, hide } = open(context, "waitlisted");
  await settled();
  assert.deepEqual([state.title, calls()], ["Your registration", false]);
  await hide(true);
  state.status = "offered";
  await pass(40_000);
  assert.deepEqual([state.title, calls()], ["● A seat is offered to you", true]);
  state.status = "confirmed";
  await pass(40_000);
  assert.deepEqual([state.title, calls()], ["Your registration", false]);
  const { asked } = state;
  await pass(120_000);
  assert.equal(state.asked, asked, "nothing is waited for any more");
});

for (const status of [403, 404]) {
  test(`a dead link calls no attendee (${status})`, async (context) => {
    const { state, settled, calls, pass } = open(context, "offered");
    await settled();
    assert.ok(calls());
    state.error = status;
    await pass(4_000);
    assert.deepEqual([state.title, calls()], ["Your registration", false]);
  });
}
