import { webcrypto } from "node:crypto";
import { readFileSync } from "node:fs";
import { useWords } from "../../../../../static/js/words.js";

// To be imported before the modules of the pages: formats are made with the zone that there is then.
process.env.TZ = "Europe/Berlin";

/** The words of a language, as the pages have them. */
export const catalogue = (language) =>
  JSON.parse(readFileSync(new URL(`../../../../../static/i18n/${language}.json`, import.meta.url), "utf8"));
useWords(catalogue("en"));

// As browsers have it; Node.js does only since version 19.
if (globalThis.crypto === undefined) {
  Object.defineProperty(globalThis, "crypto", { value: webcrypto, configurable: true });
}

/** An answer of the server, as `fetch` gives it. */
export const answer = (status, body, headers = {}) =>
  new Response(status === 304 || body === undefined ? null : typeof body === "string" ? body : JSON.stringify(body), {
    status,
    headers: { "Content-Type": "application/json", ...headers },
  });

/** Lets `fetch` give the set answers, in turn, for as long as the test runs; returns its requests. */
export function serve(context, ...answers) {
  const asked = [];
  context.mock.method(globalThis, "fetch", async (path, init) => {
    asked.push({ path, ...init });
    const next = answers[Math.min(asked.length, answers.length) - 1];
    if (next instanceof Error) throw next;
    return next.clone();
  });
  return asked;
}

/** As in browsers; Node.js has it only since version 21, and not whether there is a network. */
export function setOnline(onLine) {
  Object.defineProperty(globalThis, "navigator", { value: { onLine }, configurable: true });
}
setOnline(true);

/** A storage of a browser, or one that is forbidden. */
export function storage({ isForbidden = false } = {}) {
  const entries = new Map();
  const allowed = () => {
    if (isForbidden) throw new Error("SecurityError");
    return entries;
  };
  return {
    getItem: (name) => allowed().get(name) ?? null,
    setItem: (name, text) => void allowed().set(name, text),
    removeItem: (name) => void allowed().delete(name),
  };
}
