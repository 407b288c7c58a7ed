// @ts-check
/** Edits an event: no organizer's change is lost to another's. */

import { eventAddress } from "../address.js";
import { ProblemError, cancelEvent, editEvent, getOwnEvent } from "../api.js";
import { createConfirmStep } from "../confirm_step.js";
import { el, setText } from "../dom.js";
import { keepDraft } from "../draft.js";
import { explain } from "../explain.js";
import { guardLeaving } from "../leave_guard.js";
import { go } from "../navigation.js";
import { createOutcomeArea } from "../outcome.js";
import { submitForm } from "../submit_form.js";
import { nameShown, sentence } from "../text.js";
import { t } from "../words.js";
import { badgeElement } from "./event_facts.js";
import { createEventForm } from "./event_form.js";
import { loadErrorNotice } from "./load_error.js";
import { missingNotice } from "./missing.js";

/** @import { BookingEvent, View } from "../types.js" */
/** @import { Outcome, Refusals } from "../explain.js" */

/**
 * @param {View} view
 * @param {string} id
 */
export async function editView({ root, signal, setTitle }, id) {
  setTitle(t("edit.title"));
  const back = el("a", { class: "back", href: eventAddress(id) }, t("nav.the_event"));
  const title = el("h1", { tabindex: -1, id: "edit-title" }, t("edit.title"));
  const badge = el("div", {});
  root.append(back, el("div", { class: "page-head" }, el("div", {}, title, badge)));

  try {
    const answer = await getOwnEvent(id, null, signal);
    if (answer) root.append(createEditor(answer.event).node);
  } catch (error) {
    if (signal.aborted) return;
    if (error instanceof ProblemError && error.status === 404) {
      root.replaceChildren(
        missingNotice(
          t("event.not_found"),
          t("edit.not_found"),
        ),
      );
      return;
    }
    const again = el("button", { type: "button", class: "button" }, t("outcome.try_again"));
    again.addEventListener("click", () => {
      root.replaceChildren();
      editView({ root, signal, setTitle }, id);
    });
    root.append(loadErrorNotice(error), again);
  }

  /** @param {BookingEvent} first */
  function createEditor(first) {
    let event = first;
    const eventForm = createEventForm();
    const save = el("button", { class: "button", type: "submit", "data-testid": "edit-save" }, t("edit.save"));
    const publish = el("button", { class: "button button--plain", type: "submit" }, t("edit.publish"));
    publish.setAttribute("data-testid", "publish-event");
    const form = el(
      "form",
      { class: "form", novalidate: true, "data-testid": "edit-form", "aria-labelledby": "edit-title" },
      eventForm.node,
      el("div", { class: "actions" }, save, publish),
    );
    const area = createOutcomeArea();
    const cancel = createConfirmStep({
      label: t("edit.cancel"),
      question: t("edit.cancel_question"),
      yes: t("edit.cancel_yes"),
      no: t("manage.no"),
      testid: "cancel-event",
      what: ["cancel-event", id],
      act: (key) => cancelEvent(id, key),
      nothing: t("manage.nothing"),
      signal,
      onDone() {
        go(eventAddress(id));
      },
    });
    draw();
    eventForm.fill(event);
    const written = keepDraft(form, `event:${id}`);
    guardLeaving(() => !form.hidden && written.isDirty(), signal);
    if (written.isRestored) area.show(restored());

    function draw() {
      setTitle(t("edit.title_of", { event: nameShown(event.name) }));
      badge.replaceChildren(...[badgeElement(event)].filter((node) => node !== null));
      publish.hidden = event.status !== "draft";
      form.hidden = cancel.node.hidden = event.status === "cancelled";
    }

    /** The form's changes to the event. */
    function changes() {
      const { values } = eventForm.read();
      const known = /** @type {Record<string, unknown>} */ (/** @type {unknown} */ (event));
      const differs = Object.entries(values).filter(([key, value]) => !isSame(value, known[key] ?? null));
      // The visitor's own zone was only a proposal, as long as the event has no time.
      const isProposal = event.timezone == null && !differs.some(([key]) => key.endsWith("_at"));
      const wanted = differs.filter(([key]) => !(key === "timezone" && isProposal));
      return Object.fromEntries(wanted);
    }

    submitForm({
      form,
      button: save,
      busy: t("edit.saving"),
      fields: eventForm.fields,
      area,
      signal,
      nothing: t("edit.nothing"),
      check: () => eventForm.read().errors,
      send(write, pressed) {
        const body = pressed === publish ? { ...changes(), status: "published" } : changes();
        const { version } = event;
        if (Object.keys(body).length > 0) {
          return write(["edit", id, version, body], (key) => editEvent(id, body, version, key));
        }
        area.show({ kind: "saved", title: t("edit.nothing_to_save_title"), text: t("edit.nothing_to_save") });
        return null;
      },
      onSent(answer, pressed) {
        event = answer;
        eventForm.fill(event);
        written.done();
        draw();
        area.show(pressed === publish ? published() : saved());
      },
      async onError(error) {
        const isOutdated = error instanceof ProblemError && error.status === 412;
        if (!isOutdated) return explain(error, t("edit.nothing"), REFUSALS);
        await reload(Object.keys(changes()));
        return null;
      },
    });

    /** Another edit came first. Its changes are taken over; what was typed here stays. @param {string[]} kept */
    async function reload(kept) {
      try {
        const answer = await getOwnEvent(id, null, signal);
        if (answer) event = answer.event;
        eventForm.fill(event, (key) => !kept.includes(key));
        written.rebase(kept);
        draw();
        area.show(changed());
      } catch (error) {
        if (!signal.aborted) area.show(explain(error, t("edit.nothing")));
      }
    }

    const over = el("p", { class: "lede" });
    if (event.status === "cancelled") setText(over, t("edit.over"));
    return { node: el("div", {}, over, form, el("div", { class: "panel" }, area.node, cancel.node)) };
  }
}

/**
 * Times are equal if they are the same moment, in any notation.
 *
 * @param {unknown} a
 * @param {unknown} b
 */
function isSame(a, b) {
  if (plain(a) === plain(b)) return true;
  const isTime = typeof a === "string" && typeof b === "string" && /^\d{4}-\d\d-\d\dT/.test(a);
  return isTime && Date.parse(a) === Date.parse(/** @type {string} */ (b));
}

/**
 * A missing description is "" from the server, and absent in the form. An older server leaves out what it does not
 * know.
 *
 * @param {unknown} value
 */
const plain = (value) => (value === false ? "" : (value ?? ""));

/** @type {Refusals} */
const REFUSALS = {
  capacity_below_booked: ({ detail }) => ({
    kind: "error",
    title: t("edit.too_few_title"),
    text: detail ? sentence(detail) : t("edit.too_few"),
    errors: [{ pointer: "/capacity", detail: t("edit.too_few_field") }],
  }),
};

/** @returns {Outcome} */
const saved = () => ({ kind: "saved", title: t("edit.saved_title"), text: t("edit.saved") });

/** @returns {Outcome} */
const published = () => ({ kind: "saved", title: t("edit.published_title"), text: t("edit.published") });

/** @returns {Outcome} */
const restored = () => ({ kind: "changed", title: t("edit.restored_title"), text: t("edit.restored") });

/** @returns {Outcome} */
const changed = () => ({ kind: "changed", title: t("edit.changed_title"), text: t("edit.changed") });
