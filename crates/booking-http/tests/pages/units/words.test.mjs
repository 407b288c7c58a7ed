import { catalogue } from "./setup.mjs";
import { hasWords, literalsOf } from "./literals.mjs";
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import test from "node:test";
import { LANGUAGES, pickLanguage, useLanguage } from "../../../../../static/js/language.js";
import { t, tNodes, useWords } from "../../../../../static/js/words.js";

const PAGES = new URL("../../../../../static/", import.meta.url);
const filesOf = (folder) =>
  readdirSync(new URL(folder, PAGES), { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesOf(`${folder}${entry.name}/`) : [`${folder}${entry.name}`],
  );
const read = (name) => readFileSync(new URL(name, PAGES), "utf8");

const catalogues = new Map(LANGUAGES.map((language) => [language, catalogue(language)]));
const english = catalogues.get("en");
/** The server's part of a catalogue, which its own tests look after. */
const isServers = (key) => key.startsWith("problem.");
/** In English alone: the page that shows programmers the API's description, which is English. */
const ENGLISH_ONLY = ["js/docs.js", "js/docs/curl.js", "js/docs/schema.js"];
const modules = new Map(filesOf("js/").map((name) => [name, read(name)]));
const RENDERED = new URL("../../../", import.meta.url);
const filesIn = (folder) => readdirSync(new URL(folder, RENDERED)).map((name) => readFileSync(new URL(folder + name, RENDERED), "utf8"));
/** The templates: without their conditions. */
const templates = filesIn("templates/").map((text) => text.replaceAll(/\{%[^%]*%\}/g, ""));
/** The values that it inserts, and the handlers that do so. */
const renderers = [...filesIn("src/pages/"), readFileSync(new URL("src/routes/pages.rs", RENDERED), "utf8")].map(
  (text) => text.split("#[cfg(test)]")[0],
);

const formsOf = (message) => (typeof message === "string" ? [message] : Object.values(message));
const namesIn = (text) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

test("each language has a catalogue, and each catalogue can be chosen", () => {
  assert.deepEqual(filesOf("i18n/").sort(), LANGUAGES.map((language) => `i18n/${language}.json`).sort());
});

test("no key is missing in a language, or left over in it, and each text takes the same values", () => {
  for (const [language, words] of catalogues) {
    assert.deepEqual(Object.keys(words).sort(), Object.keys(english).sort(), language);
    for (const [key, message] of Object.entries(words)) {
      const names = formsOf(english[key]).flatMap(namesIn);
      for (const text of formsOf(message)) {
        assert.notEqual(text.trim(), "", `${language}: ${key}`);
        for (const name of namesIn(text)) assert.ok(names.includes(name), `${language}: ${key} has no {${name}}`);
      }
      const used = new Set(formsOf(message).flatMap(namesIn));
      const wanted = typeof english[key] === "string" ? names : names.filter((name) => name !== "count");
      for (const name of wanted) assert.ok(used.has(name), `${language}: ${key} does not say {${name}}`);
    }
  }
});

test("the hint about markup in descriptions is in each language", () => {
  for (const [language, words] of catalogues) assert.match(words["event_form.description_hint"], /CommonMark/, language);
});

test("each counted text has every plural form of its language, and no other", () => {
  for (const [language, words] of catalogues) {
    const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
    for (const [key, message] of Object.entries(words)) {
      assert.equal(typeof message, typeof english[key], `${language}: ${key}`);
      if (typeof message !== "string") assert.deepEqual(Object.keys(message).sort(), [...forms].sort(), `${language}: ${key}`);
    }
  }
});

test("no text is left in English", () => {
  // Words that both languages share.
  const same = ["calendar.google", "calendar.outlook", "language.de", "language.en", "language.direction", "person.name", "registrations.name"];
  for (const [language, words] of catalogues) {
    const alike = Object.keys(words).filter((key) => {
      const texts = formsOf(english[key]).map((text) => text.replaceAll(/\{\w+\}/g, "{}"));
      const isSaid = texts.some((text) => /\p{L}{2,}/u.test(text));
      return isSaid && formsOf(words[key]).some((text) => texts.includes(text.replaceAll(/\{\w+\}/g, "{}")));
    });
    if (language !== "en") assert.deepEqual(alike.sort(), same.sort(), language);
  }
});

/** Every key that modules and the page name. */
function usedKeys() {
  const areas = new Set(Object.keys(english).map((key) => key.split(".")[0]));
  const isKey = (text) => /^[a-z_]+\.[a-z_0-9]+$/.test(text) && areas.has(text.split(".")[0]) && !/\.(html|ics|js|json|svg)$/.test(text);
  const inModules = [...modules.values()].flatMap((source) => literalsOf(source).map(({ text }) => text)).filter(isKey);
  const inTemplates = templates.flatMap((text) => [...text.matchAll(/t\(page\.language, "([^"]+)"\)/g)].map(([, key]) => key));
  const inRenderers = renderers.flatMap((text) => [...text.matchAll(/"([a-z_]+\.[a-z_0-9]+)"/g)].map(([, key]) => key)).filter(isKey);
  return new Set([...inModules, ...inTemplates, ...inRenderers]);
}

test("every used key exists, and every key is used", () => {
  const used = usedKeys();
  assert.ok(used.size > 300, `${used.size} keys`);
  assert.deepEqual([...used].filter((key) => !(key in english)), [], "not there");
  assert.deepEqual(Object.keys(english).filter((key) => !used.has(key) && !isServers(key)), [], "left over");
});

test("keys are written out, so that they can be searched for", () => {
  for (const [name, source] of modules) assert.doesNotMatch(source, /\bt(Nodes)?\(`/, name);
});

test("a page and its scripts use the same keys", () => {
  const page = templates.join("\n");
  const parts = [...page.matchAll(/<(\w+)((?:[^>"]|"[^"]*")*)data-t="([^"]+)"((?:[^>"]|"[^"]*")*)>([^<]*)<\/\1>/g)];
  assert.ok(parts.length > 5);
  assert.equal(parts.length, page.split('data-t="').length - 1);
  for (const [, , , key, , text] of parts) assert.equal(text, `{{ t(page.language, "${key}") }}`);
  const labels = [...page.matchAll(/aria-label="(\{\{.*?\}\})"\s+data-t-label="([^"]+)"/g)];
  assert.equal(labels.length, page.split("data-t-label=").length - 1);
  for (const [, label, key] of labels) assert.equal(label, `{{ t(page.language, "${key}") }}`);
});

test("no template has words of its own", () => {
  for (const template of templates) {
    const body = template.slice(Math.max(template.indexOf("<body>"), 0)).replaceAll(/<!--[\s\S]*?-->|\{\{.*?\}\}/g, "");
    const said = [...body.matchAll(/>([^<]+)/g)].map(([, text]) => text.trim()).filter((text) => /\p{L}/u.test(text));
    assert.deepEqual(said.filter((text) => text !== "Booking"), []);
    assert.doesNotMatch(body, /aria-label="[^"]/);
  }
});

test("no module has words of its own", () => {
  const found = [...modules]
    .filter(([name]) => !ENGLISH_ONLY.includes(name))
    .flatMap(([name, source]) => literalsOf(source).filter(hasWords).map(({ text }) => `${name}: ${text}`));
  assert.deepEqual(found, []);
});

test("words in a module are found, and strings for programs are not taken for words", () => {
  /** In a template of a source. */
  const value = (name) => ["$", "{", name, "}"].join("");
  const inSource = (source) => literalsOf(source).filter(hasWords).map(({ text }) => text.replaceAll("\u0000", "…"));
  for (const source of [
    'el("p", {}, "Sign in")',
    'el("p", {}, "Register")',
    "el('p', {}, 'seats left')",
    'setText(x, "Trying again.")',
    `setText(x, \`${value("count")} seconds\`)`,
    `setText(x, \`Since ${value(`a ? \`${value("b")}\` : ""`)}. Enjoy it.\`)`,
    'label: " of "',
    'const x = a / 2; // "no"\nshow("Not found")',
    'show(/"/.test(x) ? "Well done!" : "")',
  ]) {
    assert.equal(inSource(source).length, 1, source);
  }
  for (const source of [
    'el("p", { class: "button button--plain" })',
    `el("p", { class: \`badge badge--${value("badge")}\` })`,
    'document.querySelectorAll("form[aria-busy], button[aria-disabled]")',
    'throw new Error("the server decided nothing")',
    '// "Words in a comment"\n/* `and here` */ t("seats.left")',
    'headers.get("Retry-After") && key === "Escape"',
    `\`/events/${value("id")}/register?since=${value("version")}\``,
    'x.replace(/it\'s "here" (or there)/, "")',
    '"waiting" === state',
  ]) {
    assert.deepEqual(inSource(source), [], source);
  }
});

test("a value is inserted as it is, numbers as the locale writes them, and elements stay elements", (context) => {
  context.after(() => {
    useWords(english);
    useLanguage({ language: "en", locale: "en" });
  });
  useWords({ greeting: "<b>{name}</b> & {name}", seats: { one: "{count} seat", other: "{count} seats" }, open: "{what} is open" });
  assert.equal(t("greeting", { name: "<i>{name}" }), "<b><i>{name}</b> & <i>{name}");
  assert.deepEqual([0, 1, 2_000].map((count) => t("seats", { count })), ["0 seats", "1 seat", "2,000 seats"]);
  useLanguage({ language: "de", locale: "de-DE" });
  assert.equal(t("seats", { count: 2_000 }), "2.000 seats");
  const node = new EventTarget();
  assert.deepEqual(tNodes("open", { what: node }), ["", node, " is open"]);
  for (const key of ["nothing.like_that", "toString", "__proto__"]) assert.equal(t(key), key);
  assert.equal(t("open"), "{what} is open");
});

test("the language is the chosen one, else the browser's first, else English", () => {
  const picked = [
    [["de-AT", "en"], null, ["de", "de-AT"]],
    [["fr-FR", "de", "en-GB"], null, ["de", "de"]],
    [["fr"], null, ["en", "en"]],
    [[], null, ["en", "en"]],
    [["en-GB", "de-CH"], "de", ["de", "de-CH"]],
    [["fr"], "de", ["de", "de"]],
    [["en-GB"], "tlh", ["en", "en-GB"]],
    [["en-US@posix", "C", "", "DE"], null, ["de", "DE"]],
    [["den"], null, ["en", "en"]],
  ];
  for (const [wished, chosen, [language, locale]] of picked) {
    assert.deepEqual(pickLanguage(wished, chosen), { language, locale }, JSON.stringify([wished, chosen]));
  }
});
