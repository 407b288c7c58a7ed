// @ts-check
/** A time on the clock of the event's own zone. What the clock leaves open is asked, not guessed. */

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
 * @property {() => void} check Says at once what is wrong, as when the zone was changed.
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
  const said = el("span", { role: "status" }, twice);
  /** What the server had; its seconds are more than the field can show. @type {string | null} */
  let filled = null;
  let filledWall = "";
  let filledZone = "";
  let filledSecond = false;

  function read() {
    const wall = field.input.value;
    // A browser gives "" also for what it cannot read; then the field is not valid.
    if (wall === "" && !field.input.validity.badInput) return { iso: null, error: null };
    const isFilled = wall === filledWall && zone() === filledZone;
    // Of a time that comes twice also the choice has to be the same.
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
    node: el("div", { class: "time" }, field.node, said),
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
