// @ts-check
/** An event's questions, for a form: read once, and again when the server reports that they have changed. */

import { getQuestions } from "./api.js";
import { ProblemError } from "./http.js";

/** @import { BookingEvent, Question } from "./types.js" */

/**
 * @param {string} eventId
 * @param {object} context
 * @param {Question[] | null} context.first The questions in the page; null if it had none.
 * @param {(questions: Question[] | null) => void} context.ask Null until they are known.
 * @param {AbortSignal} context.signal
 */
export function createAskedQuestions(eventId, { first, ask, signal }) {
  /** @type {Question[] | null} */
  let known = first;
  let isReading = false;
  if (known) ask(known);

  async function load() {
    if (isReading) return;
    isReading = true;
    try {
      known = await getQuestions(eventId, signal);
      ask(known);
    } catch {
      // The next poll of the event tries again.
    } finally {
      isReading = false;
    }
  }

  return {
    /** @param {BookingEvent} event */
    update(event) {
      if (!event.has_questions) {
        known = [];
        ask(known);
      } else if (known === null || known.length === 0) {
        ask(null);
        load();
      }
    },
    /** The server refused the answers: perhaps the questions have changed. @param {unknown} error */
    refused(error) {
      const errors = error instanceof ProblemError ? (error.problem.errors ?? []) : [];
      if (errors.some(({ pointer }) => pointer.startsWith("/answers"))) load();
    },
  };
}
