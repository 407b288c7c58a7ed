// @ts-check
/** A time in the event's own zone. Ambiguous times are asked about, not guessed. */

import { el, setText } from "../dom.js";
import { createField } from "../form.js";
import { momentsOf, offsetName } from "../time_zones.js";
import { wallOf } from "../wall_time.js";
import { t } from "../words.js";

/** @import { Field } from "../form.js" */

/**
 * @typedef {object} TimeField
 * @property {Field} field
 * @property {HTMLElement} node
 * @property {() => { iso: string | null, error: string | null }} read
 * @property {(iso: string | null | undefined) => void} fill
 * @property {() => void} check Shows errors at once, as after a change of the zone.
 */

/**
 * @param {{ name: string, label: string, hint?: string, zone: () => string }} options
 * @returns {TimeField}
 */
export function createTimeField({ name, label, hint, zone }) {
  const field = createField({
    name,
    label,
    hint,
    optional: true,
    attributes: { type: "datetime-local", class: "field__input field__input--time" },
  });
  const legend = el("legend", {});
  const first = createChoice(name, "0", true);
  const second = createChoice(name, "1", false);
  const twice = el("fieldset", { class: "twice", hidden: true, "data-testid": `twice-${name}` });
  twice.append(legend, first.node, second.node);
  const statusLine = el("span", { role: "status" }, twice);
  /** The server's value; the field cannot show its seconds. @type {string | null} */
  let filled = null;
  let filledWall = "";
  let filledZone = "";
  let filledSecond = false;

  function read() {
    const wall = field.input.value;
    // A browser also returns "" for input that it cannot parse; then the field is invalid.
    if (wall === "" && !field.input.validity.badInput) return { iso: null, error: null };
    const isFilled = wall === filledWall && zone() === filledZone;
    // For a time that comes twice the choice has to be the same, too.
    if (isFilled && (twice.hidden || second.input.checked === filledSecond)) return { iso: filled, error: null };
    const moments = momentsOf(wall, zone());
    switch (moments.kind) {
      case "one":
        return { iso: new Date(moments.moment).toISOString(), error: null };
      case "overlap":
        return { iso: new Date(moments.moments[second.input.checked ? 1 : 0]).toISOString(), error: null };
      case "gap":
        return { iso: null, error: gapText(wall, zone(), moments.before) };
      case "invalid":
        return { iso: null, error: t("time.incomplete") };
    }
  }

  function check() {
    const moments = momentsOf(field.input.value, zone());
    twice.hidden = moments.kind !== "overlap";
    if (moments.kind === "overlap") {
      setText(
        legend,
        t("time.twice", { zone: zone(), time: clockOf(field.input.value) }),
      );
      setText(first.text, t("time.first", { offset: offsetName(moments.moments[0], zone()) }));
      setText(
        second.text,
        t("time.second", { offset: offsetName(moments.moments[1], zone()) }),
      );
    }
    field.setError(read().error);
  }

  field.input.addEventListener("change", check);

  return {
    field,
    node: el("div", { class: "time" }, field.node, statusLine),
    read,
    check,
    fill(iso) {
      filled = iso ?? null;
      filledZone = zone();
      filledWall = iso ? wallOf(Date.parse(iso), filledZone) : "";
      field.input.value = filledWall;
      field.setError(null);
      const moments = momentsOf(filledWall, filledZone);
      filledSecond = moments.kind === "overlap" && Date.parse(iso ?? "") >= moments.moments[1];
      (filledSecond ? second : first).input.checked = true;
      if (moments.kind === "overlap") check();
      else twice.hidden = true;
    },
  };
}

/**
 * @param {string} name
 * @param {string} value
 * @param {boolean} checked
 */
function createChoice(name, value, checked) {
  const input = el("input", {
    type: "radio",
    name: `twice-${name}`,
    value,
    "data-testid": `twice-${name}-${value}`,
  });
  input.checked = checked;
  const text = el("span", {});
  return { node: el("label", {}, input, text), input, text };
}

/** @param {string} wall @param {string} zone @param {number} before */
const gapText = (wall, zone, before) =>
  t("time.gap", { time: clockOf(wall), zone, other: clockOf(wallOf(before, zone)) });

/** @param {string} wall */
const clockOf = (wall) => wall.slice("2026-03-29T".length, "2026-03-29T02:30".length);
