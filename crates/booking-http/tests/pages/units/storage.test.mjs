import { storage } from "./setup.mjs";
import assert from "node:assert/strict";
import test from "node:test";
import { currentHold } from "../../../../../static/js/current_hold.js";
import { createStoredJson, createStoredText, isRecord } from "../../../../../static/js/storage.js";

test("a stored value is there for the next page, and a removed one is not", () => {
  const shared = storage();
  createStoredText(() => shared, "name").set("text");
  assert.equal(createStoredText(() => shared, "name").get(), "text");
  createStoredText(() => shared, "name").set(null);
  assert.equal(createStoredText(() => shared, "name").get(), null);
});

test("where storage is forbidden it lasts as long as the page", () => {
  const forbidden = storage({ isForbidden: true });
  const missing = () => {
    throw new Error("SecurityError");
  };
  for (const place of [() => forbidden, missing]) {
    const entry = createStoredText(place, "name");
    assert.equal(entry.get(), null);
    entry.set("text");
    assert.equal(entry.get(), "text");
    entry.set(null);
    assert.equal(entry.get(), null);
  }
});

test("a value of another shape is ignored", () => {
  const hasId = (value) => isRecord(value) && typeof value.id === "string";
  for (const [text, expected] of [
    ['{"id":"1"}', { id: "1" }],
    ['{"id":1}', null],
    ["null", null],
    ["{", null],
    ['"text"', null],
  ]) {
    const shared = storage();
    shared.setItem("name", text);
    assert.deepEqual(createStoredJson(() => shared, "name", hasId).get(), expected, text);
  }
});

test("a hold is stored for its event alone", (context) => {
  globalThis.sessionStorage = storage();
  context.after(() => delete globalThis.sessionStorage);
  const held = { id: "1", token: "t", email: "ada@example.org", expires_at: "2026-07-01T18:00:00Z" };
  currentHold("jazz").set(held);
  assert.deepEqual(currentHold("jazz").get(), held);
  assert.equal(currentHold("blues").get(), null);
  currentHold("jazz").set(null);
  assert.equal(currentHold("jazz").get(), null);
});
