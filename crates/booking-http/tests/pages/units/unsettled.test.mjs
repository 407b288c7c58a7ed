import { answer, serve, storage } from "./setup.mjs";
import { FakeElement, startPage } from "./elements.mjs";
import assert from "node:assert/strict";
import test from "node:test";
import { createConfirmStep } from "../../../../../static/js/confirm_step.js";
import { ConnectionError, ProblemError } from "../../../../../static/js/http.js";
import { attempt, openAttempt } from "../../../../../static/js/idempotency.js";
import { startPolling } from "../../../../../static/js/poll.js";
import { startSessionBand } from "../../../../../static/js/session_band.js";
import { signIn, signOut } from "../../../../../static/js/session.js";
import { createCorrectName } from "../../../../../static/js/views/correct_name.js";
import { hasSending, hasUnsettled, setUndecided } from "../../../../../static/js/unsettled.js";

const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A part of a page, in a panel in the page. */
function pageWith(tag) {
  const [page, panel, part] = [new FakeElement(), new FakeElement(), new FakeElement(tag)];
  page.append(panel);
  panel.append(part);
  return { page, panel, part };
}

test("an unknown outcome can be asked for where it is shown, and elsewhere does not count", () => {
  const { page, panel, part } = pageWith("form");
  assert.ok(!hasUnsettled(page));
  setUndecided(part, true);
  assert.ok(hasUnsettled(page));
  for (const one of [part, panel]) {
    one.hidden = true;
    assert.ok(!hasUnsettled(page));
    one.hidden = false;
    assert.ok(hasUnsettled(page));
  }
  setUndecided(part, false);
  assert.ok(!hasUnsettled(page));
});

test("an answer under way is waited for, wherever it was requested", () => {
  for (const [tag, attribute, isPressed] of [
    ["form", "aria-busy", true],
    ["button", "aria-disabled", true],
    // As at a door: no button was pressed, and the next ticket is typed meanwhile.
    ["div", "aria-busy", false],
  ]) {
    const { page, panel, part } = pageWith(tag);
    part.setAttribute(attribute, "true");
    panel.hidden = true;
    assert.deepEqual([hasSending(page), hasUnsettled(page)], [isPressed, isPressed], tag);
  }
});

test("a declined step leaves nothing open", async (context) => {
  const page = startPage(context);
  const { node } = createConfirmStep({
    label: "Cancel it",
    question: "Cancel it?",
    yes: "Yes",
    no: "No",
    testid: "step",
    what: ["cancel", "declined"],
    act: async () => {
      throw new ConnectionError(true, null);
    },
    nothing: "Nothing was cancelled.",
    signal: new AbortController().signal,
    onDone: () => {},
  });
  page.append(node);
  const [open, yes, no] = node.querySelectorAll("button[data-testid]");
  open.click();
  yes.click();
  await settled();
  assert.ok(hasUnsettled(page));
  no.click();
  open.click();
  assert.ok(!hasUnsettled(page), "also where it is shown once more");
});

test("a correction of a name leaves nothing open once it is known, or folded away", async (context) => {
  const page = startPage(context);
  const correctName = async () => {
    throw new ConnectionError(true, null);
  };
  const { signal } = new AbortController();
  const { node, update } = createCorrectName({ id: "r", correctName }, { signal, onCorrected: () => {} });
  page.append(node);
  const toggle = (isOpen) => void Object.assign(node, { open: isOpen }).dispatchEvent(new Event("toggle"));
  const send = async (name) => {
    node.querySelector("[name=name]").value = name;
    node.querySelector("form[data-testid]").dispatchEvent(new Event("submit"));
    await settled();
    return hasUnsettled(page);
  };
  update({ name: "Ada" });
  toggle(true);
  assert.ok(await send("Ida"), "the negative control");
  update({ name: "Ida" });
  assert.ok(!(await send("Ida")));
  assert.ok(await send("Eda"));
  toggle(false);
  assert.ok(!hasUnsettled(page));
});

test("settling asks again as if all were well, also after an outage", async (context) => {
  const page = startPage(context, "connection");
  page.hidden = false;
  const leave = new AbortController();
  context.after(() => leave.abort());
  const delays = [];
  context.mock.method(globalThis, "setTimeout", (wake, ms) => {
    delays.push(ms);
    if (delays.length < 6) setImmediate(wake);
  });
  const dead = new ProblemError(403, {}, null);
  const errors = [...Array.from({ length: 4 }, () => new ConnectionError(true, null)), dead];
  const { first } = startPolling({
    everyMs: 1_000,
    signal: leave.signal,
    ask: async () => Promise.reject(errors.length > 1 ? errors.shift() : dead),
    onAnswer: () => {},
    onFailure: (error) => (error === dead ? "settling" : "again"),
  });
  await first;
  while (delays.length < 6) await settled();
  const [, , , outage, ...settling] = delays;
  assert.ok(outage > 10_000, "the negative control");
  for (const delay of settling) assert.ok(delay < 1_500, String(delays));
});

test("signing out deletes corrections, and a holder whose token expires continues with theirs", async (context) => {
  const page = startPage(context, "organizer", "main");
  globalThis.sessionStorage = storage();
  globalThis.location = { hash: "#/organizer" };
  context.after(() => {
    delete globalThis.sessionStorage;
    delete globalThis.location;
  });
  const link = new FakeElement("a");
  link.setAttribute("data-route", "organizer");
  page.append(link);
  serve(context, answer(200, { open: false, organizer: { id: "o", name: "Jazz club" } }));
  startSessionBand();
  const correct = () =>
    attempt(
      ["correction", "r", { user_email: "ada@example.org" }, { name: "Ada" }],
      async () => {
        throw new ConnectionError(true, null);
      },
      new AbortController().signal,
    );
  await signIn("token");
  await assert.rejects(correct());
  signOut();
  assert.notEqual(openAttempt("correction", "r"), null, "the negative control");
  await signIn("token");
  page.querySelector("[data-testid=sign-out]").click();
  assert.equal(sessionStorage.getItem("organizer-token"), null);
  assert.doesNotMatch(sessionStorage.getItem("attempts") ?? "", /ada@/);
});
