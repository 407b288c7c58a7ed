import assert from "node:assert/strict";
import test from "node:test";
import { eventAddress, isCutOff, isOldAddress, pageAddress, parseAddress, registrationAddress, writtenAddress } from "../../../../../static/js/address.js";

test("a written address is read back", () => {
  for (const id of ["019606a8", "a/b c", "ä%2F#?"]) {
    assert.deepEqual(parseAddress(eventAddress(id)), { page: "event", id });
    assert.deepEqual(parseAddress(eventAddress(id, "edit")), { page: "edit", id });
    assert.deepEqual(parseAddress(eventAddress(id, "check_in")), { page: "check_in", id });
    assert.deepEqual(parseAddress(registrationAddress(id, "t/k")), { page: "registration", id, token: "t/k" });
  }
});

test("each page has its path, and opening a registration returns to it", () => {
  assert.equal(eventAddress("1"), "/e/1");
  assert.equal(eventAddress("1", "check_in"), "/o/e/1/door");
  assert.equal(registrationAddress("1", "secret"), "/r/1#secret");
  for (const page of ["list", "create", "organizer", "find"]) assert.deepEqual(parseAddress(pageAddress(page)), { page });
  assert.deepEqual(parseAddress("/templates/index.html"), { page: "list" });
  assert.deepEqual(parseAddress("/o/"), { page: "organizer" });
});

test("former addresses lead to their replacements", () => {
  for (const [old, written] of [
    ["/#/", "/"],
    ["/#/new", "/o/new"],
    ["/#/organizer", "/o"],
    ["/#/find", "/find"],
    ["/#/events/1", "/e/1"],
    ["/e/2#/events/1", "/e/1"],
    ["/#/events/1/edit", "/o/e/1/edit"],
    ["/#/events/1/door", "/o/e/1/door"],
    ["/templates/index.html#/registrations/1/secret", "/r/1#secret"],
    ["/#/nowhere", null],
  ]) {
    assert.equal(writtenAddress(parseAddress(old)), written, old);
    assert.ok(isOldAddress(old.slice(old.indexOf("#"))));
  }
  for (const hash of ["", "#", "#main", "#secret"]) assert.ok(!isOldAddress(hash));
});

test("pages without an id", () => {
  for (const hash of ["", "#", "#/"]) assert.deepEqual(parseAddress(hash), { page: "list" });
  assert.deepEqual(parseAddress("#/new"), { page: "create" });
  assert.deepEqual(parseAddress("#/organizer"), { page: "organizer" });
  assert.deepEqual(parseAddress("#/find"), { page: "find" });
});

test("an unknown address is missing", () => {
  const wrong = ["#/nowhere", "#/events", "#/events/", "#/events/1/else", "#/events/1/edit/more", "#/registrations/1"];
  const paths = ["/e", "/e/", "/e/1/2", "/r/1", "/r/1#", "/o/e/1", "/o/e/1/else", "/nowhere", "/problems", "/docs", "/events/1"];
  for (const hash of [...wrong, ...paths, "#/registrations/1/", "#/registrations/1/2/3", "#/News"]) {
    assert.deepEqual(parseAddress(hash), { page: "missing" }, hash);
  }
});

test("a truncated link of a registration is recognized", () => {
  for (const cut of ["/r/1", "/r/1/", "/r/1#", "/#/registrations/1", "/#/registrations/1/"]) assert.ok(isCutOff(cut), cut);
  for (const other of ["/r/", "/r/1/2", "/r/1#secret", "/nowhere", "/e/1", "/#/registrations/1/secret", "/#/registrations/"]) {
    assert.ok(!isCutOff(other), other);
  }
});

test("a pasted link is read without invisible characters around it", () => {
  const hash = `#/registrations/1/${encodeURIComponent("\u200bsecret\u00a0")}`;
  assert.deepEqual(parseAddress(hash), { page: "registration", id: "1", token: "secret" });
});

test("invalid percent-encoding is taken literally", () => {
  assert.deepEqual(parseAddress("#/events/100%"), { page: "event", id: "100%" });
});
