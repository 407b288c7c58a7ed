import { answer, serve } from "./setup.mjs";
import { startPage } from "./elements.mjs";
import assert from "node:assert/strict";
import test from "node:test";
import { guestOf } from "../../../../../static/js/check_in/guest_text.js";
import { createNames } from "../../../../../static/js/check_in/names.js";
import { createQueue, isInside } from "../../../../../static/js/check_in/queue.js";
import { createLettingIn } from "../../../../../static/js/check_in/scanning.js";
import { inMemory } from "../../../../../static/js/check_in/store.js";
import { ConnectionError, ProblemError } from "../../../../../static/js/http.js";
import { createCheckInGuests } from "../../../../../static/js/views/check_in_guests.js";
import { createCheckInResult } from "../../../../../static/js/views/check_in_result.js";
import { createLastScans } from "../../../../../static/js/views/check_in_last.js";

const EVENT = "01932c07-a5b1-7c3d-9e4f-1a2b3c4d5e6f";
const ADA = { id: "01932c08-0000-7abc-8def-0123456789ab", event_id: EVENT, name: "Ada", user_email: "ada@example.org", status: "confirmed" };
const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

test("an address and a private link identify a guest, and other texts do not", () => {
  assert.deepEqual(guestOf("ada@example.org"), { search: "ada@example.org" });
  assert.deepEqual(guestOf(`https://tickets.example/#/registrations/${ADA.id}/secret`), { id: ADA.id });
  assert.deepEqual(guestOf(`http://localhost:8080/base/r/${ADA.id.toUpperCase()}#secret`), { id: ADA.id });
  for (const text of ["not a ticket", "Ada", ADA.id, "https://example.org/", `https://example.org/e/${EVENT}`, "https://me@example.org/", "a b@example.org"])
    assert.equal(guestOf(text), null, text);
});

test("a name is requested once, and again if that failed", async () => {
  let asked = 0;
  let isOffline = true;
  const names = createNames(async (id) => {
    asked += 1;
    if (isOffline) throw new ConnectionError(true, null);
    return { ...ADA, id };
  });
  await assert.rejects(names.of("1"));
  assert.equal(names.known("1"), null);
  isOffline = false;
  assert.deepEqual(await Promise.all([names.of("1"), names.of("1")]), ["Ada (ada@example.org)", "Ada (ada@example.org)"]);
  assert.equal(await names.of("1"), names.known("1"));
  assert.equal(asked, 2);
  names.learn({ id: "2", name: null, user_email: "x@example.org" });
  assert.equal(await names.of("2"), "x@example.org");
  assert.equal(asked, 2);
});

/** A door that admits by name; the server gives the set answers. */
function door(context, send) {
  const leave = new AbortController();
  context.after(() => leave.abort());
  const never = async () => assert.fail("nothing waits to be sent");
  const queue = createQueue({ store: inMemory(), known: [], send: never, onChange: () => {}, signal: leave.signal });
  return { queue, signal: leave.signal, letIn: createLettingIn(EVENT, queue, send) };
}
const problem = (code, more = {}) => new ProblemError(409, { code, detail: "no", ...more }, null);

test("a guest admitted by name is inside, and can be taken back", async (context) => {
  const { queue, letIn } = door(context, async () => ({ checked_in_at: "2026-07-01T18:00:00Z", timing: "early" }));
  const { result, timing, scanId, registrationId } = await letIn(ADA.id);
  assert.deepEqual([result, timing, registrationId], ["checked_in", "early", ADA.id]);
  assert.equal(isInside(queue.get(scanId)), true);
  assert.equal(queue.waiting().length, 0);
  await queue.undo(scanId);
  assert.equal(isInside(queue.get(scanId)), false);
});

