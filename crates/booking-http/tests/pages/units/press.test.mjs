import "./setup.mjs";
import { FakeElement } from "./elements.mjs";
import assert from "node:assert/strict";
import test from "node:test";
import { explainPolled } from "../../../../../static/js/explain.js";
import { ConnectionError, ProblemError } from "../../../../../static/js/http.js";
import { onPress } from "../../../../../static/js/press.js";

const settled = () => new Promise((resolve) => setImmediate(resolve));
const NOTHING = "No message was sent.";

function open(act) {
  const [button, statusLine, ending] = [new FakeElement("button"), new FakeElement("p"), new AbortController()];
  statusLine.textContent = "of before";
  onPress(button, { act, nothing: NOTHING, statusLine, signal: ending.signal });
  return { button, statusLine, ending };
}

test("a button that is pressed twice acts once, and can be pressed again afterwards", async () => {
  let acted = 0;
  let end = () => {};
  const { button, statusLine } = open(() => {
    acted += 1;
    return new Promise((resolve) => (end = resolve));
  });
  button.click();
  button.click();
  assert.deepEqual([acted, statusLine.textContent], [1, ""]);
  end();
  await settled();
  button.click();
  assert.equal(acted, 2);
});

test("a failed write is shown with whether anything was done", async () => {
  for (const [error, words] of [
    [new ConnectionError(false, null), new RegExp(`^Nothing was sent\\. ${NOTHING}`)],
    [new ConnectionError(true, null), /may or may not have worked/],
    [new ProblemError(404, {}, null), new RegExp(`^${NOTHING} It does not exist`)],
    [new TypeError("x is not a function"), /^Something went wrong in this page/],
  ]) {
    const { button, statusLine } = open(() => Promise.reject(error));
    button.click();
    await settled();
    assert.match(statusLine.textContent, words);
    assert.equal(button.hasAttribute("aria-disabled"), false);
  }
});

test("a page that was left shows nothing", async () => {
  const { button, statusLine, ending } = open(() => Promise.reject(new TypeError("late")));
  button.click();
  ending.abort();
  await settled();
  assert.equal(statusLine.textContent, "");
});

test("a repeated read shows that it keeps trying, unless the page itself is at fault", () => {
  assert.match(explainPolled(new ConnectionError(true, null)), /^The server could not be reached\. .*keeps trying/);
  assert.match(explainPolled(new ProblemError(500, { detail: "no" }, null)), /^No\. .*keeps trying/i);
  assert.doesNotMatch(explainPolled(new TypeError("x")), /keeps trying/);
});
