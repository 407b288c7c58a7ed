// @ts-check
/** What an event asks, for the form that its answers are in: read once, and again when the server finds them to be others. */

import { getQuestions } from "./api.js";
import { ProblemError } from "./http.js";

/** @import { BookingEvent, Question } from "./types.js" */

/**
 * @param {string} eventId
 * @param {object} context
 * @param {Question[] | null} context.first What the page came with; null if it came with none.
 * @param {(questions: Question[] | null) => void} context.ask Null as long as they are not known.
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
      // With the next look at the event it is tried again.
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
    /** The server did not take the answers: perhaps it asks something else by now. @param {unknown} error */
    refused(error) {
      const errors = error instanceof ProblemError ? (error.problem.errors ?? []) : [];
      if (errors.some(({ pointer }) => pointer.startsWith("/answers"))) load();
    },
  };
}
