// @ts-check
/** One scan, from its text to a result: the server's decision if it comes soon, else this device's own. */

import { serverNow } from "../clock.js";
import { ProblemError } from "../http.js";
import { randomUuid } from "../idempotency.js";
import { lastWhere } from "../lists.js";
import { trimmedCode } from "../text.js";
import { parseTicket } from "../ticket.js";
import { isInside } from "./queue.js";
import { timingOf } from "./timing.js";

/** @import { Verifier } from "../ticket.js" */
/** @import { createQueue } from "./queue.js" */
/** @import { Scan } from "./store.js" */
/** @import { Times, Timing } from "./timing.js" */
/** @import { CheckedIn } from "../types.js" */

/** The longest wait for the network: people are waiting at the door. */
const ANSWER_MS_MAX = 2_500;

/**
 * @typedef {object} Result
 * @property {"checked_in" | "already_checked_in" | "refused" | "queued"} result
 * @property {string | null} reason
 * @property {string | null} at When the ticket was first used.
 * @property {Timing | null} timing Whether it is the day of the event, if that is known.
 * @property {string | null} registrationId
 * @property {string | null} scanId The scan that can be undone.
 * @property {boolean} verified Whether this device or the server verified the signature.
 * @property {string | null} detail
 */

/**
 * @param {string} eventId
 * @param {ReturnType<typeof createQueue>} queue
 * @param {() => Verifier | null} verifier
 * @param {() => Times | null} times
 * @returns {(text: string) => Promise<Result>}
 */
export function createScanning(eventId, queue, verifier, times) {
  return async (raw) => {
    const ticket = trimmedCode(raw);
    const claims = parseTicket(ticket);
    if (!claims) return refused("not_a_ticket", null);
    const { registrationId } = claims;
    if (claims.eventId !== eventId) return refused("other_event", registrationId);
    const before = lastWhere(queue.all(), (scan) => scan.registration_id === registrationId && isInside(scan));
    // Not sent yet: the server cannot know more.
    if (before?.state === "waiting") return already(before.scanned_at, registrationId);

    const id = randomUuid();
    const now = serverNow();
    const scanned_at = new Date(now).toISOString();
    const timing = timingOf(times(), now);
    await queue.add({ id, event_id: eventId, registration_id: registrationId, ticket, scanned_at, timing });
    await answered(id);
    const scan = queue.get(id);
    if (scan?.state === "decided") return decidedResult(scan);
    return alone(ticket, id, before?.checked_in_at ?? before?.scanned_at ?? null, registrationId);
  };

  /** Until the server has decided, could not be reached, or takes too long. @param {string} id */
  async function answered(id) {
    const deadline = new Promise((resolve) => setTimeout(resolve, ANSWER_MS_MAX));
    const asked = async () => {
      await queue.sync();
      // It may have joined a run that took its chunk before this scan was there.
      if (queue.get(id)?.state === "waiting" && queue.lastError() === null) await queue.sync();
    };
    await Promise.race([deadline, asked()]);
  }

  /**
   * @param {string} ticket
   * @param {string} id
   * @param {string | null} usedAt
   * @param {string} registrationId
   * @returns {Promise<Result>}
   */
  async function alone(ticket, id, usedAt, registrationId) {
    const check = verifier();
    const verdict = check && (await check.verify(ticket));
    if (verdict && !verdict.ok) {
      await queue.forget(id);
      return refused(verdict.reason, registrationId);
    }
    if (usedAt !== null) {
      await queue.forget(id);
      return already(usedAt, registrationId);
    }
    await queue.letIn(id);
    return {
      result: "queued",
      reason: null,
      at: null,
      timing: queue.get(id)?.timing ?? null,
      registrationId,
      scanId: id,
      verified: verdict !== null,
      detail: null,
    };
  }
}

/**
 * Checks in a person who was found by name. Only the server knows whether they have a seat: this needs the network.
 *
 * @param {string} eventId
 * @param {ReturnType<typeof createQueue>} queue
 * @param {(registrationId: string) => Promise<CheckedIn>} send
 * @returns {(registrationId: string) => Promise<Result>} Rejects if nothing was decided.
 */
export function createLettingIn(eventId, queue, send) {
  return async (registrationId) => {
    try {
      const { checked_in_at, timing = null } = await send(registrationId);
      const scanned_at = checked_in_at ?? new Date(serverNow()).toISOString();
      const id = randomUuid();
      await queue.record({ id, event_id: eventId, registration_id: registrationId, scanned_at, timing });
      return { ...refused("", registrationId), result: "checked_in", reason: null, timing, scanId: id };
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      const { checked_in_at, reason } = error.problem;
      if (error.code === "already_checked_in") return already(checked_in_at ?? "", registrationId);
      if (error.code === "ticket_refused") return refused(reason ?? "unknown", registrationId);
      if (error.code === "closed") return refused("closed", registrationId);
      throw error;
    }
  };
}

/** The server's decision. @param {Scan} scan @returns {Result} */
export function decidedResult(scan) {
  const { id, registration_id, result, reason, checked_in_at: at, timing, detail } = scan;
  const scanId = result === "checked_in" ? id : null;
  return {
    result: result ?? "refused",
    reason,
    at,
    timing: timing ?? null,
    registrationId: registration_id,
    scanId,
    verified: true,
    detail,
  };
}

/** @param {string} reason @param {string | null} registrationId @returns {Result} */
const refused = (reason, registrationId) => ({
  result: "refused",
  reason,
  at: null,
  timing: null,
  registrationId,
  scanId: null,
  verified: true,
  detail: null,
});

/** @param {string} at @param {string} registrationId @returns {Result} */
const already = (at, registrationId) => ({
  result: "already_checked_in",
  reason: null,
  at,
  timing: null,
  registrationId,
  scanId: null,
  verified: true,
  detail: null,
});
