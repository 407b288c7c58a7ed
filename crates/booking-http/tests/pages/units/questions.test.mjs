import { answer, serve } from "./setup.mjs";
import { FakeElement, startPage } from "./elements.mjs";
import assert from "node:assert/strict";
import test from "node:test";
import { likelyAddress } from "../../../../../static/js/mail_domains.js";
import { createPersonForm } from "../../../../../static/js/person_form.js";
import { createTransfer } from "../../../../../static/js/views/transfer.js";

const settled = async () => {
  for (let round = 0; round < 10; round += 1) await new Promise((resolve) => setImmediate(resolve));
};

test("a typo in a common domain is recognized, and a lookalike is not", () => {
  for (const [typed, meant] of [
    ["ada@gmial.com", "ada@gmail.com"],
    ["ada@gmai.com", "ada@gmail.com"],
    ["ada@gmaill.com", "ada@gmail.com"],
    ["ada@gmail.con", "ada@gmail.com"],
    ["ada@gmail.co", "ada@gmail.com"],
    ["Ada.L@HOTMIAL.com", "Ada.L@hotmail.com"],
    ["ada@outlok.com", "ada@outlook.com"],
    ["ada@gxm.de", "ada@gmx.de"],
    ["ada@wbe.de", "ada@web.de"],
    ['"a@b"@yaho.com', '"a@b"@yahoo.com'],
  ]) {
    assert.equal(likelyAddress(typed), meant, typed);
  }
  const right = ["gmail.com", "GMAIL.com", "mail.com", "ymail.com", "yahoo.it", "gmx.com", "live.fr", "example.org", "gmz.de", "", "x"];
  for (const domain of right) assert.equal(likelyAddress(`ada@${domain}`), null, domain);
  for (const none of ["", "ada", "@gmial.com", "gmial.com"]) assert.equal(likelyAddress(none), null, none);
});

/** Presses a button of a form as a browser does, which no fake element can. */
const submit = (form) => form.dispatchEvent(Object.assign(new Event("submit", { cancelable: true }), { submitter: null }));

/** A form for a person, and its request. */
function personForm(context) {
  startPage(context);
  const sent = [];
  const button = new FakeElement("button");
  const form = createPersonForm({
    testid: "form",
    named: {},
    email: { label: "E-mail", missing: "Enter one." },
    nameLabel: "Name",
    isOwn: true,
    actions: button,
    button,
    busy: "Sending…",
    signal: new AbortController().signal,
    nothing: "Nothing was sent.",
    send: async (filled) => void sent.push(filled.user_email),
    onSent() {},
    onError: () => ({ kind: "error", title: "No", text: "No." }),
  });
  form.node.requestSubmit = () => void submit(form.node);
  const part = (testid) => form.node.querySelectorAll(`[data-testid=${testid}]`)[0];
  const field = form.node.querySelectorAll("[name=user_email]")[0];
  const type = (text) => {
    field.value = text;
    field.dispatchEvent(new Event("input"));
    submit(form.node);
  };
  return { form, sent, field, part, type };
}

test("an address that looks mistyped is queried, and corrected by a yes", async (context) => {
  const { sent, field, part, type } = personForm(context);
  type("ada@gmial.com");
  await settled();
  assert.deepEqual([sent, part("mail-slip").hidden, part("mail-slip-yes").focused], [[], false, 1]);
  part("mail-slip-yes").click();
  await settled();
  assert.deepEqual([sent, field.value, part("mail-slip").hidden], [["ada@gmail.com"], "ada@gmail.com", true]);
});

test("an attendee who confirms the address is believed, and queried again for another one", async (context) => {
  const { sent, part, type } = personForm(context);
  type("ada@gmial.com");
  await settled();
  part("mail-slip-no").click();
  await settled();
  assert.deepEqual(sent, ["ada@gmial.com"]);
  type("ada@gmial.com");
  await settled();
  assert.equal(sent.length, 2, "it is known to be right");
  type("ada@hotmial.com");
  await settled();
  assert.deepEqual([sent.length, part("mail-slip").hidden], [2, false]);
  // An address that was corrected by hand needs no answer.
  type("ada@hotmail.com");
  await settled();
  assert.deepEqual([sent.at(-1), part("mail-slip").hidden], ["ada@hotmail.com", true]);
});

test("a request that may have been done before is not queried again", async (context) => {
  const { form, sent, part } = personForm(context);
  form.resume({ user_email: "ada@gmial.com" });
  submit(form.node);
  await settled();
  assert.deepEqual([sent, part("mail-slip").hidden], [["ada@gmial.com"], true]);
});

/** The form that transfers a registration, and its request. */
function transfer(context, ...answers) {
  startPage(context);
  const asked = serve(context, ...answers);
  const api = {
    id: "r",
    transfer: async (to, key) => (await fetch("/registrations/r/transfer", { method: "POST", body: to, key })).json(),
  };
  const made = createTransfer(api, new AbortController().signal, () => {});
  made.node.replaceWith = () => {};
  made.update({ user_email: "ada@example.org" });
  const form = made.node.querySelectorAll("[data-testid=transfer-form]")[0];
  form.requestSubmit = () => void submit(form);
  const part = (testid) => made.node.querySelectorAll(`[data-testid=${testid}]`)[0];
  const type = (text) => {
    form.querySelectorAll("[name=user_email]")[0].value = text;
    form.dispatchEvent(new Event("input"));
    submit(form);
  };
  return { made, form, part, type, asked };
}

test("a seat is transferred only after a confirmation, and an answer for another one does not count", async (context) => {
  const { part, type, asked } = transfer(context, answer(200, { id: "r", user_email: "grace@example.org" }));
  type("grace@example.org");
  await settled();
  assert.deepEqual([asked.length, part("transfer-confirm").hidden, part("transfer-confirm-no").focused], [0, false, 1]);
  part("transfer-confirm-no").click();
  await settled();
  assert.deepEqual([asked.length, part("transfer-submit").focused], [0, 1]);
  type("grace@example.org");
  await settled();
  // Changed while the question is open: it is asked anew.
  type("late@example.org");
  await settled();
  assert.equal(asked.length, 0);
  const words = part("transfer-confirm").children[0].children.map(({ textContent }) => textContent);
  assert.deepEqual(words, ["late@example.org"]);
  part("transfer-confirm-yes").click();
  await settled();
  assert.deepEqual(asked.map(({ body }) => body.user_email), ["late@example.org"]);
});

test("no confirmation is asked for a correction of one's own name, nor for a transfer that may be done already", async (context) => {
  const own = transfer(context, answer(200, { id: "r", user_email: "ada@example.org" }));
  own.type("ADA@example.org");
  await settled();
  assert.equal(own.asked.length, 1);
  const lost = transfer(context, answer(200, { id: "r", user_email: "grace@example.org" }));
  lost.made.resume({ user_email: "grace@example.org" });
  submit(lost.form);
  await settled();
  assert.equal(lost.asked.length, 1);
});
