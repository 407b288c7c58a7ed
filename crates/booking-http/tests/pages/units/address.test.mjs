import assert from "node:assert/strict";
import test from "node:test";
import { eventAddress, parseAddress, registrationAddress } from "../../../../../static/js/address.js";

test("what is written is read", () => {
  for (const id of ["019606a8", "a/b c", "ä%2F#?"]) {
    assert.deepEqual(parseAddress(eventAddress(id)), { page: "event", id });
    assert.deepEqual(parseAddress(eventAddress(id, "edit")), { page: "edit", id });
    assert.deepEqual(parseAddress(eventAddress(id, "check_in")), { page: "check_in", id });
    assert.deepEqual(parseAddress(registrationAddress(id, "t/k")), { page: "registration", id, token: "t/k" });
  }
});

test("the address of the check-in page stays what it was", () => {
  assert.equal(eventAddress("1", "check_in"), "#/events/1/door");
});

test("pages without an id", () => {
  for (const hash of ["", "#", "#/"]) assert.deepEqual(parseAddress(hash), { page: "list" });
  assert.deepEqual(parseAddress("#/new"), { page: "create" });
  assert.deepEqual(parseAddress("#/organizer"), { page: "organizer" });
  assert.deepEqual(parseAddress("#/find"), { page: "find" });
});

test("what leads nowhere is missing", () => {
  const wrong = ["#/nowhere", "#/events", "#/events/", "#/events/1/else", "#/events/1/edit/more", "#/registrations/1"];
  for (const hash of [...wrong, "#/registrations/1/", "#/registrations/1/2/3", "#/News"]) {
    assert.deepEqual(parseAddress(hash), { page: "missing" }, hash);
  }
});

test("a link that was pasted is read without what cannot be seen around it", () => {
  const hash = `#/registrations/1/${encodeURIComponent("\u200bsecret\u00a0")}`;
  assert.deepEqual(parseAddress(hash), { page: "registration", id: "1", token: "secret" });
});

test("what is no text as it is encoded is taken as it stands", () => {
  assert.deepEqual(parseAddress("#/events/100%"), { page: "event", id: "100%" });
});
