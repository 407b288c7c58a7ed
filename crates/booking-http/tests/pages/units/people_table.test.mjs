import "./setup.mjs";
import { FakeElement, startPage } from "./elements.mjs";
import assert from "node:assert/strict";
import test from "node:test";
import { createPeopleTable } from "../../../../../static/js/views/people_table.js";

const person = (id, more = {}) => ({ id, event_id: "e", user_email: `${id}@example.org`, created_at: "2026-07-01T10:00:00Z", ...more });
const people = (ids) => [...ids].map((id) => person(id));

/** A table, its people from the top, and the changes of each row. */
function open(context) {
  startPage(context);
  const table = createPeopleTable("People");
  const done = [];
  const make = (one, onOpen) => {
    const node = new FakeElement("tr");
    node.setAttribute("id", one.id);
    done.push(`made ${one.id}`);
    return {
      node,
      open() {
        onOpen(this);
      },
      update: ({ id }) => void done.push(`updated ${id}`),
      close: () => void done.push(`closed ${one.id}`),
    };
  };
  const rows = () => table.node.children[1].children.map((node) => node.attributes.get("id")).join("");
  return { table, make, rows, done };
}

test("only changed people are drawn anew, and rows are in the order of the people", (context) => {
  const { table, make, rows, done } = open(context);
  assert.equal(table.node.hidden, true);
  table.show(people("abc"), make);
  assert.deepEqual([rows(), table.count(), table.node.hidden], ["abc", 3, false]);
  done.length = 0;
  table.show([person("c"), person("a", { name: "Ada" }), person("d")], make);
  assert.equal(rows(), "cad", "and who has left is gone");
  assert.deepEqual(done, ["updated a", "made d"]);
  table.append([person("e"), person("c")], make);
  assert.equal(rows(), "adec", "who has moved down stands there once");
  table.show([], make);
  assert.deepEqual([rows(), table.count(), table.node.hidden], ["", 0, true]);
});

test("people of later pages stay when others come or leave above", (context) => {
  const { table, make, rows } = open(context);
  table.show(people("abcdef"), make);
  assert.equal(table.showHead(people("axb"), make), true);
  assert.equal(rows(), "axbcdef", "c was pushed off the page, and is still registered");
  assert.equal(table.showHead(people("xbc"), make), true);
  assert.equal(rows(), "xbcdef", "a has left");
  assert.equal(table.showHead(people("xbcdef"), make), false, "nobody is below");
  assert.equal(table.showHead(people("ghi"), make), false, "what is between them and those before is not known");
  assert.equal(rows(), "ghi");
});

test("one person at a time is being corrected", (context) => {
  const { table, make, done } = open(context);
  const rows = [];
  table.show(people("ab"), (one, onOpen) => {
    const row = make(one, onOpen);
    rows.push(row);
    return row;
  });
  for (const row of rows) row.open();
  assert.deepEqual(done.slice(2), ["closed a"]);
});
