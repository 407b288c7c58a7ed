// @ts-check
/** A webhook: its state, its deliveries, and actions on it. */

import { createConfirmStep } from "../confirm_step.js";
import { copyButtonElement } from "../copy.js";
import { webhookApi } from "../desk/api.js";
import { disclosureElement } from "../disclosure.js";
import { el, setText } from "../dom.js";
import { explainRead } from "../explain.js";
import { momentElement } from "../format.js";
import { onPress, smallButtonElement } from "../press.js";
import { t, tNodes } from "../words.js";

/** @import { WebhookApi } from "../desk/api.js" */
/** @import { Delivery, Tried, Webhook } from "../types.js" */

/**
 * @param {Webhook} first
 * @param {AbortSignal} signal
 * @param {() => void} onGone
 */
export function createWebhookRow(first, signal, onGone) {
  const api = webhookApi(first.id);
  let webhook = first;
  const address = el("bdi", { class: "entry__name", id: `webhook-${first.id}`, "data-testid": "webhook-url" }, first.url);
  const state = el("span", { class: "stamp", "data-testid": "webhook-state" });
  const statusLine = el("p", { class: "quiet entry__below", role: "status", "data-testid": "webhook-said" });
  const shown = el("div", { class: "entry__below" });
  const test = smallButtonElement(t("webhooks.test"), "webhook-test", address.id);
  const toggle = smallButtonElement("", "webhook-toggle", address.id);
  const renew = createConfirmStep({
    label: t("webhooks.secret"),
    question: t("webhooks.secret_question"),
    yes: t("webhooks.secret_yes"),
    no: t("webhooks.secret_no"),
    describedBy: address.id,
    testid: "webhook-secret",
    what: ["webhook-secret", first.id],
    act: (key) => api.renewSecret(key),
    nothing: t("webhooks.nothing"),
    signal,
    onDone(renewed) {
      shown.replaceChildren(secretElement(renewed.secret ?? null));
      shown.querySelector("h3")?.focus();
    },
  });
  const remove = createConfirmStep({
    label: t("webhooks.remove"),
    question: t("webhooks.remove_question"),
    yes: t("webhooks.remove_yes"),
    no: t("webhooks.remove_no"),
    describedBy: address.id,
    testid: "webhook-remove",
    what: ["webhook", first.id],
    act: () => api.remove(),
    nothing: t("webhooks.nothing"),
    signal,
    onDone: onGone,
  });
  const node = el(
    "li",
    { class: "entry", "data-testid": "webhook" },
    address,
    state,
    el("div", { class: "entry__actions actions" }, test, toggle, renew.node, remove.node),
    statusLine,
    shown,
    createDeliveries(api, signal).node,
  );

  onPress(test, {
    act: async () => setText(statusLine, triedText(await api.test())),
    nothing: t("webhooks.not_sent"),
    statusLine,
    signal,
  });
  onPress(toggle, {
    async act() {
      webhook = await api.enable(!webhook.enabled);
      draw();
    },
    nothing: t("webhooks.nothing"),
    statusLine,
    signal,
  });

  function draw() {
    const { enabled, failing_since } = webhook;
    state.dataset.state = enabled ? (failing_since ? "failing" : "on") : "off";
    state.replaceChildren(
      ...(!enabled
        ? [t("webhooks.off")]
        : failing_since
          ? tNodes("webhooks.failing", { time: momentElement(failing_since) })
          : [t("webhooks.on")]),
    );
    setText(toggle, enabled ? t("webhooks.disable") : t("webhooks.enable"));
  }

  draw();
  return { node };
}

/** Its deliveries, the latest first. @param {WebhookApi} api @param {AbortSignal} signal */
function createDeliveries(api, signal) {
  const status = el("p", { class: "quiet", role: "status" });
  const list = el("ul", { class: "entries", role: "list", "data-testid": "deliveries" });
  const more = el("button", { type: "button", class: "button button--plain", hidden: true }, t("registrations.more"));
  const node = disclosureElement("webhook-deliveries", t("webhooks.deliveries"), status, list, more);
  node.classList.add("entry__wide");
  /** @type {string | null} */
  let next = null;

  /** @param {boolean} isFirst */
  async function load(isFirst) {
    if (isFirst) list.replaceChildren();
    setText(status, t("list.loading"));
    try {
      const page = await api.deliveries(signal, isFirst || next === null ? undefined : next);
      list.append(...page.items.map((delivery) => deliveryElement(delivery, api, signal)));
      next = page.next;
      more.hidden = next === null;
      setText(status, list.children.length === 0 ? t("webhooks.no_deliveries") : "");
    } catch (error) {
      if (!signal.aborted) setText(status, explainRead(error));
    }
  }

  node.addEventListener("toggle", () => {
    if (node.open) load(true);
  });
  more.addEventListener("click", () => load(false));
  return { node };
}

/** The text of a delivery, by its state. @type {Record<string, string>} */
const STATES = { retrying: "webhooks.retrying", delivered: "webhooks.delivered", dead: "webhooks.dead" };

/** @param {Delivery} delivery @param {WebhookApi} api @param {AbortSignal} signal */
function deliveryElement({ id, type, state, attempts, tried_at, status, failure }, api, signal) {
  const what = el("code", { id: `delivery-${id}` }, type);
  const words = Object.hasOwn(STATES, state) ? t(/** @type {string} */ (STATES[state])) : state;
  const why = status ?? failure;
  const statusLine = el("span", { class: "quiet", role: "status" });
  const again = smallButtonElement(t("webhooks.redeliver"), "redeliver", what.id);
  onPress(again, {
    act: async () => setText(statusLine, triedText(await api.redeliver(id))),
    nothing: t("webhooks.not_sent"),
    statusLine,
    signal,
  });
  return el(
    "li",
    { class: "entry entry--delivery", "data-testid": "delivery", "data-state": state },
    what,
    el(
      "span",
      { class: "stamp" },
      words,
      why === null ? "" : ` (${why})`,
      " · ",
      t("webhooks.attempts", { count: attempts }),
      " · ",
      momentElement(tried_at),
    ),
    again,
    statusLine,
  );
}

/** @param {Tried} tried */
function triedText({ delivered, status, failure }) {
  if (delivered) return t("webhooks.arrived", { status: String(status ?? "–") });
  return t("webhooks.not_arrived", { why: String(status ?? failure ?? "–") });
}

/** The secret that signs messages, which is shown once. @param {string | null} secret */
export function secretElement(secret) {
  const title = el("h3", { tabindex: -1 }, t("webhooks.secret_title"));
  if (secret === null) return el("div", { class: "outcome outcome--note" }, title, el("p", {}, t("webhooks.secret_lost")));
  return el(
    "div",
    { class: "outcome outcome--note", "data-testid": "webhook-secret-made" },
    title,
    el("p", {}, t("webhooks.secret_text")),
    el("p", {}, el("code", { class: "mono" }, secret)),
    copyButtonElement(t("embed.copy"), () => secret, "copy-secret"),
  );
}
