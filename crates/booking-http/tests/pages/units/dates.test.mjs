import "./setup.mjs";
import { startPage } from "./elements.mjs";
import assert from "node:assert/strict";
import test from "node:test";
import { formatSeconds } from "../../../../../static/js/countdown.js";
import { formatMoment, overWords, whenElement } from "../../../../../static/js/event_times.js";
import { timeZone } from "../../../../../static/js/format.js";
import { useLanguage } from "../../../../../static/js/language.js";
import { momentsOf, offsetName, zones } from "../../../../../static/js/time_zones.js";
import { wallOf } from "../../../../../static/js/wall_time.js";
import { t } from "../../../../../static/js/words.js";

const at = (iso) => Date.parse(iso);

test("a wall time that occurs once is one moment", () => {
  assert.deepEqual(momentsOf("2026-07-01T20:00", "Europe/Berlin"), { kind: "one", moment: at("2026-07-01T18:00Z") });
  assert.deepEqual(momentsOf("2026-01-01T20:00", "Europe/Berlin"), { kind: "one", moment: at("2026-01-01T19:00Z") });
  assert.deepEqual(momentsOf("2026-07-01T20:00:30", "UTC"), { kind: "one", moment: at("2026-07-01T20:00:30Z") });
});

test("a wall time that clocks skip is no moment", () => {
  const gap = momentsOf("2026-03-29T02:30", "Europe/Berlin");
  assert.deepEqual(gap, { kind: "gap", before: at("2026-03-29T01:30Z"), after: at("2026-03-29T00:30Z") });
  assert.equal(momentsOf("2026-03-29T01:59", "Europe/Berlin").kind, "one");
  assert.equal(momentsOf("2026-03-29T03:00", "Europe/Berlin").kind, "one");
});

test("a wall time that clocks repeat is two moments, the earlier first", () => {
  const twice = momentsOf("2026-10-25T02:30", "Europe/Berlin");
  assert.deepEqual(twice, { kind: "overlap", moments: [at("2026-10-25T00:30Z"), at("2026-10-25T01:30Z")] });
  // West of UTC, where the clock is set only after the same wall time of UTC.
  const west = momentsOf("2026-11-01T01:30", "America/New_York");
  assert.deepEqual(west, { kind: "overlap", moments: [at("2026-11-01T05:30Z"), at("2026-11-01T06:30Z")] });
  // Half an hour only.
  const half = momentsOf("2026-04-05T01:45", "Australia/Lord_Howe");
  assert.equal(half.kind, "overlap");
  assert.equal(half.moments[1] - half.moments[0], 1_800_000);
});

test("a date that does not exist is none", () => {
  for (const wall of ["2026-02-30T10:00", "2026-13-01T10:00", "2026-01-01", "soon", "", "2026-01-01T25:00"]) {
    assert.deepEqual(momentsOf(wall, "UTC"), { kind: "invalid" }, wall);
  }
});

test("a moment's wall time leads back to it", () => {
  for (const zone of ["UTC", "Asia/Kathmandu", "Pacific/Apia", "America/St_Johns"]) {
    for (const iso of ["2026-06-15T12:34:00Z", "1969-12-31T23:59:00Z"]) {
      assert.deepEqual(momentsOf(wallOf(at(iso), zone), zone), { kind: "one", moment: at(iso) }, `${zone} ${iso}`);
    }
  }
});

test("an offset is written as people write it", () => {
  const names = [
    ["UTC", "UTC"],
    ["Europe/Berlin", "UTC+1"],
    ["Asia/Kathmandu", "UTC+5:45"],
    ["America/St_Johns", "UTC−3:30"],
  ];
  for (const [zone, name] of names) assert.equal(offsetName(at("2026-01-15T00:00Z"), zone), name);
});

test("the zones to choose from have UTC once", () => {
  assert.equal(zones().filter((zone) => zone === "UTC").length, 1);
  assert.ok(zones().includes("Europe/Berlin"));
});

test("a moment is shown on the clock of its zone, and on ours if it has none", () => {
  assert.equal(timeZone(), "Europe/Berlin");
  assert.match(formatMoment("2026-07-01T18:00:00Z", "America/New_York"), /, 2:00 PM/);
  assert.match(formatMoment("2026-07-01T18:00:00Z", null), /, 8:00 PM/);
});

test("an unknown zone still gives a time, and an invalid time is shown as it is", () => {
  assert.match(formatMoment("2026-07-01T18:00:00Z", "Mars/Olympus_Mons"), /2026/);
  assert.equal(formatMoment("some day", "UTC"), "some day");
});

test("a past event shows since when it is over, if that is known", () => {
  const [starts_at, ends_at, timezone] = ["2026-07-01T18:00:00Z", "2026-07-01T20:00:00Z", "UTC"];
  assert.match(overWords({ starts_at, ends_at, timezone }), /it ended at .*, 8:00 PM/);
  assert.match(overWords({ starts_at, timezone }), /it began at .*, 6:00 PM/);
  assert.equal(overWords({}), "This event is over.");
});

test("a time over a change of clocks is shown with both offsets, and any other with one", (context) => {
  startPage(context);
  const told = (starts_at, ends_at) => whenElement({ starts_at, ends_at, timezone: "Europe/Berlin" }).children[0].textContent;
  assert.match(told("2026-10-25T00:30:00Z", "2026-10-25T01:45:00Z"), /, 2:30 AM GMT\+2 – .*, 2:45 AM GMT\+1/);
  assert.match(told("2026-03-28T23:00:00Z", "2026-03-29T02:00:00Z"), /12:00 AM GMT\+1 – .*, 4:00 AM GMT\+2/);
  assert.equal(told("2026-07-01T18:00:00Z", "2026-07-01T20:00:00Z").match(/GMT/g).length, 1);
});

