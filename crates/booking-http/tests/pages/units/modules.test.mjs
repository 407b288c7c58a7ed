import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import test from "node:test";

const PAGES = new URL("../../../../../static/", import.meta.url);
const TEMPLATES = new URL("../../../templates/", import.meta.url);
const filesOf = (folder, from = PAGES) =>
  readdirSync(new URL(folder, from), { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesOf(`${folder}${entry.name}/`, from) : [`${folder}${entry.name}`],
  );
const read = (name) => readFileSync(new URL(name, PAGES), "utf8");
const sources = new Map(filesOf("js/").map((name) => [name, read(name)]));
const tests = filesOf("./", import.meta.url).map((name) => readFileSync(new URL(name, import.meta.url), "utf8"));

/** The imports of a module, types and workers too, by their names in `static`. */
const importsOf = (name) =>
  [...sources.get(name).matchAll(/(?:from |import\(|new URL\()"(\.[^"]+)"/g)].map(([, path]) =>
    new URL(path, new URL(name, PAGES)).href.slice(PAGES.href.length),
  );

test("every module is used", () => {
  const used = new Set(["js/main.js", "js/docs.js", "js/first_words.js"]);
  for (const name of used) {
    for (const next of importsOf(name)) {
      assert.ok(sources.has(next), `${name} imports ${next}, which is not there`);
      used.add(next);
    }
  }
  assert.deepEqual([...sources.keys()].filter((name) => !used.has(name)), []);
});

test("every export is used elsewhere", () => {
  const unused = [];
  for (const [name, source] of sources) {
    const others = [...sources].filter(([other]) => other !== name).map(([, text]) => text);
    for (const [, exported] of source.matchAll(/^export (?:async )?(?:const|function|class) (\w+)/gm)) {
      const isUsed = [...others, ...tests].some((text) => new RegExp(`\\b${exported}\\b`).test(text));
      if (!isUsed) unused.push(`${name}: ${exported}`);
    }
  }
  assert.deepEqual(unused, []);
});

test("every style matches something in the pages", () => {
  const styles = filesOf("css/").map(read).join("\n");
  const withoutStrings = styles.replaceAll(/\/\*[\s\S]*?\*\/|"[^"]*"/g, "");
  const styled = new Set([...withoutStrings.matchAll(/\.([a-z][\w-]*)/g)].map(([, name]) => name));
  const templates = filesOf("./", TEMPLATES).map((name) => readFileSync(new URL(name, TEMPLATES), "utf8"));
  // Of a template its text, without its conditions.
  const rendered = templates.map((text) => text.replaceAll(/\{%[^%]*%\}/g, " "));
  const pages = [...sources.values(), ...rendered, read("problems.html"), read("docs.html")].join("\n");
  // Texts have capitals and full stops; names of classes have not. Some are put together: `badge--${badge}`.
  const literals = [...pages.matchAll(/"([^"\n]*)"|`([^`]*)`/g)].map(([, text, template]) => text ?? template);
  const names = literals.filter((text) => /^[ \w-]*(\$\{\w+\})?$/.test(text));
  const words = new Set(names.flatMap((text) => text.replace(/(--|)\$\{.*/, "$1").split(" ")));
  const unused = [...styled].filter((name) => !words.has(name) && !words.has(name.replace(/--.*/, "--")));
  assert.deepEqual(unused, []);
});

test("every request is sent from one place, and every error is worded in one", () => {
  for (const [call, homes] of [
    ["fetch(", ["js/http.js"]],
    ['addEventListener("submit"', ["js/submit_form.js", "js/views/check_in.js"]],
    ['"error.unreachable"', ["js/explain.js"]],
    ["AbortSignal.", ["js/abort.js"]],
    ["sessionStorage", ["js/current_hold.js", "js/draft.js", "js/idempotency.js", "js/session.js"]],
    [".innerHTML", []],
    ["[aria-busy]", ["js/unsettled.js"]],
    ["[aria-disabled]", ["js/unsettled.js"]],
  ]) {
    const found = [...sources].filter(([, source]) => source.includes(call)).map(([name]) => name);
    assert.deepEqual(found.sort(), homes, call);
  }
});

test("an error's own message is shown only by the module that explains errors", () => {
  const shown = /\.message\b|\["message"\]|\{[^{}()]*\bmessage\b[^{}()]*\}\s*(=[^=>]|\))|String\(\w*(error|failure)\b|\$\{\w*(error|failure)\}/i;
  for (const taken of [
    "setText(said, error.message)",
    'said(error["message"])',
    "const { message } = error;",
    "catch ({ message }) {",
    "t(key, { why: String(lastError) })",
    `\`It failed: \${failure}\``,
  ]) assert.match(taken, shown);
  for (const fine of ['worker.addEventListener("message", ({ data }) => take(data));', "t(key, { why: explainRead(error) })"])
    assert.doesNotMatch(fine, shown);
  const found = [...sources].filter(([, source]) => shown.test(source)).map(([name]) => name);
  assert.deepEqual(found, ["js/explain.js"]);
});

test("every module is checked for types", () => {
  const hole = /@ts-(ignore|expect-error|nocheck)|[{<(|:,]\s*any\s*[}>)|\],]|\bany\[\]/;
  const comments = ["/** @type {any} */", "/** @returns {Promise<any>} */", "// @ts-ignore", "/** @param {any[]} a */"];
  for (const comment of comments) assert.match(comment, hole);
  const found = [...sources, ["sw.js", read("sw.js")]].filter(([, source]) => hole.test(source));
  assert.deepEqual(found.map(([name]) => name), []);
});
