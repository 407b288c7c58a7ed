import { answer, serve, storage } from "./setup.mjs";
import assert from "node:assert/strict";
import test from "node:test";
import { explain, explainRead } from "../../../../../static/js/explain.js";
import { ConnectionError, ProblemError } from "../../../../../static/js/http.js";
import { explainRefusal, welcome } from "../../../../../static/js/registering.js";
import { currentSession, loadSession, may, mayPutUp, onSessionChange, signIn, signOut } from "../../../../../static/js/session.js";

const NOTHING = "Nothing was booked.";
const problem = (status, body = {}, retryAfter = null) => new ProblemError(status, body, retryAfter);

test("an unsent request did nothing, and one that may have been sent may have worked", () => {
  const offline = explain(new ConnectionError(false, null), NOTHING);
  assert.equal(offline.kind, "error");
  assert.match(offline.text, /Nothing was sent\. Nothing was booked\./);
  for (const error of [new ConnectionError(true, null), problem(502), problem(504)]) {
    const { kind, text, canRetry } = explain(error, NOTHING);
    assert.deepEqual([kind, canRetry], ["unknown", true]);
    assert.doesNotMatch(text, /Nothing was booked/);
  }
});

test("an outcome that the server does not know is unknown here, too", () => {
  assert.equal(explain(problem(500, { code: "outcome_unknown" }), NOTHING).kind, "unknown");
});

test("errors of fields are shown at the fields", () => {
  const errors = [{ pointer: "/user_email", detail: "must have an @" }];
  assert.deepEqual(explain(problem(400, { errors }), NOTHING), {
    kind: "invalid",
    title: "Please check the form",
    text: "Nothing was booked. What is wrong is said beside each field.",
    errors,
  });
  assert.equal(explain(problem(400, { errors: [] }), NOTHING).kind, "error");
});

test("the caller's own words come first", () => {
  const known = { sold_out: () => ({ kind: "sold_out", title: "Full", text: "" }) };
  const outcome = explain(problem(409, { code: "sold_out", request_id: "q" }), NOTHING, known);
  assert.deepEqual([outcome.title, outcome.problem.request_id], ["Full", "q"]);
});

test("a code that is a member of every object is an unknown refusal", () => {
  for (const code of ["constructor", "toString", "__proto__"]) {
    assert.equal(explain(problem(409, { code, detail: "no" }), NOTHING, {}).title, "That did not work", code);
  }
});

test("a rate-limited visitor sees when to try again", () => {
  const later = (seconds) => explain(problem(429, { code: "rate_limited", detail: "slow down" }, seconds), NOTHING);
  assert.match(later(30).text, /Slow down\. Nothing was booked\. Try again in a minute\./);
  assert.match(later(61).text, /in 2 minutes\./);
  // Also by a proxy. It was tried once, as the wait is too long.
  const byProxy = explain(problem(429, {}, 61), NOTHING);
  assert.match(byProxy.text, /Nothing was booked\. Try again in 2 minutes\./);
  assert.doesNotMatch(byProxy.text, /several tries/);
  assert.equal(explain(problem(503), NOTHING).kind, "busy");
});

test("an unreadable answer is explained, and no more than that", () => {
  assert.equal(explainRead(problem(404, { detail: "there is no such event" })), "There is no such event.");
  assert.equal(explainRead(new ConnectionError(true, null)), "The server could not be reached.");
});

test("a bug of the page is not blamed on the server", () => {
  assert.match(explain(new TypeError("x is not a function"), NOTHING).text, /Something went wrong in this page/);
});

test("an event that conceals registrations tells everyone where to look", () => {
  for (const code of ["sold_out", "all_held", "closed"]) {
    const told = (event) => explainRefusal(problem(409, { code }), event).text;
    assert.match(told({ conceal_registered: true }), /your private link shows it/);
    assert.doesNotMatch(told({ conceal_registered: false }), /private link/);
    assert.doesNotMatch(told(null), /private link/);
  }
  const errors = [{ pointer: "/name", detail: "is too long" }];
  assert.deepEqual(explainRefusal(problem(400, { errors }), { conceal_registered: true }).errors, errors);
});

test("a mail has the result where addresses are confirmed", () => {
  const outcome = welcome({ status: "confirmation_sent" });
  assert.deepEqual([outcome.kind, outcome.title], ["to_confirm", "Check your mail"]);
  assert.equal(outcome.registration, undefined, "there is nothing to be shown of it");
  assert.match(outcome.text, /A seat is kept for 30 minutes/);
});

test("an attendee who asked for a place in line is not promised a seat, and gets the result by mail", () => {
  const { kind, text } = welcome({ status: "confirmation_sent" }, "waitlist");
  assert.equal(kind, "to_confirm");
  assert.match(text, /in line, or, if a seat is free/);
  assert.doesNotMatch(text, /A seat is kept/);
});

test("a registration is announced by its status", () => {
  const kinds = [
    ["confirmed", "registered"],
    [undefined, "registered"],
    ["held", "held"],
    ["waitlisted", "waitlisted"],
  ];
  for (const [status, kind] of kinds) assert.equal(welcome({ id: "1", status }).kind, kind);
});

test("a valid token is stored, and an expired one is deleted and reported", async (context) => {
  globalThis.sessionStorage = storage();
  context.after(() => delete globalThis.sessionStorage);
  const unknown = answer(401, { code: "unauthenticated" });
  const jazz = answer(200, { open: false, organizer: { id: "o", name: "Jazz club" } });
  const asked = serve(context, unknown, unknown, jazz);
  await loadSession();
  assert.deepEqual(currentSession(), { server: "asks", organizer: null });
  assert.equal(await signIn("wrong"), false);
  assert.equal(await signIn("right"), true);
  assert.deepEqual(asked.map(({ headers }) => headers.Authorization), [undefined, "Bearer wrong", "Bearer right"]);
  assert.equal(sessionStorage.getItem("organizer-token"), "right");
  assert.notEqual(explain(problem(401), NOTHING).kind, "signed_out");
  signOut();
  assert.equal(sessionStorage.getItem("organizer-token"), null);
  assert.equal(explain(problem(401), NOTHING).kind, "signed_out");
});

test("a token's permissions follow from its role, and one without a role may do everything", async (context) => {
  globalThis.sessionStorage = storage();
  context.after(() => delete globalThis.sessionStorage);
  const roles = ["reader", "door", "manager", "owner"];
  const is = (more) => answer(200, { open: false, organizer: { id: "o", name: "Jazz club", ...more } });
  const tokens = [{}, ...roles.map((role) => ({ role, events: null })), { role: "manager", events: ["e"] }];
  serve(context, ...tokens.map(is));
  let told = 0;
  onSessionChange(() => (told += 1));
  const seen = [];
  for (const _ of tokens) {
    await signIn("token");
    seen.push([...roles.map(may), mayPutUp()].map(Number).join(""));
  }
  assert.deepEqual(seen, ["11111", "10000", "11000", "11101", "11111", "11100"]);
  assert.equal(told, tokens.length, "another role of one organizer is told, too");
  signOut();
  assert.ok(may("owner"), "who shows nothing is asked first");
});
