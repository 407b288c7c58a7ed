import "./setup.mjs";
import assert from "node:assert/strict";
import test from "node:test";
import { DESCRIPTION, EMAIL, PERSON_NAME, characters } from "../../../../../static/js/limits.js";
import { nameShown, sentence, showsNothing, trimmed, trimmedCode, withoutMarks } from "../../../../../static/js/text.js";

test("white space goes from both ends, and stays within", () => {
  assert.equal(trimmed(" \u00a0\u3000a b\u2028\ufeff\n"), "a b");
  assert.equal(trimmed(" \t "), "");
  // No white space to the server, whatever it looks like.
  assert.equal(trimmed("\u200ba"), "\u200ba");
});

test("a code is trimmed of everything invisible", () => {
  assert.equal(trimmedCode("\u200b\u2066abc\u2069\u00ad "), "abc");
  assert.equal(trimmedCode("a\u200bb"), "a\u200bb");
});

test("a text is empty if nothing in it is visible", () => {
  for (const text of ["", " ", "\u200b", "\u3164", "\u2800", "\u{e0020}", "\u0301", "\u{1d159}"]) {
    assert.equal(showsNothing(text), true, JSON.stringify(text));
    assert.equal(nameShown(text), "Event without a name");
  }
  for (const text of ["a", "\u200ba", "é", "書", "👩‍👩‍👧", "·"]) assert.equal(showsNothing(text), false, text);
  assert.equal(nameShown("Jazz"), "Jazz");
});

test("trimming takes time in proportion to the text", () => {
  const text = `a${" ".repeat(200_000)}b`;
  const started = performance.now();
  assert.equal(trimmed(text), text);
  assert.ok(performance.now() - started < 2_000);
});

test("a detail becomes a sentence", () => {
  assert.equal(sentence(" must not be empty "), "Must not be empty.");
  for (const whole of ["Done!", "Really?", "Wait…", "Done."]) assert.equal(sentence(whole), whole);
});

test("characters are those of Unicode", () => {
  assert.equal(characters("a👩é"), 3);
  assert.equal(characters(""), 0);
});

test("a line is measured as it is stored: without what is trimmed", () => {
  assert.equal(PERSON_NAME.count("  Ada  "), 3);
  assert.equal(DESCRIPTION.count("  Ada  "), 7);
});

test("an address is measured in the bytes that are compared, and never longer than the server's", () => {
  const counted = [
    ["Ada@Example.ORG ", "ada@example.org"],
    ["a@bücher.example", "a@xn--bcher-kva.example"],
    ["E\u0301@example.org", "\u00e9@example.org"],
    ['"a"@example.org', "a@example.org"],
    ["no-at", "no-at"],
    ["a@no domain", "a@no domain"],
  ];
  for (const [typed, kept] of counted) assert.equal(EMAIL.count(typed), new TextEncoder().encode(kept).length, typed);
});

test("a description is shortened without its markup, and a plain text stays", () => {
  for (const [text, words] of [
    ["# Programme\n\nTwo *short* sets.\n\n- **First**: standards\n2. `own`\n> quoted", "Programme Two short sets. First: standards 2. own quoted"],
    ["1. Mai\nKonzert", "1. Mai Konzert"],
    ["See [the band](https://band.example) and ![us](https://a.example/x.png).", "See the band and us."],
    ["2*3*4, a_b_c, 5 - 3 and #1", "2*3*4, a_b_c, 5 - 3 and #1"],
    ["-Ali\n***\n**", "-Ali **"],
    ["", ""],
  ]) {
    assert.equal(withoutMarks(text), words);
  }
  // For any length and content.
  const began = Date.now();
  for (const text of ["*", "[", "**a", "`", "_ a", "[a](", "- "]) withoutMarks(text.repeat(10_000 / text.length));
  assert.ok(Date.now() - began < 500);
});
