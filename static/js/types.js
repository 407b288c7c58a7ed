// @ts-check
/**
 * The shapes that the server sends. Types only: nothing here runs.
 *
 * @typedef {object} BookingEvent
 * @property {string} id
 * @property {string} name
 * @property {string | null} [description]
 * @property {number} capacity
 * @property {number} booked_count
 * @property {number} [available]
 * @property {number} [version] Goes up by one with every change to the event.
 * @property {string} created_at
 *
 * @typedef {object} Registration
 * @property {string} id
 * @property {string} event_id
 * @property {string} user_email
 * @property {string} created_at
 * @property {number} [event_version] The version of the event that this registration made.
 *
 * @typedef {object} FieldError
 * @property {string} pointer A JSON pointer into the body that was sent, such as "/user_email".
 * @property {string} detail
 *
 * @typedef {object} Problem An answer of the type application/problem+json (RFC 9457).
 * @property {string} [type]
 * @property {string} [title]
 * @property {string} [detail]
 * @property {string} [code]
 * @property {string} [request_id]
 * @property {FieldError[]} [errors]
 *
 * @typedef {object} View
 * @property {HTMLElement} root Where the view draws.
 * @property {AbortSignal} signal Aborted when the visitor leaves the view.
 * @property {(title: string) => void} setTitle
 */

export {};
