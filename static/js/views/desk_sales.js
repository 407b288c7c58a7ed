// @ts-check
/** Registrations over time: as a chart, and as a table of the same. */

import { getRegistrations } from "../api.js";
import { peoplePath } from "../desk/people_query.js";
import { salesOf } from "../desk/sales.js";
import { disclosureElement } from "../disclosure.js";
import { el, setText } from "../dom.js";
import { explainRead } from "../explain.js";
import { formatNumber, formatStep } from "../format.js";
import { t } from "../words.js";

/** @import { SalesStep, Step } from "../desk/sales.js" */

const PAGE = 1_000;
/** If there are more, the first are shown. */
const PAGES_MAX = 20;
const [WIDTH, HEIGHT] = [640, 160];
/** The widest bar, where there are few. */
const STEP_WIDTH_MAX = 64;
const SVG = "http://www.w3.org/2000/svg";

/** @param {string} eventId @param {AbortSignal} signal */
export function createDeskSales(eventId, signal) {
  const status = el("p", { class: "quiet", role: "status" });
  const chart = el("div", { class: "chart" });
  const table = el("div", {});
  const node = disclosureElement("desk-sales", t("sales.title"), status, chart, table);

  async function load() {
    setText(status, t("list.loading"));
    try {
      const { moments, isAll } = await read();
      draw(moments);
      const count = moments.length;
      setText(status, isAll ? t("sales.all", { count }) : t("sales.first", { count }));
    } catch (error) {
      if (!signal.aborted) setText(status, explainRead(error));
    }
  }

  async function read() {
    /** @type {string[]} */
    const moments = [];
    /** @type {string | null} */
    let next = peoplePath(eventId, { text: "", status: "all", checkedIn: "" }, PAGE);
    for (let page = 0; next !== null && page < PAGES_MAX; page += 1) {
      const answer = await getRegistrations(next, signal);
      moments.push(...answer.items.map(({ created_at }) => created_at));
      next = answer.next;
    }
    return { moments, isAll: next === null };
  }

  /** @param {string[]} moments */
  function draw(moments) {
    const { step, steps } = salesOf(moments);
    chart.replaceChildren(...(steps.length > 0 ? chartElements(steps, step) : []));
    table.replaceChildren(...(steps.length > 0 ? [tableElement(steps, step)] : []));
  }

  node.addEventListener("toggle", () => {
    if (node.open) load();
  });
  return { node };
}

/** With labels of its ends and its height. @param {SalesStep[]} steps @param {Step} step */
function chartElements(steps, step) {
  const most = Math.max(...steps.map(({ count }) => count), 1);
  const wide = Math.min(WIDTH / steps.length, STEP_WIDTH_MAX);
  const svg = svgElement("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "data-testid": "sales-chart" });
  const label = labelOf(steps, step, most);
  svg.setAttribute("aria-label", label);
  steps.forEach(({ start, count }, at) => {
    const high = (count / most) * (HEIGHT - 2);
    const bar = svgElement("rect", {
      x: round(at * wide + wide * 0.1),
      y: round(HEIGHT - high),
      width: round(wide * 0.8),
      height: round(high),
    });
    const title = svgElement("title", {});
    title.textContent = t("sales.bar", { when: formatStep(start, step), count });
    bar.append(title);
    svg.append(bar);
  });
  svg.append(svgElement("line", { x1: 0, x2: WIDTH, y1: HEIGHT - 0.5, y2: HEIGHT - 0.5 }));
  return [svg, el("p", { class: "quiet", "aria-hidden": "true" }, label)];
}

/** @param {SalesStep[]} steps @param {Step} step @param {number} most */
function labelOf(steps, step, most) {
  const [first, last] = [steps[0], steps[steps.length - 1]];
  if (!first || !last) return "";
  const [from, to] = [formatStep(first.start, step), formatStep(last.start, step)];
  return t("sales.label", { from, to, most, count: last.sum });
}

/** The same in numbers, without empty steps. @param {SalesStep[]} steps @param {Step} step */
function tableElement(steps, step) {
  const rows = steps
    .filter(({ count }) => count > 0)
    .map(({ start, count, sum }) =>
      el(
        "tr",
        {},
        el("th", { scope: "row" }, formatStep(start, step)),
        el("td", {}, formatNumber(count)),
        el("td", {}, formatNumber(sum)),
      ),
    );
  return el(
    "details",
    { "data-testid": "sales-table" },
    el("summary", {}, t("sales.as_table")),
    el(
      "table",
      { class: "figures" },
      el("caption", { class: "visually-hidden" }, t("sales.title")),
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          ...["sales.when", "sales.new", "sales.sum"].map((words) => el("th", { scope: "col" }, t(words))),
        ),
      ),
      el("tbody", {}, ...rows),
    ),
  );
}

/** @param {number} value */
const round = (value) => Math.round(value * 10) / 10;

/** @param {string} tag @param {Record<string, string | number>} attributes */
function svgElement(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}
