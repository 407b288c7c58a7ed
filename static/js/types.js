// @ts-check
/**
 * The shapes that the server sends and accepts, and those that the pages share. Types only: nothing here runs.
 *
 * @typedef {object} BookingEvent What is optional here is missing on a server of the first contract.
 * @property {string} id
 * @property {string} name
 * @property {string | null} [description]
 * @property {number} capacity
 * @property {number} booked_count
 * @property {number} [available]
 * @property {number} [waitlist_count]
 * @property {"draft" | "published" | "cancelled"} [status]
 * @property {string | null} [starts_at]
 * @property {string | null} [ends_at]
 * @property {string | null} [timezone] An IANA name.
 * @property {string | null} [venue]
 * @property {string | null} [opens_at]
 * @property {string | null} [closes_at]
 * @property {string | null} [over_at] When it is over; null if never.
 * @property {boolean} [waitlist_enabled]
 * @property {number | null} [offer_ttl_seconds] Null if a freed seat is confirmed at once.
 * @property {boolean} [conceal_registered] Whether sold out and closed hide who is registered.
 * @property {number | null} [retention_days] Null if personal data is kept for ever.
 * @property {"en" | "de"} [language] The language of its mails.
 * @property {number | null} [remind_hours] Null without reminders.
 * @property {boolean} [confirm_address] Whether a seat is confirmed by a mail.
 * @property {string | null} [organizer_name] Who puts it up.
 * @property {string | null} [contact] The contact: an e-mail address or a URL.
 * @property {boolean} [unlisted] Whether listings leave it out.
 * @property {boolean} [has_questions] Whether attendees are asked questions.
 * @property {number} [version] Increases by one with every change of the event.
 * @property {string} created_at
 *
 * @typedef {object} SeatState An event's seats, as its stream sends them.
 * @property {string} event_id
 * @property {number} capacity
 * @property {number} booked_count
 * @property {number} available
 * @property {number} waitlist_count
 * @property {"draft" | "published" | "cancelled"} status
 * @property {number} version
 *
 * @typedef {"confirmed" | "held" | "waitlisted" | "offered" | "cancelled" | "expired"} Status
 *
 * @typedef {object} Registration
 * @property {string} id
 * @property {string} event_id
 * @property {string} user_email
 * @property {string | null} [name]
 * @property {Status} [status]
 * @property {string | null} [expires_at] When a hold or an offer ends.
 * @property {number | null} [position] On the waitlist; 1 is next.
 * @property {string | null} [checked_in_at]
 * @property {string} created_at
 * @property {number} [event_version] The event's version that the registration created.
 * @property {Answers} [answers] To the event's questions.
 *
 * @typedef {Registration & { manage_token?: string }} Seated The token comes once, with this answer.
 *
 * @typedef {object} ToConfirm The result comes only by mail.
 * @property {"confirmation_sent"} status
 *
 * @typedef {Seated | ToConfirm} Claimed The answer to a request for a seat.
 *
 * @typedef {object} Person A holder of a seat, or a future one.
 * @property {string} user_email
 * @property {string} [name]
 * @property {Answers} [answers]
 *
 * @typedef {object} PersonChanges The organizer's correction of a registration.
 * @property {string} [user_email]
 * @property {string | null} [name] Null clears it.
 *
 * @typedef {object} HistoryEntry
 * @property {number} version
 * @property {string} recorded_at
 * @property {string} kind
 * @property {string} actor
 *
 * @typedef {object} Ticket
 * @property {string} registration_id
 * @property {string} event_id
 * @property {string} ticket
 * @property {string} key_id
 *
 * @typedef {JsonWebKey & { kid?: string }} TicketKey A public key (RFC 8037).
 *
 * @typedef {object} TicketKeys
 * @property {TicketKey[]} keys
 *
 * @typedef {object} ScanRequest
 * @property {string} id
 * @property {string} ticket
 * @property {string} scanned_at
 *
 * @typedef {object} ScanResult
 * @property {string} id
 * @property {"checked_in" | "already_checked_in" | "refused"} result
 * @property {string | null} [registration_id]
 * @property {string | null} [checked_in_at]
 * @property {"early" | "on_time" | "late" | null} [timing] Of a valid ticket.
 * @property {string | null} [reason]
 * @property {string | null} [detail]
 *
 * @typedef {Registration & { timing?: "early" | "on_time" | "late" | null }} CheckedIn
 *
 * @typedef {object} OrganizerAnswer
 * @property {boolean} open Whether everybody is the organizer.
 * @property {Organizer | null} organizer The token's owner.
 *
 * @typedef {"reader" | "door" | "manager" | "owner"} Role A token's rights: each includes those before it.
 *
 * @typedef {object} Organizer
 * @property {string} id
 * @property {string} name
 * @property {Role} [role] The token's; without one it may do everything.
 * @property {string[] | null} [events] The token's events, if it is limited to some.
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
 * @property {string} [retry_at]
 * @property {string} [checked_in_at]
 * @property {string} [reason]
 * @property {FieldError[]} [errors]
 *
 * @typedef {object} Component The result of a visible `create…`; some have more methods.
 * @property {HTMLElement} node The caller puts it into the page. Only the component draws in it.
 *
 * @typedef {object} View
 * @property {HTMLElement} root Where the view draws.
 * @property {AbortSignal} signal Aborted when the visitor leaves the view.
 * @property {(title: string) => void} setTitle
 */

