import "./setup.mjs";
import { FakeElement } from "./elements.mjs";
import assert from "node:assert/strict";
import test from "node:test";
import { ConnectionError, ProblemError } from "../../../../../static/js/http.js";
import { isBusy, withRetries } from "../../../../../static/js/retry.js";
import { submitForm } from "../../../../../static/js/submit_form.js";

const problem = (status, retryAfter = null, body = {}) => new ProblemError(status, body, retryAfter);
const lost = () => new ConnectionError(true, null);
const settled = () => new Promise((resolve) => setImmediate(resolve));

class FakeForm extends FakeElement {
  button = new FakeElement("button");
  querySelector = () => this.button;
  requestSubmit(submitter = null) {
    const event = new Event("submit", { cancelable: true });
    this.dispatchEvent(Object.assign(event, { submitter }));
    assert.ok(event.defaultPrevented, "the browser sends nothing by itself");
  }
}

/** A form whose answers are given one after the other, and its visible effects. */
function start(answers, options = {}) {
  const form = new FakeForm();
  const seen = { keys: [], shown: [], sent: [], retry: null };
  const leave = new AbortController();
  const field = { name: "name", input: { value: "Ada", focus: () => {} }, node: { closest: () => null } };
  const errors = [];
  const { resume, clear } = submitForm({
    form,
    button: form.button,
    busy: "Saving…",
    fields: [{ ...field, isOptional: true, setError: (text) => errors.push(text) }],
    area: {
      clear: () => {},
      wait: () => {},
      show(outcome, { onRetry } = {}) {
        seen.shown.push(outcome);
        seen.retry = onRetry;
      },
    },
    signal: leave.signal,
    nothing: "Nothing was saved.",
    send: (write) =>
      write(["form"], async (key) => {
        seen.keys.push(key);
        const next = await answers.shift();
        if (next instanceof Error) throw next;
        return next;
      }),
    onSent: (answer) => void seen.sent.push(answer),
    ...options,
  });
  return { form, seen, errors, leave, resume, clear };
}

test("a form is sent once at a time, shows that, and is as it was afterwards", async () => {
  let answer;
  const { form, seen } = start([new Promise((resolve) => (answer = resolve)), "second"]);
  form.requestSubmit();
  form.requestSubmit();
  assert.equal(form.button.textContent, "Saving…");
  assert.ok(form.hasAttribute("aria-busy") && form.button.hasAttribute("aria-disabled"));
  answer("first");
  await settled();
  assert.deepEqual(seen.sent, ["first"]);
  assert.equal(form.button.textContent, "Save");
  assert.ok(!form.hasAttribute("aria-busy") && !form.button.hasAttribute("aria-disabled"));
  form.requestSubmit();
  await settled();
  assert.deepEqual(seen.sent, ["first", "second"]);
  assert.notEqual(seen.keys[0], seen.keys[1]);
});

test("a button of several has its own words, and is the one that is pressed again", async () => {
  const { form, seen } = start([new ConnectionError(true, null), "done"]);
  const other = Object.assign(new FakeElement(), { dataset: { busy: "Publishing…" } });
  form.requestSubmit(other);
  assert.equal(other.textContent, "Publishing…");
  await settled();
  assert.equal(seen.shown[0].kind, "unknown");
  seen.retry();
  assert.equal(other.focused, 1);
  await settled();
  assert.deepEqual(seen.sent, ["done"]);
});

test("a button that is gone is retried with the first that there is", async () => {
  const { form, seen } = start([new ConnectionError(true, null), "done"]);
  const gone = Object.assign(new FakeElement(), { isConnected: false });
  form.requestSubmit(gone);
  await settled();
  seen.retry();
  assert.equal(form.button.focused, 1);
  await settled();
  assert.deepEqual(seen.sent, ["done"]);
});

test("an open write is sent with the same key, and a decided one with another", async () => {
  const answers = [new ConnectionError(true, null), problem(500), problem(409), "done"];
  const { form, seen } = start(answers);
  for (let press = 0; press < 4; press += 1) {
    form.requestSubmit();
    await settled();
  }
  const [first, second, third, fourth] = seen.keys;
  assert.ok(first === second && second === third && third !== fourth, seen.keys.join(" "));
});

test("an invalid form is not sent", async () => {
  const found = [{ pointer: "/name", detail: "give a name" }];
  const { form, seen, errors } = start([], { check: () => found });
  form.requestSubmit();
  await settled();
  assert.deepEqual([seen.keys, seen.sent], [[], []]);
  assert.deepEqual(seen.shown.map(({ kind }) => kind), ["invalid"]);
  assert.equal(errors.at(-1), "Give a name.");
  assert.ok(!form.hasAttribute("aria-busy"));
});

test("an error goes to its field, and one without a field to the form", async () => {
  const body = { errors: [{ pointer: "/name", detail: "is too long" }, { pointer: "/else", detail: "is odd" }] };
  const { form, seen, errors } = start([problem(400, null, body)]);
  form.requestSubmit();
  await settled();
  assert.equal(errors.at(-1), "Is too long.");
  assert.deepEqual(seen.shown[0].errors, [{ pointer: "/else", detail: "is odd" }]);
  assert.match(seen.shown[0].text, /^Nothing was saved\./);
});

test("with nothing to send only the form's own message is shown", async () => {
  const { form, seen } = start([], { send: () => null });
  form.requestSubmit();
  await settled();
  assert.deepEqual([seen.shown, seen.sent], [[], []]);
  assert.ok(!form.hasAttribute("aria-busy"));
});

