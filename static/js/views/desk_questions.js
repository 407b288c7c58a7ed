// @ts-check
/** The editor of an event's questions. */

import { eventAddress } from "../address.js";
import { ProblemError, getOwnEvent } from "../api.js";
import { isSame } from "../changed.js";
import { getAllQuestions, setQuestions } from "../desk/api.js";
import { bodyOfDrafts, draftOf } from "../desk/question_drafts.js";
import { el } from "../dom.js";
import { explain } from "../explain.js";
import { guardLeaving } from "../leave_guard.js";
import { createOutcomeArea } from "../outcome.js";
import { submitForm } from "../submit_form.js";
import { showsNothing } from "../text.js";
import { t } from "../words.js";
import { createQuestionEditor } from "./desk_question.js";
import { loadErrorNotice } from "./load_error.js";
import { missingNotice } from "./missing.js";

/** @import { Refusals } from "../explain.js" */
/** @import { QuestionEditor } from "./desk_question.js" */
/** @import { FieldError, Question, View } from "../types.js" */

/** The server's limit. */
const QUESTIONS_MAX = 20;

/**
 * @param {View} view
 * @param {string} id
 */
export async function questionsView({ root, signal, setTitle }, id) {
  setTitle(t("questions.title"));
  root.append(
    el("a", { class: "back", href: eventAddress(id, "desk") }, t("desk.back")),
    el(
      "div",
      { class: "page-head" },
      el(
        "div",
        {},
        el("h1", { tabindex: -1, id: "questions-title" }, t("questions.title")),
        el("p", { class: "lede" }, t("questions.lede")),
      ),
    ),
  );
  try {
    const [answer, questions] = await Promise.all([getOwnEvent(id, null, signal), getAllQuestions(id, signal)]);
    root.append(createForm(questions, answer?.event.version).node);
  } catch (error) {
    if (signal.aborted) return;
    const isMissing = error instanceof ProblemError && error.status === 404;
    if (isMissing) root.replaceChildren(missingNotice(t("event.not_found"), t("edit.not_found")));
    else root.append(loadErrorNotice(error));
  }

  /** @param {Question[]} first @param {number | undefined} firstVersion */
  function createForm(first, firstVersion) {
    let known = first;
    let version = firstVersion;
    /** @type {QuestionEditor[]} */
    let editors = [];
    const list = el("div", { class: "questions", "data-testid": "question-list" });
    const none = el("p", { class: "quiet", "data-testid": "questions-none" }, t("questions.none"));
    const add = el("button", { type: "button", class: "button button--plain", "data-testid": "question-add" }, t("questions.add"));
    const save = el("button", { type: "submit", class: "button", "data-testid": "questions-save" }, t("edit.save"));
    const retired = el("div", {});
    const form = el(
      "form",
      { class: "form", novalidate: true, "data-testid": "questions-form", "aria-labelledby": "questions-title" },
      none,
      list,
      el("div", { class: "actions" }, add, save),
    );
    const area = createOutcomeArea();
    let saved = bodyOfDrafts([], []);
    const body = () => bodyOfDrafts(editors.map(({ read }) => read()), retiredKeys());
    const retiredKeys = () => known.filter((question) => question.retired).map(({ key }) => key);
    guardLeaving(() => !isSame(body(), saved), signal);
    take(known);

    /** @param {Question[]} questions */
    function take(questions) {
      known = questions;
      editors = questions.filter((question) => !question.retired).map((question) => editorOf(question));
      saved = body();
      const gone = questions.filter((question) => question.retired);
      retired.replaceChildren(...(gone.length > 0 ? [retiredElement(gone)] : []));
      draw();
    }

    /** @param {Question | null} question */
    function editorOf(question) {
      const editor = createQuestionEditor(question && draftOf(question), question?.answered ?? false, {
        /** @param {number} by */
        onMove(by) {
          const at = editors.indexOf(editor);
          const to = at + by;
          if (to < 0 || to >= editors.length) return;
          editors.splice(at, 1);
          editors.splice(to, 0, editor);
          draw();
          editor.focusMove(by);
        },
        onRemove() {
          const at = editors.indexOf(editor);
          editors = editors.filter((one) => one !== editor);
          draw();
          (editors[Math.min(at, editors.length - 1)] ?? { focus: () => add.focus() }).focus();
        },
      });
      return editor;
    }

    function draw() {
      editors.forEach((editor, at) => {
        editor.place(at, editors.length);
        if (list.children[at] !== editor.node) list.insertBefore(editor.node, list.children[at] ?? null);
      });
      while (list.children.length > editors.length) list.lastElementChild?.remove();
      none.hidden = editors.length > 0;
      add.hidden = editors.length >= QUESTIONS_MAX;
    }

    add.addEventListener("click", () => {
      const editor = editorOf(null);
      editors.push(editor);
      draw();
      editor.focus();
    });

    /** Shows errors beside their questions. @param {FieldError[]} errors @returns {FieldError[]} The others. */
    function tell(errors) {
      editors.forEach((editor, at) => {
        const own = errors.filter(({ pointer }) => `${pointer}/`.startsWith(`/questions/${at}/`));
        editor.tell(own.length > 0 ? own.map(({ detail }) => detail).join(" ") : null);
      });
      editors.find((editor) => editor.isWrong())?.focus();
      return errors.filter(({ pointer }) => !/^\/questions\/\d+/.test(pointer));
    }

    submitForm({
      form,
      button: save,
      busy: t("edit.saving"),
      area,
      signal,
      nothing: t("edit.nothing"),
      check() {
        const errors = editors.flatMap((editor, at) => {
          const { wording, kind, options } = editor.read();
          const pointer = `/questions/${at}`;
          if (showsNothing(wording)) return [{ pointer, detail: t("questions.wording_missing") }];
          const needsOptions = (kind === "choice" || kind === "several") && showsNothing(options);
          return needsOptions ? [{ pointer, detail: t("questions.options_missing") }] : [];
        });
        tell(errors);
        return errors;
      },
      send(write) {
        const questions = body();
        const at = version;
        return write(["questions", id, at, questions], (key) => setQuestions(id, questions, at, key));
      },
      async onSent(event) {
        version = event.version;
        saved = body();
        area.show({ kind: "saved", title: t("edit.saved_title"), text: t("questions.saved") });
        const questions = await getAllQuestions(id, signal).catch(() => null);
        if (questions && !signal.aborted) take(questions);
      },
      async onError(error) {
        if (error instanceof ProblemError && error.status === 412) {
          const answer = await getOwnEvent(id, null, signal).catch(() => null);
          version = answer?.event.version ?? version;
          return { kind: "changed", title: t("edit.changed_title"), text: t("questions.changed"), canRetry: true };
        }
        const outcome = explain(error, t("edit.nothing"), REFUSALS);
        return { ...outcome, errors: tell(outcome.errors ?? []) };
      },
    });

    return { node: el("div", {}, form, el("div", { class: "panel" }, area.node), retired) };
  }
}

/** @param {Question[]} questions */
const retiredElement = (questions) =>
  el(
    "section",
    { "aria-labelledby": "retired-title", "data-testid": "questions-retired" },
    el("h2", { id: "retired-title" }, t("questions.retired_title")),
    el("p", { class: "quiet" }, t("questions.retired")),
    el("ul", { class: "entries" }, ...questions.map(({ wording }) => el("li", { class: "entry", dir: "auto" }, wording))),
  );

/** @type {Refusals} */
const REFUSALS = {
  question_answered: () => ({
    kind: "error",
    title: t("questions.answered_title"),
    text: t("questions.answered"),
  }),
};
