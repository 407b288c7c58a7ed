import "./setup.mjs";
import { FakeElement, startPage } from "./elements.mjs";
import assert from "node:assert/strict";
import test from "node:test";
import { contactHref } from "../../../../../static/js/contact_link.js";
import { mapUrl, siteOf } from "../../../../../static/js/place_link.js";
import { googleUrl, outlookUrl } from "../../../../../static/js/calendar_links.js";
import { shareElement } from "../../../../../static/js/share.js";
import { createEventAction } from "../../../../../static/js/views/event_action.js";
import { createCalendarLinks } from "../../../../../static/js/views/event_facts.js";

const settled = () => new Promise((resolve) => setImmediate(resolve));
const EVENT = {
  name: "Jazz & more = fun?",
  venue: "The cellar, Köln",
  starts_at: "2027-10-31T03:30:12.5+02:00",
  ends_at: "2027-10-31T05:00:00Z",
};
const ADDRESS = "https://booking.example/#/events/e";

test("a calendar gets the event to the second, in UTC, and the name cannot leave its field", () => {
  const google = new URL(googleUrl(EVENT, ADDRESS)).searchParams;
  assert.deepEqual(Object.fromEntries(google), {
    action: "TEMPLATE",
    text: EVENT.name,
    dates: "20271031T013012Z/20271031T050000Z",
    details: ADDRESS,
    location: EVENT.venue,
  });
  const outlook = new URL(outlookUrl(EVENT, ADDRESS)).searchParams;
  assert.deepEqual(Object.fromEntries(outlook), {
    path: "/calendar/action/compose",
    rru: "addevent",
    subject: EVENT.name,
    startdt: "2027-10-31T01:30:12Z",
    enddt: "2027-10-31T05:00:00Z",
    body: ADDRESS,
    location: EVENT.venue,
  });
});

test("an event without an end or a place omits them", () => {
  const bare = { ...EVENT, ends_at: null, venue: null };
  const google = new URL(googleUrl(bare, ADDRESS)).searchParams;
  assert.equal(google.get("dates"), "20271031T013012Z/20271031T013012Z");
  assert.ok(!google.has("location"));
  const outlook = new URL(outlookUrl(bare, ADDRESS)).searchParams;
  assert.ok(!outlook.has("enddt") && !outlook.has("location"));
});

test("the way to a place is shown without a date, too, and none to a past event", (context) => {
  startPage(context);
  globalThis.location = { origin: "https://booking.example" };
  context.after(() => delete globalThis.location);
  const links = createCalendarLinks();
  const shown = (event) => {
    links.update({ id: "e", status: "published", capacity: 1, booked_count: 0, ...event });
    return links.node.hidden ? null : links.node.querySelectorAll("a").map((link) => link.attributes.get("data-testid"));
  };
  const venue = "Blaue Gasse 5, Köln";
  const calendars = ["calendar-google", "calendar-outlook", "add-to-calendar"];
  const [starts_at, gone] = ["2099-10-31T03:30:00Z", "2020-10-31T03:30:00Z"];
  assert.deepEqual(shown({ venue }), ["venue-map"]);
  assert.deepEqual(shown({ venue, starts_at }), [...calendars, "venue-map"]);
  assert.deepEqual(shown({ venue: "The cellar", starts_at }), calendars);
  assert.deepEqual([shown({}), shown({ venue: "The cellar" }), shown({ venue, starts_at: gone })], [null, null, null]);
  assert.equal(shown({ venue, status: "cancelled" }), null);
});

test("a contact leads to a mail or a page, and to nothing that runs", () => {
  for (const [contact, href] of [
    ["club@jazz.example", "mailto:club@jazz.example"],
    ["a&b?c=d@jazz.example", "mailto:a%26b%3Fc%3Dd@jazz.example"],
    ["https://jazz.example/contact?a=b#c", "https://jazz.example/contact?a=b#c"],
    ["javascript:alert(1)@jazz.example", "mailto:javascript%3Aalert(1)@jazz.example"],
  ]) {
    assert.equal(contactHref(contact), href);
  }
  for (const contact of ["javascript:alert(1)", "data:text/html,x", "//jazz.example", "jazz.example", "https://jazz.example/ x", ""]) {
    assert.equal(contactHref(contact), null, contact);
  }
});