test("an error that the form has shown itself is not shown again", async () => {
  const { form, seen } = start([problem(412)], { onError: async () => null });
  form.requestSubmit();
  await settled();
  assert.deepEqual(seen.shown, []);
});

test("a page that was left shows nothing", async () => {
  for (const outcome of ["done", problem(409)]) {
    let answer;
    const { form, seen, leave } = start([new Promise((resolve) => (answer = resolve))]);
    form.requestSubmit();
    leave.abort();
    answer(outcome);
    await settled();
    assert.deepEqual([seen.shown, seen.sent], [[], []]);
  }
});

test("after an attempt that may have worked the page never says that nothing was done", async () => {
  const first = [lost(), problem(504), problem(502), problem(500, null, { detail: "it failed" })];
  const then = [
    problem(429, 60, { code: "rate_limited", detail: "slow down" }),
    new ConnectionError(false, null),
    problem(403, null, { code: "cross_site" }),
  ];
  for (const one of first) {
    for (const other of then) {
      const { form, seen } = start([one, other, problem(409), other]);
      const told = [];
      for (let press = 0; press < 4; press += 1) {
        form.requestSubmit();
        await settled();
        told.push([seen.shown.at(-1).text, form.hasAttribute("data-undecided")]);
      }
      assert.doesNotMatch(told[0][0], /Nothing was saved/);
      assert.match(told[1][0], /Whether an earlier try has worked is not known yet/);
      assert.doesNotMatch(told[1][0], /Nothing was saved/);
      // The negative control: once it was decided, just that is shown.
      assert.match(told[3][0], /Nothing was saved/);
      assert.deepEqual(told.map(([, isOpen]) => isOpen), [true, true, false, false]);
    }
  }
});

test("a form that cannot be sent as it is shows nothing of an earlier attempt", async () => {
  const found = [];
  const { form, seen } = start([lost(), "done"], { check: () => found });
  form.requestSubmit();
  await settled();
  found.push({ pointer: "/name", detail: "give a name" });
  form.requestSubmit();
  await settled();
  assert.match(seen.shown[1].text, /^Whether an earlier try has worked is not known yet\./);
  found.pop();
  form.requestSubmit();
  await settled();
  assert.deepEqual(seen.sent, ["done"]);
  assert.ok(!form.hasAttribute("data-undecided"));
});

test("a form continues from what was sent before it was there", async () => {
  const { form, seen, resume } = start(["done"]);
  resume(form.button);
  assert.equal(seen.shown[0].kind, "unknown");
  assert.ok(form.hasAttribute("data-undecided"));
  seen.retry();
  await settled();
  assert.deepEqual(seen.sent, ["done"]);
  assert.ok(!form.hasAttribute("data-undecided"));
});

test("an attempt that may have worked is not called failed", async () => {
  const gone = problem(404, null, { request_id: "q" });
  for (const next of [problem(408), problem(413), problem(421), problem(400), gone, new TypeError("a bug")]) {
    const { form, seen } = start([problem(500), next, problem(409), problem(413)]);
    for (let press = 0; press < 4; press += 1) {
      form.requestSubmit();
      await settled();
    }
    const [first, second, decided, alone] = seen.shown;
    assert.deepEqual([first.kind, second.kind], ["unknown", "unknown"], String(next));
    assert.ok(first.canRetry && second.canRetry);
    assert.equal(second.problem, next.problem, "it can be asked about");
    // The negative controls.
    assert.deepEqual([decided.kind, alone.kind], ["error", "error"]);
  }
});

test("no write is open any more once there is nothing to send, or it is begun anew", async () => {
  const answers = [lost(), lost()];
  let isSaved = false;
  const send = (write) => (isSaved ? null : write(["form"], async () => Promise.reject(answers.shift())));
  const { form, clear } = start([], { send });
  const press = async () => {
    form.requestSubmit();
    await settled();
    return form.hasAttribute("data-undecided");
  };
  assert.ok(await press());
  isSaved = true;
  assert.ok(!(await press()));
  isSaved = false;
  assert.ok(await press());
  clear();
  assert.ok(!form.hasAttribute("data-undecided"));
});

test("a busy server is retried after the time that it names, and only so often", async (context) => {
  const delays = [];
  context.mock.method(globalThis, "setTimeout", (wake, ms) => {
    delays.push(ms);
    setImmediate(wake);
  });
  const { signal } = new AbortController();
  const waits = [];
  let asked = 0;
  const asking = withRetries(
    async () => {
      asked += 1;
      throw problem(503, 3);
    },
    (text) => waits.push(text),
    signal,
  );
  await assert.rejects(asking, isBusy);
  assert.equal(asked, 5);
  assert.match(waits[0], /trying again in 3 s… \(try 2 of 5\)/);
  assert.deepEqual([delays.length, delays.every((ms) => ms >= 3_000 && ms < 3_500)], [4, true], delays.join(" "));
});

test("a wait that is too long is not made, and neither is one after a refusal", async () => {
  const { signal } = new AbortController();
  for (const error of [problem(429, 16), problem(409), problem(500)]) {
    let asked = 0;
    const once = async () => {
      asked += 1;
      throw error;
    };
    await assert.rejects(withRetries(once, () => {}, signal), (thrown) => thrown === error);
    assert.equal(asked, 1);
  }
});

test("a page that was left does not wait", async () => {
  const leave = new AbortController();
  const busy = async () => {
    throw problem(503, 10);
  };
  const waiting = withRetries(busy, () => leave.abort(new Error("left")), leave.signal);
  await assert.rejects(waiting, /left/);
});
