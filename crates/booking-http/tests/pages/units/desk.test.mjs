import "./setup.mjs";
import assert from "node:assert/strict";
import test from "node:test";
import { changedAnswers } from "../../../../../static/js/answers.js";
import { answersShown } from "../../../../../static/js/desk/answer_text.js";
import { inOrder, peoplePath, totalOf } from "../../../../../static/js/desk/people_query.js";
import { bodyOfDrafts, draftOf, optionsOf } from "../../../../../static/js/desk/question_drafts.js";
import { salesOf } from "../../../../../static/js/desk/sales.js";
import { isNarrowed, queryIn, queryPath, searchOf } from "../../../../../static/js/event_query.js";

test("the query has only the filters that are set", () => {
  const all = { text: "", status: "seated", checkedIn: "" };
  assert.equal(peoplePath("e 1", all, 50), "/events/e%201/registrations?limit=50");
  const some = { text: " Ä & b ", status: "all", checkedIn: "false" };
  assert.equal(peoplePath("e1", some, 1000), "/events/e1/registrations?limit=1000&status=all&checked_in=false&q=%C3%84%20%26%20b");
});

test("people are in the chosen order, those without a name behind all names", () => {
  const people = [
    { name: "Zoë", user_email: "b@x.de" },
    { name: null, user_email: "c@x.de" },
    { name: "Ärne", user_email: "a10@x.de" },
    { name: "bo", user_email: "a2@x.de" },
  ];
  const emails = (order) => inOrder(people, order, "de").map(({ user_email }) => user_email);
  assert.deepEqual(emails("first"), ["b@x.de", "c@x.de", "a10@x.de", "a2@x.de"]);
  assert.deepEqual(emails("last"), ["a2@x.de", "a10@x.de", "c@x.de", "b@x.de"]);
  assert.deepEqual(emails("name"), ["a10@x.de", "a2@x.de", "b@x.de", "c@x.de"]);
  assert.deepEqual(emails("address"), ["a2@x.de", "a10@x.de", "b@x.de", "c@x.de"]);
  assert.equal(people[0].user_email, "b@x.de", "and what was given stays as it was");
});

test("the total is exact, or more than a bound", () => {
  assert.deepEqual(totalOf("0"), { count: 0, isMore: false });
  assert.deepEqual(totalOf("10000+"), { count: 10_000, isMore: true });
  for (const none of [null, "", "many", "+", "-1"]) assert.equal(totalOf(none), null);
});

test("registrations are counted in even steps, and each is in one of them", () => {
  assert.deepEqual(salesOf([]), { step: "day", steps: [] });
  assert.deepEqual(salesOf(["never"]).steps, []);
  const hour = salesOf(["2026-05-01T10:59:59Z", "2026-05-01T10:00:00Z", "2026-05-01T13:00:00Z"]);
  assert.equal(hour.step, "hour");
  assert.deepEqual(hour.steps.map(({ count }) => count), [2, 0, 0, 1]);
  assert.deepEqual(hour.steps.map(({ sum }) => sum), [2, 2, 2, 3]);
  // Over the day that has 25 hours in Berlin.
  const day = salesOf(["2026-10-20T12:00:00Z", "2026-10-25T22:59:59Z", "2026-10-25T23:00:00Z", "2026-10-28T12:00:00Z"]);
  assert.equal(day.step, "day");
  assert.equal(day.steps.length, 9);
  assert.deepEqual(day.steps.map(({ count }) => count), [1, 0, 0, 0, 0, 1, 1, 0, 1]);
  const week = salesOf(["2026-01-01T12:00:00Z", "2026-06-01T12:00:00Z"]);
  assert.equal(week.step, "week");
  assert.ok(week.steps.every(({ start }) => start.getDay() === 1));
  const month = salesOf(["2020-01-15T12:00:00Z", "2026-06-01T12:00:00Z"]);
  assert.equal(month.step, "month");
  for (const { steps } of [hour, day, week, month]) assert.equal(steps.at(-1).sum, steps.reduce((sum, { count }) => sum + count, 0));
});

