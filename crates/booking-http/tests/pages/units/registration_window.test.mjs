import assert from "node:assert/strict";
import test from "node:test";
import { isOver, nextChange, overAt, windowState } from "../../../../../static/js/registration_window.js";
import { placeOf } from "../../../../../static/js/seat_number.js";

const at = (time) => Date.parse(`2026-07-01T${time}Z`);
const iso = (time) => new Date(at(time)).toISOString();
const event = {
  id: "1",
  status: "published",
  opens_at: iso("10:00"),
  closes_at: iso("12:00"),
  starts_at: iso("18:00"),
  ends_at: iso("20:00"),
};

test("registration opens and closes to the millisecond", () => {
  const states = [
    [at("10:00") - 1, "upcoming"],
    [at("10:00"), "open"],
    [at("12:00") - 1, "open"],
    [at("12:00"), "closed"],
    [at("20:00") - 1, "closed"],
    [at("20:00"), "over"],
  ];
  for (const [now, state] of states) assert.equal(windowState(event, now), state, new Date(now).toISOString());
});

test("a draft and a cancelled event are that before all else", () => {
  for (const status of ["draft", "cancelled"]) assert.equal(windowState({ ...event, status }, at("23:00")), status);
});

test("without times it is always open", () => {
  assert.equal(windowState({ id: "1" }, 0), "open");
  assert.equal(nextChange({ id: "1" }, 0), null);
});

test("the next change is the nearest that is ahead", () => {
  const changes = [
    ["09:00", "10:00"],
    ["10:00", "12:00"],
    ["13:00", "20:00"],
  ];
  for (const [now, next] of changes) assert.equal(nextChange(event, at(now)), at(next));
  assert.equal(nextChange(event, at("20:00")), null);
});

test("the server's end of the event counts, and else the end, or a day after the start", () => {
  assert.equal(overAt({ ...event, over_at: iso("21:00") }), at("21:00"));
  assert.equal(overAt({ ...event, over_at: null }), null);
  assert.equal(overAt(event), at("20:00"));
  assert.equal(overAt({ starts_at: event.starts_at }), at("18:00") + 86_400_000);
  assert.equal(overAt({}), null);
  assert.equal(isOver({}, Number.MAX_SAFE_INTEGER), false);
});

test("a seat's number follows from an event seen right before or right after", () => {
  const made = { event_version: 8 };
  assert.equal(placeOf(made, null, { version: 8, booked_count: 5 }), 5);
  assert.equal(placeOf(made, { version: 7, booked_count: 4 }, null), 5);
});

test("a seat's number follows from both sides if all in between were bookings, and else is not shown", () => {
  const made = { event_version: 8 };
  const before = { version: 5, booked_count: 2 };
  assert.equal(placeOf(made, before, { version: 10, booked_count: 7 }), 5);
  assert.equal(placeOf(made, before, { version: 10, booked_count: 6 }), null);
  assert.equal(placeOf(made, before, { version: 7, booked_count: 4 }), null);
  assert.equal(placeOf(made, before, null), null);
  assert.equal(placeOf(made, { version: 8, booked_count: 5 }, null), null);
  assert.equal(placeOf({}, before, { version: 8, booked_count: 5 }), null);
});