test("a guest who is not admitted by name is shown why, and an undecided request is no answer", async (context) => {
  for (const [refusal, result, reason] of [
    [problem("already_checked_in", { checked_in_at: "2026-07-01T18:00:00Z" }), "already_checked_in", null],
    [problem("ticket_refused", { reason: "cancelled" }), "refused", "cancelled"],
    [problem("closed"), "refused", "closed"],
  ]) {
    const { queue, letIn } = door(context, async () => Promise.reject(refusal));
    const answered = await letIn(ADA.id);
    assert.deepEqual([answered.result, answered.reason, answered.scanId], [result, reason, null]);
    assert.equal(queue.all().length, 0);
  }
  for (const error of [new ConnectionError(true, null), new ProblemError(503, { code: "unavailable" }, 1)])
    await assert.rejects(door(context, async () => Promise.reject(error)).letIn(ADA.id), error);
});

test("guests are searched once typing stops, and admitted once", async (context) => {
  startPage(context);
  const asked = serve(context, answer(200, [ADA, { ...ADA, id: "other", status: "cancelled" }]));
  const { signal } = door(context, async () => ({}));
  const let_in = [];
  const learnt = [];
  const found = createCheckInGuests({
    eventId: EVENT,
    signal,
    onFound: ({ id }) => learnt.push(id),
    onLetIn: async ({ id }) => void let_in.push(id),
    onTicket: () => {},
  });
  await found.show({ search: "Ada & co" });
  assert.deepEqual(asked.map(({ path }) => path), [`/events/${EVENT}/registrations?limit=20&q=Ada%20%26%20co`]);
  assert.deepEqual(learnt, [ADA.id, "other"]);
  const buttons = found.node.querySelectorAll("[data-testid=door-let-in]");
  assert.equal(buttons.length, 1, "who cancelled has no seat");
  buttons[0].remove = () => {};
  buttons[0].click();
  buttons[0].click();
  await settled();
  assert.deepEqual(let_in, [ADA.id]);
  await found.show({ search: "A" });
  assert.equal(asked.length, 1, "one letter is in nearly every name");
});

test("the last scans are listed newest first, by name", async (context) => {
  startPage(context);
  let hour = 10;
  const { queue, letIn } = door(context, async () => ({ checked_in_at: `2026-07-01T${hour++}:00:00Z` }));
  await letIn(ADA.id);
  await letIn("other");
  const last = createLastScans(queue, createNames(async (id) => ({ ...ADA, id, name: id === ADA.id ? "Ada" : "Grace" })));
  last.update();
  assert.equal(last.node.querySelectorAll("[data-testid=door-last-scan]").length, 0, "folded away");
  last.node.open = true;
  last.update();
  await settled();
  const rows = last.node.querySelectorAll("[data-testid=door-last-scan]").map((row) => row.children[0].textContent);
  assert.deepEqual(rows, ["Grace (ada@example.org)", "Ada (ada@example.org)"]);
});

test("an undo, or an admission, that failed is shown with whether anything was done", async (context) => {
  startPage(context);
  for (const [error, words] of [
    [new ConnectionError(false, null), /^Nothing was sent\. (Nothing was undone|Nobody was let in)\./],
    [new ConnectionError(true, null), /may or may not have worked/],
    [new ProblemError(403, { code: "forbidden", detail: "not this event" }, null), /^Not this event\.$/],
    [new TypeError("x is not a function"), /^Something went wrong in this page/],
  ]) {
    const shown = createCheckInResult({ onUndo: async () => Promise.reject(error), nameOf: async () => [], times: () => null });
    shown.show({ ...(await door(context, async () => ({})).letIn(ADA.id)), registrationId: null });
    shown.node.querySelector("[data-testid=door-undo]").click();
    await settled();
    assert.match(shown.node.querySelector("[data-testid=door-undone]").textContent, words);

    serve(context, answer(200, [ADA]));
    const guests = createCheckInGuests({
      eventId: EVENT,
      signal: new AbortController().signal,
      onFound: () => {},
      onLetIn: async () => Promise.reject(error),
      onTicket: () => {},
    });
    await guests.show({ search: "Ada" });
    guests.node.querySelector("[data-testid=door-let-in]").click();
    await settled();
    assert.match(guests.node.querySelector("[data-testid=door-guest-row]").querySelector("[role=alert]").textContent, words);
    context.mock.restoreAll();
  }
});
