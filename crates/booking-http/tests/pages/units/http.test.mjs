import { answer, serve, setOnline } from "./setup.mjs";
import assert from "node:assert/strict";
import test from "node:test";
import { checkInBatch, editEvent, getEvent, getEvents, register } from "../../../../../static/js/api.js";
import { ConnectionError, ProblemError, nextPath, read } from "../../../../../static/js/http.js";

globalThis.location = { origin: "https://booking.example" };
const { signal } = new AbortController();

test("the next page is the path and query of the link with that relation, whatever host it names", () => {
  const next = [
    ['</events?cursor=b>; rel="next"', "/events?cursor=b"],
    ['<http://10.0.0.1:8080/events?cursor=b>; rel="next"', "/events?cursor=b"],
    ['</first>; rel="first", </events?cursor=b>; title="x"; rel=next', "/events?cursor=b"],
    ['<?cursor=b>; rel="next"', "/events?cursor=b"],
    ['</events?cursor=a>; rel="prev"', null],
    ['</events?cursor=a>; rel="nextish"', null],
    ["", null],
    [null, null],
  ];
  for (const [header, path] of next) assert.equal(nextPath(header, "/events?limit=20"), path, header);
});

test("a page has its items and the address of the next", async (context) => {
  const link = { Link: '</events?limit=2&cursor=x>; rel="next"' };
  serve(context, answer(200, [{ id: "1" }, { id: "2" }], link), answer(200, [{ id: "3" }]));
  const first = await getEvents("/events?limit=2", signal);
  assert.deepEqual(first, { items: [{ id: "1" }, { id: "2" }], next: "/events?limit=2&cursor=x" });
  assert.deepEqual(await getEvents(first.next, signal), { items: [{ id: "3" }], next: null });
});

test("an unchanged event is not sent again", async (context) => {
  const asked = serve(context, answer(200, { id: "1" }, { ETag: '"7"' }), answer(304));
  assert.deepEqual(await getEvent("a/b", null, signal), { event: { id: "1" }, etag: '"7"' });
  assert.equal(await getEvent("a/b", '"7"', signal), null);
  assert.equal(asked[0].path, "/events/a%2Fb");
  assert.equal(asked[0].headers["If-None-Match"], undefined);
  assert.equal(asked[1].headers["If-None-Match"], '"7"');
});

test("a write has its key and its body", async (context) => {
  const asked = serve(context, answer(201, { id: "r" }));
  const person = { user_email: "ada@example.org" };
  assert.deepEqual(await register("1", person, "key"), { id: "r" });
  const { method, path, headers, body } = asked[0];
  assert.deepEqual([method, path], ["POST", "/events/1/register"]);
  assert.equal(headers["Idempotency-Key"], "key");
  assert.equal(headers["Content-Type"], "application/json");
  assert.deepEqual(JSON.parse(body), person);
});

test("an edit is for the version that it was made from, and for any if there is none", async (context) => {
  const asked = serve(context, answer(200, { id: "1" }));
  await editEvent("1", { name: "Blues" }, 4, "key");
  await editEvent("1", { name: "Blues" }, undefined, "key");
  assert.deepEqual(asked.map(({ headers }) => headers["If-Match"]), ['"4"', undefined]);
});

test("scans are decided one by one", async (context) => {
  serve(context, answer(200, { results: [{ id: "s", result: "checked_in" }] }));
  const scans = [{ id: "s", ticket: "t", scanned_at: "2026-07-01T18:00:00Z" }];
  assert.deepEqual(await checkInBatch("1", scans, "key"), [{ id: "s", result: "checked_in" }]);
});

test("a refusal is the server's problem", async (context) => {
  const problem = { code: "sold_out", detail: "no seat is left", request_id: "q" };
  const headers = { "Content-Type": "application/problem+json", "Retry-After": "7" };
  serve(context, answer(409, problem, headers));
  await assert.rejects(read("/events"), (error) => {
    assert.ok(error instanceof ProblemError);
    assert.deepEqual([error.status, error.code, error.message, error.retryAfterSeconds], [409, "sold_out", "no seat is left", 7]);
    assert.deepEqual(error.problem, problem);
    return true;
  });
});

test("a proxy's own error page is no problem document", async (context) => {
  for (const [body, type] of [
    ["<h1>Bad gateway</h1>", "text/html"],
    ["{", "application/json"],
    ["null", "application/json"],
  ]) {
    serve(context, answer(502, body, { "Content-Type": type }));
    await assert.rejects(read("/events"), (error) => {
      assert.deepEqual([error.status, error.code, error.retryAfterSeconds], [502, "", null]);
      assert.equal(error.message, "The server answered 502.");
      return true;
    });
    context.mock.restoreAll();
  }
});

test("whether a request can have been sent follows from the network before it", async (context) => {
  serve(context, new TypeError("failed"));
  context.after(() => setOnline(true));
  for (const onLine of [true, false]) {
    setOnline(onLine);
    await assert.rejects(read("/events"), (error) => error instanceof ConnectionError && error.sent === onLine);
  }
});

test("a truncated answer is none", async (context) => {
  serve(context, answer(200, '{"id": '));
  await assert.rejects(read("/events"), ConnectionError);
});
