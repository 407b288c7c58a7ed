// @ts-check
/** Schemas of the API description, in words. */

/**
 * The part of JSON Schema that the description uses.
 *
 * @typedef {object} Schema
 * @property {string} [$ref]
 * @property {string | string[]} [type]
 * @property {string} [format]
 * @property {string} [description]
 * @property {(string | null)[]} [enum]
 * @property {Schema} [items]
 * @property {Schema[]} [allOf]
 * @property {Schema[]} [oneOf]
 * @property {Record<string, Schema>} [properties]
 * @property {string[]} [required]
 * @property {string[]} [examples]
 * @property {number} [minimum]
 * @property {number} [maximum]
 * @property {number} [minLength]
 * @property {number} [maxLength]
 * @property {number} [minItems]
 * @property {number} [maxItems]
 */

/** The name of a reference's target. @param {string} reference */
const nameOf = (reference) => reference.slice(reference.lastIndexOf("/") + 1);

/** @param {number | undefined} min @param {number | undefined} max @param {string} of */
function range(min, max, of) {
  if (max === undefined) return "";
  return min === undefined || min === max ? ` of up to ${max}${of}` : ` of ${min} to ${max}${of}`;
}

/** @param {Schema} schema @returns {string} */
export function inWords(schema) {
  if (schema.$ref) return nameOf(schema.$ref);
  const either = schema.oneOf ?? schema.allOf;
  if (either) return either.map(inWords).join(schema.oneOf ? " or " : ", ");
  if (schema.enum) return schema.enum.map((word) => (word === null ? "null" : `"${word}"`)).join(", ");
  const types = [schema.type ?? "object"].flat();
  return types.map((type) => typeInWords(type, schema)).join(" or ");
}

/** @param {string} type @param {Schema} schema */
function typeInWords(type, schema) {
  if (type === "array") {
    return `array${range(schema.minItems, schema.maxItems, "")}: ${inWords(schema.items ?? {})}`;
  }
  if (type === "integer") return `integer${range(schema.minimum, schema.maximum, "")}`;
  if (type !== "string") return type;
  const form = schema.format ? ` (${schema.format})` : "";
  return `string${form}${range(schema.minLength, schema.maxLength, " characters")}`;
}

/**
 * The fields of an object, and those of nested objects, by path.
 *
 * @param {Schema} schema
 * @param {string} [at] The object's path.
 * @returns {{ path: string, of: Schema, isRequired: boolean }[]}
 */
export function fieldsOf({ properties = {}, required = [] }, at = "") {
  return Object.entries(properties).flatMap(([name, of]) => {
    const path = `${at}${name}`;
    const inside = of.items ? fieldsOf(of.items, `${path}[].`) : fieldsOf(of, `${path}.`);
    return [{ path, of, isRequired: required.includes(name) }, ...inside];
  });
}

/**
 * The codes of the problems that a schema covers.
 *
 * @param {Schema} schema
 * @returns {string[]}
 */
export function codesOf(schema) {
  const own = schema.properties?.code?.enum ?? [];
  const inherited = (schema.allOf ?? []).flatMap(codesOf);
  return [...own.filter((code) => code !== null), ...inherited];
}

/**
 * The schemas that another one refers to, directly or in its parts.
 *
 * @param {Schema} schema
 * @returns {string[]}
 */
export function namesIn(schema) {
  const parts = [...(schema.allOf ?? []), ...(schema.oneOf ?? []), ...Object.values(schema.properties ?? {})];
  if (schema.items) parts.push(schema.items);
  return [...(schema.$ref ? [nameOf(schema.$ref)] : []), ...parts.flatMap(namesIn)];
}