/** The links to pass a page on, in a browser that has these. */
function share(context, browser) {
  startPage(context);
  const before = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  Object.defineProperty(globalThis, "navigator", { value: { onLine: true, ...browser }, configurable: true });
  context.after(() => Object.defineProperty(globalThis, "navigator", before));
  context.mock.method(globalThis, "setTimeout", () => {});
  const node = shareElement(() => ({ title: "Jazz", url: ADDRESS }));
  const [own, copy] = node.querySelectorAll("button[data-testid]");
  return { own, copy, said: node.children[2] };
}

test("the device's own sharing is used, and can be used again after it was dismissed", async (context) => {
  const shared = [];
  const mock = async (what) => {
    shared.push(what);
    throw new DOMException("no", "AbortError");
  };
  const { own, said } = share(context, { share: mock });
  assert.ok(!own.hidden);
  own.click();
  await settled();
  assert.deepEqual([shared, said.textContent], [[{ title: "Jazz", url: ADDRESS }], ""]);
});

test("else the address is copied, or shown where that is not allowed", async (context) => {
  const copied = [];
  const { own, copy, said } = share(context, { clipboard: { writeText: async (text) => void copied.push(text) } });
  assert.ok(own.hidden);
  copy.click();
  await settled();
  assert.deepEqual([copied, said.textContent], [[ADDRESS], "Copied."]);
});

test("the main action is on the stub, and at the foot while the form is out of sight", (context) => {
  startPage(context);
  const observers = [];
  globalThis.IntersectionObserver = class {
    constructor(tell) {
      observers.push(tell);
    }
    observe() {}
    disconnect() {}
  };
  const form = new FakeElement("form");
  let pressed = 0;
  const action = createEventAction(form, new AbortController().signal, () => (pressed += 1));
  delete globalThis.IntersectionObserver;
  const [onStub] = action.stub.querySelectorAll("button[data-testid]");
  const [inBar] = action.bar.querySelectorAll("button[data-testid]");
  const event = { capacity: 10, booked_count: 9, available: 1, opens_at: null };
  action.update(event, "register");
  assert.deepEqual([onStub.textContent, onStub.hidden, action.bar.hidden], ["Register", false, false]);
  assert.equal(action.bar.children[0].textContent, "1 seat left");
  inBar.click();
  onStub.click();
  assert.equal(pressed, 2);
  observers[0]([{ target: form, isIntersecting: true }]);
  assert.ok(action.bar.hidden, "the form is before them");
  observers[0]([{ target: form, isIntersecting: false }]);
  action.update(event, "waitlist");
  assert.deepEqual([inBar.textContent, action.bar.hidden], ["Join the waitlist", false]);
  action.update(event, null);
  assert.deepEqual([action.stub.hidden, action.bar.hidden], [true, true]);

  context.mock.method(Date, "now", () => Date.parse("2026-07-01T12:00:00Z"));
  const told = ["2026-07-03T11:30:30Z", "2026-07-01T13:05:00Z", "2026-07-01T12:02:00Z", "2026-07-01T12:00:05Z"].map((opens_at) => {
    action.update({ ...event, opens_at }, "upcoming");
    assert.ok(onStub.hidden && !action.stub.hidden && action.bar.hidden);
    return action.stub.children[1].textContent;
  });
  assert.deepEqual(told, ["Opens in 1 d 23 h", "Opens in 1 h 5 min", "Opens in 2 min", "Opens in a minute"]);
});

test("an address leads to a map, an online venue to its site, and a mere name to nothing", () => {
  const map = "https://www.openstreetmap.org/search?query=";
  for (const [venue, site, led] of [
    ["Kastanienallee 7, Berlin", null, `${map}Kastanienallee+7%2C+Berlin`],
    ["A & B; 東京都千代田区1", null, `${map}A+%26+B%3B+%E6%9D%B1%E4%BA%AC%E9%83%BD%E5%8D%83%E4%BB%A3%E7%94%B0%E5%8C%BA1`],
    ["The cellar", null, null],
    ["Hall", null, null],
    ["12", null, null],
    ["Saal 3", null, null],
    ["Room 101", null, null],
    ["Zoom 123 456 789", null, null],
    ["Online, Passwort 1234", null, null],
    ["", null, null],
    ["https://meet.example/room7", "https://meet.example/room7", null],
    ["javascript:alert(1)//https://a.example", null, null],
    ["https://a.example and more", null, null],
  ]) {
    assert.equal(siteOf(venue), site, venue);
    if (!venue.includes("a.example")) assert.equal(mapUrl(venue), led, venue);
  }
});
