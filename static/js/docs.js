// @ts-check
/** The page that shows the description of the API. */

import { BASE } from "./base.js";
import { copyButtonElement } from "./copy.js";
import { curlOf } from "./docs/curl.js";
import { codesOf, fieldsOf, inWords, namesIn } from "./docs/schema.js";
import { el } from "./dom.js";
import { read } from "./http.js";
import { loadWords } from "./load_words.js";
import { loadErrorNotice } from "./views/load_error.js";

/** @import { Schema } from "./docs/schema.js" */

/**
 * @typedef {{ name: string, in: string, required?: boolean, description?: string, schema: Schema }} Parameter
 * @typedef {Record<string, { schema: Schema, example?: unknown }>} Contents
 * @typedef {{ description: string, content?: Contents, headers?: Record<string, unknown> }} Answer
 *
 * @typedef {object} Operation
 * @property {string} operationId
 * @property {string[]} tags
 * @property {string} summary
 * @property {string} [description]
 * @property {Parameter[]} [parameters]
 * @property {{ content: Contents }} [requestBody]
 * @property {Record<string, Answer>} responses
 * @property {Record<string, string[]>[]} [security]
 *
 * @typedef {object} Description
 * @property {{ version: string, description: string }} info
 * @property {{ name: string, description: string }[]} tags
 * @property {Record<string, Record<string, Operation>>} paths
 * @property {Record<string, Record<string, Operation>>} [webhooks]
 * @property {{ schemas: Record<string, Schema> }} components
 */

const WHO = new Map([
  ["organizer", "an organizer's token"],
  ["manage_token", "the registration's manage_token"],
]);

const place = /** @type {HTMLElement} */ (document.getElementById("description"));
show();

async function show() {
  try {
    // The description is in English, and so is all around it.
    await loadWords({ language: "en", locale: "en" });
    const { body } = await read("/openapi.json");
    const description = /** @type {Description} */ (body);
    place.replaceChildren(...sections(description));
    openNamed();
  } catch (error) {
    place.replaceChildren(loadErrorNotice(error));
  }
}

/** @param {Description} description */
function sections({ info, tags, paths, webhooks = {}, components }) {
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
  const about = info.description.split("\n\n").map((text) => el("p", {}, ...withCode(text)));
  const byTag = tags.map((tag) => {
    const own = operations.filter(({ operation }) => operation.tags.includes(tag.name));
    const shown = own.map(({ method, path, operation }) => operationElement(method, path, operation));
    return section(tag.name, el("p", { class: "quiet" }, ...withCode(tag.description)), ...shown);
  });
  const messages = Object.entries(webhooks).flatMap(([type, item]) =>
    Object.values(item).map((message) => messageElement(type, message)),
  );
  const schemas = Object.entries(components.schemas).map(([name, schema]) => schemaElement(name, schema));
  return [
    el("p", { class: "quiet" }, `Version ${info.version}`),
    ...about,
    ...byTag,
    section("Messages to webhooks", ...messages),
    section("Schemas", ...schemas),
  ];
}

/** @param {string} title @param {...HTMLElement} children */
const section = (title, ...children) => el("section", { class: "docs" }, el("h2", {}, title), ...children);

/** @param {string} method @param {string} path @param {Operation} operation */
function operationElement(method, path, operation) {
  const content = contentOf(operation);
  const token = tokenOf(operation);
  const curl = curlOf(method, location.origin + BASE + path + queryOf(operation), token, content?.example);
  return details(
    operation.operationId,
    `operation-${operation.operationId}`,
    summaryElement(`${method} ${path}`, operation.summary),
    operation.description ? el("p", {}, ...withCode(operation.description)) : null,
    el("p", {}, "Asked with: ", whoAsks(operation)),
    ...listed("Parameters", (operation.parameters ?? []).map(parameterElement)),
    ...(content ? listed("Body", [bodyElement(content.schema)]) : []),
    ...listed("Answers", Object.entries(operation.responses).map(answerElement)),
    el("h3", {}, "Example"),
    codeElement(curl),
    copyButtonElement("Copy the command", () => curl, `copy-${operation.operationId}`),
  );
}

/** The webhook message of a type. @param {string} type @param {Operation} message */
function messageElement(type, message) {
  const content = contentOf(message);
  // The schema's part for its type is listed already.
  const schema = content?.schema.allOf?.[0] ?? content?.schema;
  return details(
    `message-${type}`,
    `message-${type}`,
    summaryElement(type, message.summary),
    message.description ? el("p", {}, ...withCode(message.description)) : null,
    ...listed("Sent with", (message.parameters ?? []).map(parameterElement)),
    ...(schema ? listed("Body", [bodyElement(schema)]) : []),
    ...listed("Answers", Object.entries(message.responses).map(answerElement)),
    el("h3", {}, "Example"),
    codeElement(JSON.stringify(content?.example, null, 2)),
  );
}

/** @param {Operation} operation */
const contentOf = (operation) => Object.values(operation.requestBody?.content ?? {})[0];

