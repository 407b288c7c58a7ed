import assert from "node:assert/strict";
import test from "node:test";
import { curlOf } from "../../../../../static/js/docs/curl.js";
import { codesOf, fieldsOf, inWords, namesIn } from "../../../../../static/js/docs/schema.js";

test("a request is a command that a shell parses as intended", () => {
  assert.equal(curlOf("GET", "http://a/b", null, undefined), "curl -s 'http://a/b'");
  const written = curlOf("POST", "http://a/b", "TOKEN", { name: "Ada's" });
  assert.equal(
    written,
    [
      "curl -s 'http://a/b'",
      "-H 'Authorization: Bearer TOKEN'",
      '-H "Idempotency-Key: $(uuidgen)"',
      "-H 'Content-Type: application/json'",
      `-d '{"name":"Ada'\\''s"}'`,
    ].join(" \\\n  "),
  );
  assert.match(curlOf("POST", "http://a/b", null, undefined), /^curl -s -X POST 'http:/);
  assert.match(curlOf("DELETE", "http://a/b", null, undefined), /^curl -s -X DELETE 'http:/);
});

test("a schema is described in words", () => {
  for (const [schema, words] of [
    [{ type: "string", minLength: 1, maxLength: 200 }, "string of 1 to 200 characters"],
    [{ type: ["string", "null"], format: "date-time" }, "string (date-time) or null"],
    [{ type: "integer", minimum: 60, maximum: 1800 }, "integer of 60 to 1800"],
    [{ type: "integer", minimum: 0 }, "integer"],
    [{ type: "string", enum: ["refuse", null] }, '"refuse", null'],
    [{ type: "array", maxItems: 50, items: { $ref: "#/components/schemas/Scan" } }, "array of up to 50: Scan"],
    [{ oneOf: [{ type: "null" }, { $ref: "#/components/schemas/Who" }] }, "null or Who"],
    [{}, "object"],
  ]) {
    assert.equal(inWords(schema), words);
  }
});

test("the fields of an object are described with those of the objects in it", () => {
  const scan = { type: "object", required: ["id"], properties: { id: { type: "string" }, at: { type: "string" } } };
  const schema = {
    properties: {
      scans: { type: "array", items: scan },
      data: { properties: { person: { properties: { name: {} } } } },
      who: { $ref: "#/components/schemas/Who" },
    },
    required: ["scans"],
  };
  const fields = fieldsOf(schema);
  const paths = ["scans", "scans[].id", "scans[].at", "data", "data.person", "data.person.name", "who"];
  assert.deepEqual(
    fields.map(({ path }) => path),
    paths,
  );
  const required = fields.filter(({ isRequired }) => isRequired);
  assert.deepEqual(
    required.map(({ path }) => path),
    ["scans", "scans[].id"],
  );
  assert.deepEqual(fieldsOf({}), []);
});

test("the codes of a problem and the schemas that another refers to are found", () => {
  const problem = { $ref: "#/components/schemas/Problem" };
  const refused = { allOf: [problem, { properties: { code: { enum: ["sold_out", "closed"] } } }] };
  assert.deepEqual(codesOf(refused), ["sold_out", "closed"]);
  assert.deepEqual(codesOf(problem), []);
  assert.deepEqual(namesIn(refused), ["Problem"]);
  assert.deepEqual(namesIn({ type: "array", items: problem }), ["Problem"]);
});
