import { storage } from "./setup.mjs";
import { FakeElement, startPage } from "./elements.mjs";
import assert from "node:assert/strict";
import test from "node:test";
import { deleteEventDrafts, keepDraft } from "../../../../../static/js/draft.js";
import { guardLeaving } from "../../../../../static/js/leave_guard.js";
import { createTicketPreview } from "../../../../../static/js/views/ticket_preview.js";

/** A form with a text, a secret, a tick and a choice of two, and ways to fill them in. */
function startForm() {
  const form = new FakeElement("form");
  const field = (name, type, value, checked) => {
    const made = Object.assign(new FakeElement("input"), { name, type, value, checked });
    form.append(made);
    return made;
  };
  const fields = {
    name: field("name", "text", "Jazz"),
    secret: field("secret", "password", ""),
    draft: field("draft", "checkbox", "on", false),
    first: field("twice", "radio", "0", true),
    second: field("twice", "radio", "1", false),
  };
  const type = (name, text) => {
    fields[name].value = text;
    form.dispatchEvent(new Event("input"));
  };
  const tick = (name, isTicked) => {
    fields[name].checked = isTicked;
    form.dispatchEvent(new Event("change"));
  };
  return { form, fields, type, tick };
}

/** A tab with storage. The modules' state would outlast the test. */
function startTab(context) {
  globalThis.sessionStorage = storage();
  context.after(() => {
    for (const { key } of JSON.parse(sessionStorage.getItem("drafts") ?? "[]")) keepDraft(startForm().form, key).done();
    delete globalThis.sessionStorage;
  });
}

test("a draft is restored, and has only the changed fields", (context) => {
  startTab(context);
  const before = startForm();
  const draft = keepDraft(before.form, "register:1");
  assert.deepEqual([draft.isRestored, draft.isDirty()], [false, false]);
  before.type("name", "Blues");
  before.type("secret", "password");
  before.tick("draft", true);
  assert.doesNotMatch(sessionStorage.getItem("drafts"), /password/);

  const after = startForm();
  let heard = 0;
  after.fields.name.addEventListener("input", () => (heard += 1));
  const restored = keepDraft(after.form, "register:1");
  assert.deepEqual([restored.isRestored, restored.isDirty(), heard], [true, true, 1]);
  assert.deepEqual([after.fields.name.value, after.fields.draft.checked, after.fields.secret.value], ["Blues", true, ""]);
  assert.ok(after.fields.first.checked && !after.fields.second.checked);
  assert.ok(!keepDraft(startForm().form, "register:2").isRestored, "another form has another one");

  restored.startOver();
  assert.deepEqual([after.fields.name.value, after.fields.draft.checked], ["Jazz", false]);
  assert.ok(!keepDraft(startForm().form, "register:1").isRestored);
});

test("one of several boxes is saved as it is chosen", (context) => {
  startTab(context);
  const before = startForm();
  keepDraft(before.form, "register:3");
  before.tick("first", false);
  before.tick("second", true);
  const after = startForm();
  keepDraft(after.form, "register:3");
  assert.deepEqual([after.fields.first.checked, after.fields.second.checked], [false, true]);
});

test("a form that was sent, or put back by hand, leaves no draft", (context) => {
  startTab(context);
  const { form, type } = startForm();
  const draft = keepDraft(form, "register:4");
  type("name", "Blues");
  type("name", "Jazz");
  assert.equal(sessionStorage.getItem("drafts"), null);
  type("name", "Blues");
  draft.done();
  assert.deepEqual([sessionStorage.getItem("drafts"), draft.isDirty()], [null, false]);
});

test("changes by others are not taken for a draft", (context) => {
  startTab(context);
  const { form, fields, type, tick } = startForm();
  const draft = keepDraft(form, "event:5");
  type("name", "Blues");
  // As it comes in from the server.
  tick("draft", true);
  draft.rebase(["name"]);
  assert.deepEqual(JSON.parse(sessionStorage.getItem("drafts")), [{ key: "event:5", written: { name: "Blues" } }]);
  const after = startForm();
  keepDraft(after.form, "event:5");
  assert.deepEqual([fields.draft.checked, after.fields.draft.checked], [true, false]);
});

