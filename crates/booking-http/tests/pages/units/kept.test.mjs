import { answer, storage } from "./setup.mjs";
import { FakeElement, startPage } from "./elements.mjs";
import assert from "node:assert/strict";
import test from "node:test";
import { createKeepOnDevice } from "../../../../../static/js/keep_on_device.js";
import { removeKeptTicket, clearKeptTickets, keepTicket, keptTicket } from "../../../../../static/js/kept_tickets.js";
import {
  clearMine,
  removeMine,
  isMine,
  keepMine,
  myRegistrations,
  onMineChange,
  refreshMine,
} from "../../../../../static/js/my_registrations.js";
import { createManage } from "../../../../../static/js/views/manage.js";
import { mineView } from "../../../../../static/js/views/mine.js";
import { registrationView } from "../../../../../static/js/views/registration.js";

const SOON = "2099-01-01T20:00:00Z";
const EVENT = { id: "e", name: "Jazz", capacity: 3, booked_count: 1, starts_at: SOON, timezone: "UTC", status: "published", version: 1 };
const ticketOf = (id, event = EVENT) => ({ registration: { id, user_email: "ada@example.org" }, event, text: "T", svg: "<svg/>" });
const settled = async () => {
  for (let round = 0; round < 20; round += 1) await new Promise((resolve) => setImmediate(resolve));
};

/** A browser with storage, for as long as the test runs. */
function keeping(context) {
  globalThis.localStorage = storage();
  context.after(() => {
    clearMine();
    clearKeptTickets();
    delete globalThis.localStorage;
  });
}

test("a ticket that was shown is there again, once, until it is void", (context) => {
  keeping(context);
  assert.equal(keptTicket("r"), null);
  keepTicket(ticketOf("r"));
  keepTicket({ ...ticketOf("r"), text: "newer" });
  keepTicket(ticketOf("other"));
  assert.equal(keptTicket("r").text, "newer");
  assert.ok(Date.parse(keptTicket("r").kept_at) > 0);
  assert.equal(JSON.parse(localStorage.getItem("tickets")).length, 2);
  removeKeptTicket("r");
  assert.deepEqual([keptTicket("r"), keptTicket("other").text], [null, "T"]);
});

test("tickets of events that ended long ago are deleted, and of too many the oldest", (context) => {
  keeping(context);
  const over = (days) => ({ ...EVENT, over_at: new Date(Date.now() - days * 86_400_000).toISOString() });
  keepTicket(ticketOf("yesterday", over(1)));
  keepTicket(ticketOf("long", over(8)));
  assert.deepEqual([keptTicket("yesterday")?.text, keptTicket("long")], ["T", null]);
  for (let number = 0; number < 25; number += 1) keepTicket(ticketOf(`r${number}`));
  assert.equal(JSON.parse(localStorage.getItem("tickets")).length, 20);
  assert.deepEqual([keptTicket("r4"), keptTicket("r5")?.text], [null, "T"]);
});

test("data of another release in another shape is ignored", (context) => {
  keeping(context);
  localStorage.setItem("tickets", '[{"text":1}]');
  localStorage.setItem("registrations", '{"id":"r"}');
  assert.deepEqual([keptTicket("r"), myRegistrations()], [null, []]);
});

test("a registration is saved only on request, and deleted with the same tick", (context) => {
  keeping(context);
  startPage(context);
  const { node } = createKeepOnDevice("r", "token", () => EVENT);
  const [box] = node.querySelectorAll("[type=checkbox]");
  assert.deepEqual([box.checked, myRegistrations()], [false, []]);
  const tick = (isChecked) => {
    box.checked = isChecked;
    box.dispatchEvent(new Event("change"));
  };
  tick(true);
  assert.deepEqual(myRegistrations(), [
    { id: "r", token: "token", event_id: "e", name: "Jazz", starts_at: SOON, timezone: "UTC" },
  ]);
  assert.ok(createKeepOnDevice("r", "token", () => EVENT).node.querySelectorAll("[type=checkbox]")[0].checked);
  tick(false);
  assert.equal(localStorage.getItem("registrations"), null, "nothing stays behind");
});

