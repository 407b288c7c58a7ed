// @ts-check
/** Fields with their hints, counters and errors. */

import { createCounter } from "./counter.js";
import { el } from "./dom.js";
import { sentence, showsNothing, trimmed } from "./text.js";
import { t } from "./words.js";

/** @import { Limit } from "./limits.js" */
/** @import { FieldError } from "./types.js" */

/**
 * @typedef {object} FieldOptions
 * @property {string} name Its name in the request body.
 * @property {string} label
 * @property {string} [scope] Distinguishes it from a field of the same name in another form of the page.
 * @property {Limit} [limit]
 * @property {string} [hint]
 * @property {boolean} [multiline]
 * @property {[value: string, label: string][]} [options] The choices.
 * @property {boolean} [optional]
 * @property {Record<string, string | boolean>} [attributes]
 */

/**
 * @typedef {object} Field
 * @property {string} name
 * @property {HTMLElement} node
 * @property {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement} input
 * @property {Limit | undefined} limit
 * @property {boolean} isOptional
 * @property {(text: string) => void} fill
 * @property {(text: string | null) => void} setError
 */

/** @param {FieldOptions} options @returns {Field} */
export function createField({ name, label, scope, limit, hint, multiline, options, optional, attributes = {} }) {
  const key = scope === undefined ? name : `${scope}-${name}`;
  const id = `field-${key}`;
  const shared = {
    id,
    name,
    class: "field__input",
    "aria-required": optional ? null : "true",
    ...attributes,
  };
  const input = options
    ? el("select", shared, ...options.map(([value, text]) => el("option", { value }, text)))
    : multiline
      ? el("textarea", { rows: 5, ...shared })
      : el("input", { type: "text", ...shared });
  const hintNode = hint ? el("span", { class: "field__hint", id: `${id}-hint` }, hint) : null;
  const error = el("span", {
    class: "field__error",
    id: `${id}-error`,
    "data-testid": `error-${key}`,
    hidden: true,
  });
  const counter = limit && createCounter(`${id}-count`, `count-${key}`, input, limit, describe);
  const node = el(
    "div",
    { class: "field" },
    el(
      "label",
      { class: "field__label", for: id },
      label,
      optional && el("span", { class: "quiet" }, t("form.optional")),
    ),
    hintNode,
    input,
    counter?.node,
    error,
  );

  function describe() {
    const ids = [
      hintNode?.id,
      counter?.isShown() ? `${id}-count` : null,
      error.hidden ? null : error.id,
    ].filter(Boolean);
    if (ids.length > 0) input.setAttribute("aria-describedby", ids.join(" "));
    else input.removeAttribute("aria-describedby");
  }

  /** @param {string | null} text */
  function setError(text) {
    error.textContent = text;
    error.hidden = text === null;
    describe();
    if (text === null) input.removeAttribute("aria-invalid");
    else input.setAttribute("aria-invalid", "true");
  }

  /** @param {string} text */
  function fill(text) {
    input.value = text;
    counter?.update();
  }
  setError(null);
  return { name, node, input, limit, isOptional: optional ?? false, fill, setError };
}

/**
 * Checks what the server would refuse, before it is sent: texts that are too long, and texts without a visible
 * character.
 *
 * @param {Field[]} fields
 * @returns {FieldError[]}
 */
export const unsendable = (fields) =>
  fields.flatMap(({ name, input, limit, isOptional }) => {
    const detail = limit && refusalOf(input.value, limit, isOptional);
    return detail ? [{ pointer: `/${name}`, detail }] : [];
  });

/** @param {string} text @param {Limit} limit @param {boolean} isOptional */
function refusalOf(text, { max, unit, count, mustShow }, isOptional) {
  const used = count(text);
  if (used > max) {
    return t(unit === "bytes" ? "counter.too_long_bytes" : "counter.too_long_characters", { max, used });
  }
  // Required fields are checked by their form, with its own words.
  const isBlank = isOptional && mustShow && trimmed(text) !== "" && showsNothing(text);
  return isBlank ? t("form.blank") : null;
}

/**
 * A checkbox.
 *
 * @param {{ name: string, label: string, hint: string }} options
 */
export function createCheckbox({ name, label, hint }) {
  const id = `field-${name}`;
  const input = el("input", { type: "checkbox", id, name, "aria-describedby": `${id}-hint` });
  const node = el(
    "div",
    { class: "check" },
    input,
    el("label", { class: "field__label", for: id }, label),
    el("span", { class: "field__hint", id: `${id}-hint` }, hint),
  );
  return { node, input };
}

/**
 * Shows each error beside its field, opens any collapsed part around it, and focuses the first one.
 *
 * @param {Field[]} fields
 * @param {FieldError[]} errors
 * @returns {FieldError[]} Those that belong to no field.
 */
export function showErrors(fields, errors) {
  /** @param {Field} field */
  const errorsOf = (field) => errors.filter(({ pointer }) => pointer === `/${field.name}`);
  for (const field of fields) {
    const texts = errorsOf(field).map(({ detail }) => sentence(detail));
    field.setError(texts.length > 0 ? texts.join(" ") : null);
    const folded = texts.length > 0 && field.node.closest("details");
    if (folded) folded.open = true;
  }
  fields.find((field) => errorsOf(field).length > 0)?.input.focus();
  return errors.filter(({ pointer }) => !fields.some(({ name }) => pointer === `/${name}`));
}
