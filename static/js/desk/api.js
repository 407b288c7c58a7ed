// @ts-check
/** Organizers' requests about one event, and about webhooks. */

import { bodyOf, eventPath, pageOf } from "../api.js";
import { read, write, writeFile } from "../http.js";
import { asOrganizer } from "../session.js";

/** @import { BookingEvent, Delivery, Imported, Page, Question, Registration, Tried, Webhook } from "../types.js" */

/** A table of a million people, over a slow line. */
const TABLE_TIMEOUT_MS = 10 * 60_000;

/** @param {string} id @param {string} key @returns {Promise<Registration>} */
export const cancelRegistration = (id, key) =>
  asOrganizer((token) => bodyOf(write("DELETE", `/registrations/${encodeURIComponent(id)}`, undefined, { key, token })));

/** Its questions, with retired ones. @param {string} eventId @param {AbortSignal} signal @returns {Promise<Question[]>} */
export const getAllQuestions = (eventId, signal) =>
  asOrganizer((token) => bodyOf(read(`${eventPath(eventId)}/questions`, { token, signal })));

/**
 * Replaces an event's questions.
 *
 * @param {string} eventId
 * @param {unknown[]} questions
 * @param {number | undefined} version
 * @param {string} key
 * @returns {Promise<BookingEvent>}
 */
export function setQuestions(eventId, questions, version, key) {
  const ifMatch = version === undefined ? null : `"${version}"`;
  return asOrganizer((token) =>
    bodyOf(write("POST", `${eventPath(eventId)}/questions`, { questions }, { ifMatch, key, token })),
  );
}

/** @param {string} eventId @param {Record<string, unknown>} changes @param {string} key @returns {Promise<BookingEvent>} */
export const copyEvent = (eventId, changes, key) =>
  asOrganizer((token) => bodyOf(write("POST", `${eventPath(eventId)}/copy`, changes, { key, token })));

/** @param {string} eventId @param {AbortSignal} signal @returns {Promise<Blob>} */
export const getPeopleTable = (eventId, signal) =>
  asOrganizer((token) =>
    bodyOf(
      read(`${eventPath(eventId)}/registrations.csv?bom=true`, {
        token,
        signal,
        as: "blob",
        timeoutMs: TABLE_TIMEOUT_MS,
      }),
    ),
  );

/**
 * The result of each row of an import, applied or as a trial.
 *
 * @param {string} eventId
 * @param {Blob} table
 * @param {boolean} applies
 * @returns {Promise<Imported>}
 */
export function importPeople(eventId, table, applies) {
  const path = `${eventPath(eventId)}/registrations/import${applies ? "?apply=true" : ""}`;
  const options = { type: "text/csv", timeoutMs: TABLE_TIMEOUT_MS };
  return asOrganizer((token) => bodyOf(writeFile(path, table, { ...options, token })));
}

/** @param {AbortSignal} signal @returns {Promise<Webhook[]>} */
export const getWebhooks = (signal) => asOrganizer((token) => bodyOf(read("/webhooks", { token, signal })));

/** @param {Record<string, unknown>} webhook @param {string} key @returns {Promise<Webhook>} */
export const createWebhook = (webhook, key) =>
  asOrganizer((token) => bodyOf(write("POST", "/webhooks", webhook, { key, token })));

/** @typedef {ReturnType<typeof webhookApi>} WebhookApi */

/** @param {string} id */
export function webhookApi(id) {
  const path = `/webhooks/${encodeURIComponent(id)}`;
  return {
    id,
    /** @param {boolean} enabled @returns {Promise<Webhook>} */
    enable: (enabled) => asOrganizer((token) => bodyOf(write("PATCH", path, { enabled }, { token }))),
    /** @returns {Promise<Tried>} */
    test: () => asOrganizer((token) => bodyOf(write("POST", `${path}/test`, undefined, { token }))),
    /** @param {string} key @returns {Promise<Webhook>} */
    renewSecret: (key) => asOrganizer((token) => bodyOf(write("POST", `${path}/secret`, undefined, { key, token }))),
    remove: () => asOrganizer((token) => write("DELETE", path, undefined, { token, as: "text" })),
    /** @param {AbortSignal} signal @param {string} [next] @returns {Promise<Page<Delivery>>} */
    deliveries: (signal, next = `${path}/deliveries?limit=50`) =>
      asOrganizer(async (token) => pageOf(await read(next, { token, signal }), next)),
    /** @param {string} deliveryId @returns {Promise<Tried>} */
    redeliver: (deliveryId) =>
      asOrganizer((token) =>
        bodyOf(write("POST", `${path}/deliveries/${encodeURIComponent(deliveryId)}/redeliver`, undefined, { token })),
      ),
  };
}