/**
 * @typedef {"text" | "choice" | "several" | "yes_no" | "consent"} QuestionKind
 *
 * @typedef {object} QuestionOption
 * @property {string} key
 * @property {string} label
 *
 * @typedef {object} Question A question to an event's attendees.
 * @property {string} key
 * @property {QuestionKind} kind
 * @property {string} wording For a consent, its text.
 * @property {number} version The wording's version.
 * @property {boolean} required
 * @property {QuestionOption[]} options
 * @property {boolean} [answered] Only for its organizer, like what follows.
 * @property {boolean} [retired] Whether it is no longer asked.
 *
 * @typedef {string | string[] | boolean | number} Answered
 * @typedef {Record<string, Answered>} Answers By the keys of the questions.
 *
 * @typedef {object} Counts An event's registrations by status.
 * @property {number} confirmed
 * @property {number} held
 * @property {number} waitlisted
 * @property {number} offered
 * @property {number} cancelled
 * @property {number} expired
 * @property {number} checked_in
 * @property {number} total
 *
 * @typedef {"registered" | "already_registered" | "duplicate" | "skipped" | "invalid" | "refused"} Verdict
 *
 * @typedef {object} ImportedRow
 * @property {number} line
 * @property {Verdict} verdict
 * @property {string | null} user_email
 * @property {string | null} code
 * @property {string | null} detail
 *
 * @typedef {object} Imported
 * @property {boolean} dry_run
 * @property {ImportedRow[]} rows
 * @property {Record<Verdict, number>} counts
 *
 * @typedef {object} Webhook
 * @property {string} id
 * @property {string} url
 * @property {string[] | null} types Null for all.
 * @property {string | null} event_id Null for all events of its organizer.
 * @property {boolean} enabled
 * @property {string | null} disabled_reason
 * @property {string | null} failing_since
 * @property {string} created_at
 * @property {string} [secret] Once, in the answer that creates it.
 *
 * @typedef {object} Delivery
 * @property {string} id
 * @property {string} event_id
 * @property {string} type
 * @property {string} state
 * @property {number} attempts
 * @property {string} tried_at
 * @property {number | null} status
 * @property {string | null} failure
 *
 * @typedef {object} Tried The result of a message that was sent on request.
 * @property {boolean} delivered
 * @property {number | null} status
 * @property {string | null} failure
 */

/**
 * @template T
 * @typedef {object} Page
 * @property {T[]} items
 * @property {string | null} next The address of the page after this one.
 * @property {string} [etag] For conditional requests.
 * @property {string} [total] The number on all pages, if the server sends it.
 */

export {};
