import { answer, serve } from "./setup.mjs";
import { FakeElement, startPage } from "./elements.mjs";
import assert from "node:assert/strict";
import test from "node:test";
import { findView } from "../../../../../static/js/views/find.js";

const settled = () => new Promise((resolve) => setImmediate(resolve));

/** The page on which an attendee enters an address and sends it. */
async function ask(context, address) {
  startPage(context);
  const root = new FakeElement();
  findView({ root, signal: new AbortController().signal, setTitle() {} });
  const [form] = root.querySelectorAll("[data-testid=find-form]");
  const [field] = form.querySelectorAll("[name=user_email]");
  field.value = address;
  form.dispatchEvent(new Event("submit"));
  for (let round = 0; round < 20; round += 1) await settled();
  const [outcome] = root.querySelectorAll("[data-testid=outcome]");
  return { field, outcome: outcome?.attributes.get("data-outcome"), title: outcome?.children[0].textContent };
}

test("an attendee who asks for their links gets the same answer for every address, and one request is sent", async (context) => {
  const asked = serve(context, answer(202, { status: "accepted" }));
  const { field, outcome } = await ask(context, " ada@example.org ");
  assert.deepEqual([outcome, field.value], ["asked", ""]);
  assert.deepEqual(
    asked.map(({ method, path, body }) => [method, path, body]),
    [["POST", "/registrations/find", '{"user_email":"ada@example.org"}']],
  );
});

test("no request is sent without an address", async (context) => {
  const asked = serve(context, answer(202, {}));
  assert.equal((await ask(context, " \u200b")).outcome, "invalid");
  assert.deepEqual(asked, []);
});

test("a server without mail is explained", async (context) => {
  serve(context, answer(404, { code: "not_found", detail: "no such thing" }));
  const { outcome, title } = await ask(context, "ada@example.org");
  assert.equal(outcome, "error");
  assert.equal(title, "This server sends no mail");
});