/** An event over each change of the clocks of its zone, and when it is where each of them is. */
const OVER_CHANGES = [
  ["Europe/Berlin", "2026-03-28T23:30:00Z", "2026-03-29T02:00:00Z",
    ["Mar 29 00:30 GMT+1", "Mar 29 04:00 GMT+2"], ["Mar 28 19:30", "22:00 GMT-4"], ["Mar 29 10:30", "13:00 GMT+11"]],
  ["Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25T01:45:00Z",
    ["Oct 25 02:30 GMT+2", "Oct 25 02:45 GMT+1"], ["Oct 24 20:30", "21:45 GMT-4"], ["Oct 25 11:30", "12:45 GMT+11"]],
  ["America/New_York", "2026-03-08T05:30:00Z", "2026-03-08T08:00:00Z",
    ["Mar 8 06:30", "09:00 GMT+1"], ["Mar 8 00:30 GMT-5", "Mar 8 04:00 GMT-4"], ["Mar 8 16:30", "19:00 GMT+11"]],
  ["America/New_York", "2026-11-01T05:30:00Z", "2026-11-01T06:45:00Z",
    ["Nov 1 06:30", "07:45 GMT+1"], ["Nov 1 01:30 GMT-4", "Nov 1 01:45 GMT-5"], ["Nov 1 16:30", "17:45 GMT+11"]],
  ["Australia/Lord_Howe", "2026-04-04T14:45:00Z", "2026-04-04T15:30:00Z",
    ["Apr 4 16:45", "17:30 GMT+2"], ["Apr 4 10:45", "11:30 GMT-4"], ["Apr 5 01:45 GMT+11", "Apr 5 02:00 GMT+10:30"]],
  ["Australia/Lord_Howe", "2026-10-03T14:00:00Z", "2026-10-03T16:00:00Z",
    ["Oct 3 16:00", "18:00 GMT+2"], ["Oct 3 10:00", "12:00 GMT-4"], ["Oct 4 00:30 GMT+10:30", "Oct 4 03:00 GMT+11"]],
];

test("an event over a change of clocks is right where it is and where we are, in three zones", (context) => {
  startPage(context);
  context.after(() => {
    process.env.TZ = "Europe/Berlin";
    useLanguage({ language: "en", locale: "en" });
  });
  const viewers = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"];
  for (const [viewer, own] of viewers.entries()) {
    process.env.TZ = own;
    // Formats are made once for each locale, with the zone that there is then.
    useLanguage({ language: "en", locale: `en-u-${["cu-eur", "cu-usd", "cu-aud"][viewer]}-hc-h23` });
    assert.equal(timeZone(), own);
    for (const [timezone, starts_at, ends_at, ...walls] of OVER_CHANGES) {
      const when = whenElement({ starts_at, ends_at, timezone });
      const local = when.querySelector("[data-testid=event-when-local]");
      assert.equal(local === null, own === timezone, `${own}: ${timezone}`);
      assertTold(when.children[0].textContent, walls[viewers.indexOf(timezone)]);
      if (local) assertTold(local.textContent, walls[viewer]);
    }
  }
});

/** Both ends, in this order, with any text around them. */
function assertTold(text, [from, to]) {
  const plain = text
    .replace(/\s/g, " ")
    .replace(/, \d{4},?/g, "")
    .replaceAll("EST", "GMT-5")
    .replaceAll("EDT", "GMT-4")
    .replace(/GMT[\u2212-]/g, "GMT-");
  const at = plain.indexOf(from);
  assert.ok(at >= 0 && plain.indexOf(to, at + from.length) > at, `${from} and ${to} are not in ${plain}`);
  assert.equal(plain.split("GMT").length, to.includes(" GMT") && from.includes("GMT") ? 3 : 2, plain);
}

test("a zone is named if its clock differs from ours at either end", (context) => {
  startPage(context);
  const isNamed = (starts_at, ends_at) =>
    whenElement({ starts_at, ends_at, timezone: "Africa/Lagos" }).querySelector("[data-testid=event-when-local]") !== null;
  assert.equal(isNamed("2026-03-29T00:30:00Z", "2026-03-29T02:30:00Z"), true);
  assert.equal(isNamed("2026-03-28T20:30:00Z", "2026-03-28T22:30:00Z"), false);
  assert.equal(isNamed("2026-07-01T18:00:00Z", undefined), true);
});

test("times are in the language of the page, on the clock of the event", (context) => {
  context.after(() => useLanguage({ language: "en", locale: "en" }));
  useLanguage({ language: "de", locale: "de-AT" });
  assert.match(formatMoment("2026-07-01T18:00:00Z", "Europe/Vienna"), /1\. Juli 2026.*20:00/);
});

test("a countdown is shown to the second, and days without", () => {
  const shown = [
    [0, "0:00"],
    [59, "0:59"],
    [600, "10:00"],
    [3_600, "1:00:00"],
    [3_661, "1:01:01"],
    [86_400, "1 day 0 h"],
    [180_000, "2 days 2 h"],
  ];
  for (const [seconds, text] of shown) assert.equal(formatSeconds(seconds), text);
});

test("one is singular, and none are plural", () => {
  const shown = [0, 1, 2].map((count) => t("event_form.offer_days", { count }));
  assert.deepEqual(shown, ["0 days", "1 day", "2 days"]);
});