/** The required query parameters, with placeholders. @param {Operation} operation */
function queryOf({ parameters = [] }) {
  const needed = parameters.filter((parameter) => parameter.in === "query" && parameter.required);
  const query = needed.map(({ name }) => `${name}=${name.toUpperCase()}`).join("&");
  return query === "" ? "" : `?${query}`;
}

/** @param {string} name @param {string} about */
const summaryElement = (name, about) =>
  el(
    "span",
    { class: "docs__summary" },
    el("code", {}, name),
    el("span", { class: "docs__about" }, about),
  );

/** @param {string} text */
const codeElement = (text) => el("pre", { class: "docs__code" }, el("code", {}, text));

/** The example's placeholder for a token, if one is needed. @param {Operation} operation */
function tokenOf({ security = [] }) {
  const isFree = security.length === 0 || security.some((one) => Object.keys(one).length === 0);
  return isFree ? null : (Object.keys(security[0] ?? {})[0] ?? "").toUpperCase();
}

/** @param {Operation} operation */
function whoAsks({ security = [] }) {
  const ways = security.map((one) => WHO.get(Object.keys(one)[0] ?? "") ?? "nothing");
  return ways.length === 0 ? "nothing" : ways.join(", or ");
}

/** @param {Parameter} parameter */
const parameterElement = ({ name, in: where, required, description, schema }) =>
  fieldElement(name, `${where}, ${inWords(schema)}`, required === true, description);

/**
 * @param {string} name
 * @param {string} kind
 * @param {boolean} isRequired
 * @param {string} [description]
 */
const fieldElement = (name, kind, isRequired, description) =>
  el(
    "li",
    {},
    el("code", {}, name),
    ` ${kind}${isRequired ? ", required" : ""}`,
    ...(description ? [". ", ...withCode(description)] : []),
  );

/** @param {Schema} schema */
const bodyElement = (schema) => el("li", {}, ...linked(schema));

/** @param {[string, Answer]} entry */
function answerElement([status, { description, content = {}, headers = {} }]) {
  const kinds = Object.entries(content).map(([kind, { schema }]) => {
    const codes = codesOf(schema);
    const what = codes.length > 0 ? codeLinks(codes) : linked(schema);
    const [example] = schema.examples ?? [];
    return el("div", {}, `${kind}: `, ...what, example === undefined ? null : codeElement(example));
  });
  const isProblem = Object.keys(content).every((kind) => kind === "application/problem+json") && kinds.length > 0;
  const names = Object.keys(headers).join(", ");
  return el(
    "li",
    {},
    el("strong", {}, status),
    ...(isProblem ? [] : [" ", ...withCode(description)]),
    ...kinds,
    names === "" ? null : el("div", { class: "quiet" }, `Headers: ${names}`),
  );
}

/** @param {string[]} codes */
const codeLinks = (codes) =>
  codes.flatMap((code, at) => [at === 0 ? "" : ", ", el("a", { href: `/problems#${code}` }, code)]);

/** A schema in words, with links to those that it names. @param {Schema} schema */
function linked(schema) {
  /** @type {(string | HTMLElement)[]} */
  const parts = [];
  let rest = inWords(schema);
  for (const name of namesIn(schema)) {
    const at = rest.indexOf(name);
    if (at < 0) continue;
    parts.push(rest.slice(0, at), el("a", { href: `#schema-${name}` }, name));
    rest = rest.slice(at + name.length);
  }
  return [...parts, rest];
}

/** @param {string} name @param {Schema} schema */
function schemaElement(name, schema) {
  const fields = fieldsOf(schema).map(({ path, of, isRequired }) =>
    fieldElement(path, inWords(of), isRequired, of.description),
  );
  return details(
    `schema-${name}`,
    `schema-${name}`,
    el("code", {}, name),
    schema.description ? el("p", {}, ...withCode(schema.description)) : null,
    ...listed("Fields", fields),
  );
}

/**
 * @param {string} testid
 * @param {string} id
 * @param {HTMLElement} summary
 * @param {...(HTMLElement | null)} children
 */
const details = (testid, id, summary, ...children) =>
  el(
    "details",
    { class: "disclosure", id, "data-testid": testid },
    el("summary", {}, summary),
    el("div", { class: "disclosure__body" }, ...children),
  );

/** @param {string} title @param {HTMLElement[]} items */
const listed = (title, items) =>
  items.length === 0
    ? []
    : [el("h3", {}, title), el("ul", { class: "docs__list", role: "list" }, ...items)];

/** Text between backquotes is code. @param {string} text @returns {(Node | string)[]} */
const withCode = (text) => text.split("`").map((part, at) => (at % 2 === 0 ? part : el("code", {}, part)));

/** A link to an operation, a message or a schema opens it, from here and from elsewhere. */
function openNamed() {
  const target = document.getElementById(location.hash.slice(1));
  if (target instanceof HTMLDetailsElement) {
    target.open = true;
    target.scrollIntoView();
  }
}
window.addEventListener("hashchange", openNamed);
