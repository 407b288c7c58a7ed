import "./setup.mjs";
import { FakeElement, startPage } from "./elements.mjs";
import assert from "node:assert/strict";
import test from "node:test";
import { takeRendered } from "../../../../../static/js/rendered.js";

/** A page with the data of an event, and a form that was begun. */
function open(context) {
  const page = startPage(context, "event-data");
  const data = page.getElementById("event-data");
  Object.assign(data, {
    dataset: { id: "e1", etag: '"3"' },
    textContent: '{"id":"e1","name":"\\u003c/script\\u003e"}',
    remove: () => page.replaceChildren(),
  });
  const field = Object.assign(new FakeElement("input"), { type: "text", name: "user_email", value: "ada@" });
  const key = Object.assign(new FakeElement("input"), { type: "hidden", name: "key", value: "secret" });
  const form = new FakeElement("form");
  form.append(key, field);
  page.querySelector = (selector) =>
    ({ "[data-description]": { childNodes: ["<p>"] }, "main form[method=post]": form })[selector] ?? null;
  page.activeElement = field;
  const byId = new Map([["event-data", data]]);
  page.getElementById = (id) => (page.children.length > 0 ? byId.get(id) : null);
}

test("the data of the page is taken over once, with the input made by then", (context) => {
  open(context);
  assert.equal(takeRendered("e2"), null, "of another event there is nothing");
  const taken = takeRendered("E1");
  assert.deepEqual(taken.event, { id: "e1", name: "</script>" });
  assert.equal(taken.etag, '"3"');
  assert.deepEqual(taken.description, ["<p>"]);
  assert.deepEqual([...taken.typed.values], [["user_email", "ada@"]], "and nothing that nobody wrote");
  assert.equal(taken.typed.focused, "user_email");
  assert.equal(takeRendered("e1"), null);
});