test("a saved registration follows its event, and is deleted with its link", (context) => {
  keeping(context);
  let changes = 0;
  onMineChange(() => (changes += 1));
  refreshMine("r", "token", EVENT);
  assert.deepEqual(myRegistrations(), [], "who did not ask for it has nothing kept");
  keepMine("r", "old", EVENT);
  refreshMine("r", "old", EVENT);
  assert.equal(changes, 1, "nothing is new");
  refreshMine("r", "new", { ...EVENT, name: "Blues" });
  assert.deepEqual(myRegistrations().map(({ token, name }) => [token, name]), [["new", "Blues"]]);
  removeMine("r", "old");
  assert.ok(isMine("r"), "a dead link says nothing of a newer one");
  removeMine("r", "new");
  assert.ok(!isMine("r"));
});

test("two tabs overwrite nothing of each other's", (context) => {
  keeping(context);
  keepMine("a", "token", EVENT);
  const other = JSON.parse(localStorage.getItem("registrations"));
  localStorage.setItem("registrations", JSON.stringify([...other, { ...other[0], id: "b" }]));
  keepMine("c", "token", EVENT);
  assert.deepEqual(myRegistrations().map(({ id }) => id), ["a", "b", "c"]);
});

test("the page of saved registrations leads to each, and deletes one or all of them after a confirmation", (context) => {
  keeping(context);
  startPage(context);
  keepMine("a", "token/1", EVENT);
  keepMine("b", "token", { ...EVENT, name: "Blues" });
  keepTicket(ticketOf("b"));
  const root = new FakeElement();
  mineView({ root, signal: new AbortController().signal, setTitle() {} });
  const rows = () => root.querySelectorAll("[data-testid=mine]");
  const links = () => rows().flatMap((row) => row.querySelectorAll("a")).map((link) => [link.textContent, link.attributes.get("href")]);
  assert.deepEqual(links(), [["Blues", "/r/b#token"], ["Jazz", "/r/a#token%2F1"]]);
  const press = (testid) => root.querySelectorAll(`[data-testid=${testid}]`)[0].click();
  press("forget-one");
  press("forget-mine-no");
  assert.equal(rows().length, 2);
  press("forget-one");
  press("forget-mine-yes");
  assert.deepEqual([links().length, isMine("b"), keptTicket("b")], [1, false, null]);
  press("forget-all");
  press("forget-mine-yes");
  assert.deepEqual([rows().length, root.querySelectorAll("[data-testid=mine-none]")[0].hidden], [0, false]);
});

/** The page of a registration, without a network or with one that says so. */
async function open(context, answered, event = EVENT) {
  const page = startPage(context, "connection", "main");
  page.hidden = false;
  globalThis.location = { origin: "https://booking.example" };
  const ending = new AbortController();
  context.after(() => {
    ending.abort();
    delete globalThis.location;
  });
  const state = { answered };
  context.mock.method(globalThis, "fetch", async (path) => {
    if (state.answered === "lost") throw new TypeError("no network");
    if (path === "/events/e") return answer(200, event);
    if (path === "/registrations/r") {
      const body = { id: "r", event_id: "e", user_email: "ada@example.org", name: "Ada", status: "confirmed", created_at: SOON };
      return answer(state.answered, state.answered === 200 ? body : { status: state.answered });
    }
    if (path === "/registrations/r/ticket") return answer(200, { ticket: "TEXT" });
    if (path === "/registrations/r/ticket.svg") return answer(200, "<svg/>", { "Content-Type": "image/svg+xml" });
    return answer(404, {});
  });
  const timers = [];
  context.mock.method(globalThis, "setTimeout", (run, ms) => timers.push({ run, ms }));
  context.mock.method(globalThis, "clearTimeout", () => {});
  const root = new FakeElement();
  registrationView({ root, signal: ending.signal, setTitle() {} }, "r", "token");
  await settled();
  const again = async () => {
    for (const { run, ms } of timers.splice(0)) if (ms < 40_000) run();
    await settled();
  };
  const text = (testid) => root.querySelectorAll(`[data-testid=${testid}]`)[0]?.textContent;
  return { state, root, again, text, timers };
}