test("signing out deletes drafts of events, and only a few drafts are stored", (context) => {
  startTab(context);
  for (let number = 0; number < 12; number += 1) {
    const { form, type } = startForm();
    keepDraft(form, number % 2 ? `event:6${number}` : `register:6${number}`);
    type("name", "Blues");
  }
  const keys = () => JSON.parse(sessionStorage.getItem("drafts")).map(({ key }) => key);
  assert.equal(keys().length, 10);
  deleteEventDrafts();
  assert.ok(keys().length > 0 && keys().every((key) => key.startsWith("register")), String(keys()));
});

/** Clicks a link while a form is in this state, and returns the result. */
function click(context, isDirty, options = {}, attributes = { href: "#/" }) {
  const page = startPage(context);
  const [body, link] = [new FakeElement("body"), new FakeElement("a")];
  page.body = body;
  globalThis.Element = globalThis.HTMLElement = FakeElement;
  context.after(() => {
    delete globalThis.Element;
    delete globalThis.HTMLElement;
  });
  link.closest = () => link;
  for (const [name, value] of Object.entries(attributes)) link.setAttribute(name, value);
  link.getAttribute = (name) => link.attributes.get(name) ?? null;
  let followed = 0;
  link.addEventListener("click", () => {
    followed += 1;
    page.dispatchEvent(clickOn(link, options));
  });
  const ending = new AbortController();
  guardLeaving(() => isDirty, ending.signal);
  const { createElement } = page;
  page.createElement = (tag) => {
    const made = createElement(tag);
    made.remove = () => {
      made.isConnected = false;
    };
    made.showModal = () => {
      made.open = true;
    };
    made.close = () => {
      made.open = false;
      made.dispatchEvent(new Event("close"));
    };
    return made;
  };
  const event = clickOn(link, options);
  page.dispatchEvent(event);
  return { event, body, ending, dialog: body.children[0], followed: () => followed };
}

/** As the document hears of it. */
function clickOn(link, options) {
  const event = Object.assign(new Event("click", { cancelable: true }), { button: 0, ...options });
  Object.defineProperty(event, "target", { value: link });
  return event;
}

test("leaving a form that was begun is confirmed, and loses nothing", (context) => {
  const stayed = click(context, true);
  assert.ok(stayed.event.defaultPrevented && stayed.dialog.open);
  stayed.dialog.querySelectorAll("[data-testid=leave-no]")[0].click();
  assert.deepEqual([stayed.followed(), stayed.dialog.isConnected], [0, false]);
  const left = click(context, true);
  left.dialog.querySelectorAll("[data-testid=leave-yes]")[0].click();
  assert.deepEqual([left.followed(), left.body.children.length], [1, 1], "it is asked once");
  const gone = click(context, true);
  gone.ending.abort();
  assert.ok(!gone.dialog.isConnected, "whoever has left otherwise is not asked any more");
});

test("no confirmation is asked without a draft, or if the page stays as it is", (context) => {
  for (const [isDirty, options] of [[false, {}], [true, { ctrlKey: true }], [true, { button: 1 }]]) {
    const { event, dialog } = click(context, isDirty, options);
    assert.deepEqual([event.defaultPrevented, dialog], [false, undefined]);
  }
  for (const attributes of [{ href: "#main" }, { href: "/x", target: "_blank" }, { href: "/x.ics", download: "" }]) {
    assert.equal(click(context, true, {}, attributes).dialog, undefined, JSON.stringify(attributes));
  }
  assert.ok(click(context, true, {}, { href: "/o/new" }).dialog);
});

test("the ticket shows the form's current values, and waits for missing ones", (context) => {
  startPage(context);
  const form = new FakeElement("form");
  let values = { name: "\u200b", starts_at: null, timezone: "Europe/Berlin", venue: null, capacity: Number("many") };
  const { node } = createTicketPreview(form, () => values);
  const [body, stub] = node.children[0].children;
  const shown = () => [...body.children.slice(1), ...stub.children].map(({ textContent }) => textContent);
  assert.deepEqual(shown(), ["The name of your event", "Without a date", "", "Seats"]);
  values = { name: "Jazz", starts_at: "2026-12-31T23:30:00Z", timezone: "Europe/Berlin", venue: "The cellar", capacity: 1 };
  form.dispatchEvent(new Event("input"));
  const [name, when, ...rest] = shown();
  assert.deepEqual([name, rest], ["Jazz", ["The cellar", "1 seat"]]);
  assert.match(when, /Jan 1, 2027/);
  assert.equal(body.children[0].children[1].textContent, "1");
});
