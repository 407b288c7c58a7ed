// @ts-check
/** An organizer's webhooks, and their deliveries. */

import { pageAddress } from "../address.js";
import { createWebhook, getWebhooks } from "../desk/api.js";
import { el, setText } from "../dom.js";
import { explain, explainRead } from "../explain.js";
import { createCheckbox, createField } from "../form.js";
import { createOutcomeArea } from "../outcome.js";
import { submitForm } from "../submit_form.js";
import { showsNothing, trimmed } from "../text.js";
import { t } from "../words.js";
import { createWebhookRow, secretElement } from "./webhook_row.js";

/** @import { View, Webhook } from "../types.js" */

/** @param {View} view */
export async function webhooksView({ root, signal, setTitle }) {
  setTitle(t("webhooks.title"));
  const url = createField({
    name: "url",
    label: t("webhooks.url"),
    hint: t("webhooks.url_hint"),
    attributes: { inputmode: "url", autocomplete: "off", autocapitalize: "none", spellcheck: "false" },
  });
  const person = createCheckbox({ name: "include_person", label: t("webhooks.person"), hint: t("webhooks.person_hint") });
  const button = el("button", { type: "submit", class: "button form__send", "data-testid": "webhook-add" }, t("webhooks.add"));
  const form = el(
    "form",
    { class: "form", novalidate: true, "data-testid": "webhook-form", "aria-labelledby": "webhook-new" },
    url.node,
    person.node,
    button,
  );
  const area = createOutcomeArea();
  const made = el("div", { role: "status" });
  const statusLine = el("p", { class: "quiet", role: "status" }, t("list.loading"));
  const list = el("ul", { class: "entries", role: "list", "data-testid": "webhooks" });
  root.append(
    el("a", { class: "back", href: pageAddress("organizer") }, t("webhooks.back")),
    el(
      "div",
      { class: "page-head" },
      el(
        "div",
        {},
        el("h1", { tabindex: -1 }, t("webhooks.title")),
        el("p", { class: "lede" }, t("webhooks.lede")),
      ),
    ),
    statusLine,
    list,
    el("h2", { id: "webhook-new" }, t("webhooks.new_title")),
    form,
    el("div", { class: "panel" }, area.node, made),
  );

  /** @param {Webhook} webhook */
  const add = (webhook) => {
    const row = createWebhookRow(webhook, signal, () => {
      row.node.remove();
      count();
    });
    list.append(row.node);
  };
  const count = () => setText(statusLine, list.children.length === 0 ? t("webhooks.none") : "");

  submitForm({
    form,
    button,
    busy: t("webhooks.adding"),
    fields: [url],
    area,
    signal,
    nothing: t("webhooks.nothing"),
    check: () => (showsNothing(url.input.value) ? [{ pointer: "/url", detail: t("webhooks.url_missing") }] : []),
    send(write) {
      const body = { url: trimmed(url.input.value), ...(person.input.checked ? { include: ["person"] } : {}) };
      made.replaceChildren();
      return write(["webhook", body], (key) => createWebhook(body, key));
    },
    onSent(webhook) {
      url.fill("");
      add(webhook);
      count();
      made.replaceChildren(secretElement(webhook.secret ?? null));
      made.querySelector("h3")?.focus();
    },
    onError: (error) => explain(error, t("webhooks.nothing")),
  });

  try {
    for (const webhook of await getWebhooks(signal)) add(webhook);
    count();
  } catch (error) {
    if (!signal.aborted) setText(statusLine, explainRead(error));
  }
}