test("a ticket is shown offline once it was shown online, with the name on it", async (context) => {
  keeping(context);
  const first = await open(context, 200);
  assert.deepEqual([first.text("ticket-text"), keptTicket("r").registration.name], ["TEXT", "Ada"]);
  const { state, root, again, text } = await open(context, "lost");
  assert.deepEqual([text("ticket-text"), text("registration-name")], ["TEXT", "Ada"]);
  const [kept] = root.querySelectorAll("[data-testid=kept-ticket]");
  await again();
  assert.equal(root.querySelectorAll("[data-testid=kept-ticket]")[0], kept, "it is not drawn anew");
  state.answered = 200;
  await again();
  assert.equal(root.querySelectorAll("[data-testid=kept-ticket]").length, 0);
  assert.ok(root.querySelectorAll("[data-testid=registration-page]").length === 1);
});

test("the ticket of a past event stays, without the actions to scan, cancel or transfer it", async (context) => {
  keeping(context);
  const hint = ({ text }) => [text("ticket-text"), text("ticket-hint")];
  const isManaged = ({ root }) => !root.querySelectorAll("[data-testid=manage]")[0].hidden;
  const before = await open(context, 200);
  assert.match(hint(before).join(), /^TEXT,Let them scan it/);
  assert.ok(isManaged(before), "the negative control");
  const ago = (ms) => new Date(Date.now() - ms).toISOString();
  const over = { ...EVENT, starts_at: ago(7_200_000), over_at: ago(3_600_000) };
  const after = await open(context, 200, over);
  assert.match(hint(after).join(), /^TEXT,This event is over/);
  assert.ok(!isManaged(after));
  // From this device, too.
  const { text } = await open(context, "lost");
  assert.match(hint({ text }).join(), /^TEXT,This event is over/);
});

test("a request from before the event's end is answered", (context) => {
  startPage(context);
  const manage = createManage({ id: "r" }, { signal: new AbortController().signal, onCancelled() {}, onPassedOn() {} });
  const registration = { id: "r", user_email: "ada@example.org", status: "confirmed" };
  manage.update(registration, false);
  const [yes] = manage.node.querySelectorAll("[data-testid=cancel-registration-yes]");
  yes.setAttribute("aria-disabled", "true");
  manage.update(registration, true);
  assert.ok(!manage.node.hidden, "its answer is awaited");
  yes.removeAttribute("aria-disabled");
  manage.update(registration, true);
  assert.ok(manage.node.hidden);
});

test("without a saved ticket none is shown, and a dead link deletes it", async (context) => {
  keeping(context);
  const { root } = await open(context, "lost");
  assert.equal(root.querySelectorAll("[data-testid=load-error]").length, 1);
  keepTicket(ticketOf("r"));
  keepMine("r", "token", EVENT);
  await open(context, 403);
  assert.deepEqual([keptTicket("r"), isMine("r")], [null, false]);
});

test("an idle ticket refreshes once a minute, and at once on input", async (context) => {
  keeping(context);
  const clock = context.mock.method(Date, "now", () => 0);
  const { timers, again } = await open(context, 200);
  const pace = () => timers.at(-1).ms;
  assert.ok(pace() < 5_000, String(pace()));
  clock.mock.mockImplementation(() => 70_000);
  await again();
  assert.ok(pace() > 50_000, String(pace()));
  timers.length = 0;
  document.dispatchEvent(new Event("pointerdown"));
  await settled();
  assert.ok(timers.some(({ ms }) => ms < 5_000), "it has asked, and goes on as at first");
});