test("a question keeps its key, and a new one gets a speaking and unused one", () => {
  const known = { key: "food", kind: "choice", wording: "Food?", version: 1, required: true, options: [{ key: "veg", label: "Vegetarian" }] };
  const draft = draftOf(known);
  assert.deepEqual(bodyOfDrafts([draft], []), [
    { key: "food", kind: "choice", wording: "Food?", required: true, options: [{ key: "veg", label: "Vegetarian" }] },
  ]);
  const fresh = (wording) => ({ key: "", kind: "text", wording, required: false, options: "left\nover", known: [] });
  const made = bodyOfDrafts([draft, fresh("Food"), fresh("Größe & Farbe?"), fresh("食"), fresh("x".repeat(99))], ["old", "food_3"]);
  assert.deepEqual(made.map(({ key }) => key), ["food", "food_2", "gro_e_farbe", "q", "x".repeat(28)]);
  assert.deepEqual(made[1], { key: "food_2", kind: "text", wording: "Food", required: false }, "a text has no options");
  for (const { key } of made) assert.match(key, /^[a-z0-9_-]{1,32}$/);
});

test("an existing option keeps its key, wherever it is and whatever its name", () => {
  const known = [{ key: "a", label: "Apple" }, { key: "b", label: "Pear" }];
  const keys = (options) => optionsOf({ options, known }).map(({ key }) => key);
  assert.deepEqual(keys("Pear\nApple"), ["b", "a"]);
  assert.deepEqual(keys("Apple\nPears"), ["a", "b"], "it is called otherwise");
  assert.deepEqual(keys(" Apple \n\nPear\nA"), ["a", "b", "a_2"]);
  assert.deepEqual(keys("Pear"), ["b"]);
});

test("answers are shown in words, in the order of the questions", () => {
  const options = [{ key: "a", label: "Apple" }, { key: "b", label: "Pear" }];
  const question = (key, kind) => ({ key, kind, wording: `${key}?`, version: 2, required: false, options });
  const questions = [question("text", "text"), question("one", "choice"), question("some", "several"), question("is", "yes_no"), question("terms", "consent"), question("none", "text")];
  const shown = answersShown(questions, { terms: 2, is: false, some: ["b", "gone"], one: "a", text: "Hi", lost: "x" });
  assert.deepEqual(shown, [
    { wording: "text?", text: "Hi" },
    { wording: "one?", text: "Apple" },
    { wording: "some?", text: "Pear, gone" },
    { wording: "is?", text: "No" },
    { wording: "terms?", text: "Agreed" },
    { wording: "lost", text: "x" },
  ]);
  assert.match(answersShown(questions, { terms: 1 })[0].text, /wording 1/);
  assert.deepEqual(answersShown(questions, undefined), []);
});

test("the search is in the address, and is restored from it", () => {
  const nothing = { q: "", from: "", to: "", when: "upcoming" };
  assert.deepEqual(queryIn(""), nothing);
  assert.equal(searchOf(nothing), "");
  assert.equal(isNarrowed(nothing), false);
  for (const query of [
    { q: "jazz & more", from: "", to: "", when: "upcoming" },
    { q: "", from: "2026-12-01", to: "2026-12-31", when: "past" },
  ]) {
    assert.deepEqual(queryIn(searchOf(query)), query);
    assert.equal(isNarrowed(query), true);
  }
  assert.deepEqual(queryIn("?from=tomorrow&when=never&q="), nothing, "what is none is nothing");
  assert.equal(queryIn(`?q=${"x".repeat(300)}`).q.length, 200);
});

test("days are those of this device, the last one included", () => {
  const asked = new URLSearchParams(queryPath({ q: " a+b ", from: "2026-03-29", to: "2026-03-29", when: "past" }, 20).split("?")[1]);
  assert.deepEqual(Object.fromEntries(asked), {
    limit: "20",
    when: "past",
    sort: "starts_at",
    q: "a+b",
    from: "2026-03-28T23:00:00.000Z",
    // The clocks are set forward that day.
    to: "2026-03-29T22:00:00.000Z",
  });
});

test("only changed answers are sent, and null for deleted ones", () => {
  const before = { a: "x", b: ["k", "j"], c: false, d: 2 };
  assert.deepEqual(changedAnswers(before, { ...before }), {});
  assert.deepEqual(changedAnswers(before, { a: "y", b: ["k", "j"], c: true, e: "new" }), { a: "y", c: true, d: null, e: "new" });
  assert.deepEqual(changedAnswers({}, { c: false }), { c: false });
});
