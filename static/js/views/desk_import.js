// @ts-check
/** Imports people from a table: first as a trial that reports each row's result, then for real. */

import { eventAddress } from "../address.js";
import { importPeople } from "../desk/api.js";
import { el, setText } from "../dom.js";
import { ConnectionError } from "../http.js";
import { explain } from "../explain.js";
import { formatNumber } from "../format.js";
import { createOutcomeArea } from "../outcome.js";
import { submitForm } from "../submit_form.js";
import { sentence } from "../text.js";
import { t } from "../words.js";

/** @import { Outcome } from "../explain.js" */
/** @import { Field } from "../form.js" */
/** @import { Imported, ImportedRow, Verdict, View } from "../types.js" */

/** The server's limit, in bytes. */
const BYTES_MAX = 10 * 1024 * 1024;
/** The rows that each press adds. */
const ROWS_SHOWN = 200;

/** @type {Record<Verdict, string>} */
const VERDICTS = {
  registered: "import.registered",
  already_registered: "import.already_registered",
  duplicate: "import.duplicate",
  skipped: "import.skipped",
  invalid: "import.invalid",
  refused: "import.refused",
};
const NAMES = /** @type {Verdict[]} */ (Object.keys(VERDICTS));

/**
 * @param {View} view
 * @param {string} id
 */
export function importView({ root, signal, setTitle }, id) {
  setTitle(t("import.title"));
  const file = fileField();
  const tryOut = el("button", { type: "submit", class: "button", "data-testid": "import-try" }, t("import.try"));
  const apply = el("button", { type: "submit", class: "button", "data-testid": "import-apply", hidden: true }, "");
  apply.dataset.busy = t("import.applying");
  const form = el(
    "form",
    { class: "form", novalidate: true, "data-testid": "import-form", "aria-labelledby": "import-title" },
    file.node,
    el("div", { class: "actions" }, tryOut, apply),
  );
  const area = createOutcomeArea();
  const result = el("div", { class: "desk" });
  root.append(
    el("a", { class: "back", href: eventAddress(id, "desk") }, t("desk.back")),
    el(
      "div",
      { class: "page-head" },
      el(
        "div",
        {},
        el("h1", { tabindex: -1, id: "import-title" }, t("import.title")),
        el("p", { class: "lede" }, t("import.lede")),
      ),
    ),
    form,
    el("div", { class: "panel" }, area.node),
    result,
  );

  const chosen = () => /** @type {HTMLInputElement} */ (file.input).files?.[0];
  file.input.addEventListener("change", () => {
    // The trial was of another table.
    apply.hidden = true;
    result.replaceChildren();
    area.clear();
    file.setError(null);
  });

  submitForm({
    form,
    button: tryOut,
    busy: t("import.trying"),
    fields: [file],
    area,
    signal,
    nothing: t("import.nothing"),
    check() {
      const table = chosen();
      if (!table) return [{ pointer: `/${file.name}`, detail: t("import.choose") }];
      return table.size > BYTES_MAX ? [{ pointer: `/${file.name}`, detail: t("import.too_large") }] : [];
    },
    send(_write, pressed, read) {
      const table = /** @type {File} */ (chosen());
      return read(() => importPeople(id, table, pressed === apply));
    },
    onSent(imported) {
      const { dry_run, counts } = imported;
      apply.hidden = !dry_run || counts.registered === 0;
      setText(apply, t("import.apply", { count: counts.registered }));
      result.replaceChildren(resultElement(imported));
      if (!apply.hidden) return apply.focus();
      area.show(dry_run ? nobody() : done(counts.registered));
      area.focus();
    },
    onError(error, pressed) {
      // People registered until then stay registered, and are recognized when the same table is sent again.
      if (pressed === apply && error instanceof ConnectionError) return cutShort();
      return explain(error, t("import.nothing"));
    },
  });
}

/** A file, not a text. @returns {Field} */
function fileField() {
  const input = el("input", {
    type: "file",
    id: "field-table",
    class: "field__input",
    accept: ".csv,.tsv,.txt,text/csv",
    "aria-describedby": "field-table-hint",
  });
  const error = el("span", { class: "field__error", id: "field-table-error", "data-testid": "error-table", hidden: true });
  const node = el(
    "div",
    { class: "field" },
    el("label", { class: "field__label", for: input.id }, t("import.table")),
    el("span", { class: "field__hint", id: "field-table-hint" }, t("import.table_hint")),
    input,
    error,
  );
  return {
    name: "table",
    node,
    input,
    limit: undefined,
    isOptional: false,
    fill() {},
    setError(text) {
      error.textContent = text;
      error.hidden = text === null;
      input.setAttribute("aria-describedby", ["field-table-hint", ...(text === null ? [] : [error.id])].join(" "));
      if (text === null) input.removeAttribute("aria-invalid");
      else input.setAttribute("aria-invalid", "true");
    },
  };
}

/** @param {Imported} imported */
function resultElement({ dry_run, rows, counts }) {
  const numbers = NAMES.filter((verdict) => counts[verdict] > 0).map((verdict) =>
    el(
      "div",
      {},
      el("dt", {}, t(VERDICTS[verdict])),
      el("dd", { "data-testid": `import-${verdict}`, "data-count": counts[verdict] }, formatNumber(counts[verdict])),
    ),
  );
  const body = el("tbody", {});
  const more = el("button", { type: "button", class: "button button--plain", "data-testid": "import-more" }, t("registrations.more"));
  let shown = 0;
  function grow() {
    body.append(...rows.slice(shown, shown + ROWS_SHOWN).map(rowElement));
    shown += ROWS_SHOWN;
    more.hidden = shown >= rows.length;
  }
  more.addEventListener("click", grow);
  grow();
  return el(
    "section",
    { "aria-labelledby": "import-result-title", "data-testid": "import-result", "data-dry": String(dry_run) },
    el("h2", { id: "import-result-title" }, dry_run ? t("import.would") : t("import.did")),
    el("dl", { class: "counts" }, ...numbers),
    el(
      "table",
      { class: "figures" },
      el("caption", { class: "visually-hidden" }, t("import.rows")),
      el(
        "thead",
        {},
        el("tr", {}, ...["import.line", "registrations.address", "import.verdict"].map((words) => el("th", { scope: "col" }, t(words)))),
      ),
      body,
    ),
    more,
  );
}

/** @param {ImportedRow} row */
function rowElement({ line, verdict, user_email, detail }) {
  const why = detail ? ` ${sentence(detail)}` : "";
  return el(
    "tr",
    { "data-verdict": verdict },
    el("th", { scope: "row" }, formatNumber(line)),
    el("td", { class: "figures__address" }, el("bdi", {}, user_email ?? "–")),
    el("td", {}, t(VERDICTS[verdict]), why ? "." : "", why),
  );
}

/** @returns {Outcome} */
const nobody = () => ({ kind: "changed", title: t("import.nobody_title"), text: t("import.nobody") });

/** @param {number} count @returns {Outcome} */
const done = (count) => ({ kind: "saved", title: t("import.done_title"), text: t("import.done", { count }) });

/** @returns {Outcome} */
const cutShort = () => ({ kind: "unknown", title: t("error.unknown_title"), text: t("import.cut_short"), canRetry: true });
