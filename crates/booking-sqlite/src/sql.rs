//! The statements, one in each file, named entity/verb.

use booking_core::{Columns, StatementText};

/// The columns of a registration: `{registration}` in statements, and
/// [`rows::registration`](crate::rows::registration) here.
pub(crate) const REGISTRATION: Columns = Columns::new(
    "registration",
    &[
        "event_id",
        "event_version",
        "changed_version",
        "id",
        "user_email",
        "name",
        "status",
        "expires_at",
        "generation",
        "token_hash",
        "checked_in_at",
        "scan_id",
        "created_at",
        "answers",
    ],
);

/// The columns of an event, except for what depends on the time: `{event}` in statements, and
/// [`rows::event`](crate::rows::event) here.
pub(crate) const EVENT: Columns = Columns::new(
    "event",
    &[
        "id",
        "organizer_id",
        "name",
        "description",
        "starts_at",
        "ends_at",
        "timezone",
        "venue",
        "retention_days",
        "language",
        "remind_hours",
        "organizer_name",
        "contact",
        "unlisted",
        "capacity",
        "version",
        "status",
        "opens_at",
        "closes_at",
        "waitlist_enabled",
        "offer_ttl_seconds",
        "conceal_registered",
        "confirm_address",
        "waitlist_count",
        "created_at",
        "changed_at",
        "details_changed_at",
        "sequence",
        "asks",
    ],
);

/// The columns of an event that a decision needs: `{state}` in statements, and
/// [`rows::state`](crate::rows::state) here.
pub(crate) const STATE: Columns = Columns::new(
    "state",
    &[
        "organizer_id",
        "capacity",
        "booked_count",
        "held_count",
        "waitlist_count",
        "version",
        "due_at",
        "status",
        "opens_at",
        "closes_at",
        "waitlist_enabled",
        "offer_ttl_seconds",
        "conceal_registered",
        "confirm_address",
        "starts_at",
        "ends_at",
        "asks",
        "frozen_until",
    ],
);

macro_rules! statements {
    ($($statement:ident $name:literal)*) => {
        $(
            pub(crate) const $statement: &str = {
                const FILE: &str = include_str!(concat!("../sql/", $name, ".sql"));
                const FIRST: &StatementText<{ REGISTRATION.text_bytes(FILE) }> =
                    &REGISTRATION.fill_in(FILE);
                const SECOND: &StatementText<{ EVENT.text_bytes(FIRST.as_str()) }> =
                    &EVENT.fill_in(FIRST.as_str());
                const TEXT: &StatementText<{ STATE.text_bytes(SECOND.as_str()) }> =
                    &STATE.fill_in(SECOND.as_str());
                TEXT.as_str()
            };
        )*

        #[cfg(test)]
        pub(crate) const ALL: &[(&str, &str)] = &[$(($name, $statement)),*];
    };
}

statements! {
    AUDIT_COUNT "audit/count"
    CELL_BYTES_FIND "cell_bytes/find"
    CELL_BYTES_KEEP "cell_bytes/keep"
    CELL_MAP_FIND "cell_map/find"
    CELL_MAP_UPSERT "cell_map/upsert"
    DELIVERY_DELETE "delivery/delete"
    DELIVERY_FIND "delivery/find"
    DELIVERY_LIST "delivery/list"
    DELIVERY_PURGE "delivery/purge"
    DELIVERY_UPSERT "delivery/upsert"
    ENDPOINT_CHANGE "endpoint/change"
    ENDPOINT_COUNT "endpoint/count"
    ENDPOINT_DELETE "endpoint/delete"
    ENDPOINT_FIND "endpoint/find"
    ENDPOINT_INSERT "endpoint/insert"
    ENDPOINT_LIST "endpoint/list"
    ENDPOINT_NOTE "endpoint/note"
    EVENT_ASSIGN "event/assign"
    EVENT_AVAILABILITY "event/availability"
    EVENT_DETAILS "event/details"
    EVENT_DUE "event/due"
    EVENT_DUE_REMINDERS "event/due_reminders"
    EVENT_EDIT "event/edit"
    EVENT_ERASABLE "event/erasable"
    EVENT_INSERT "event/insert"
    EVENT_LIST "event/list"
    EVENT_LIST_BY_START "event/list_by_start"
    EVENT_LIST_BY_START_DOWN "event/list_by_start_down"
    EVENT_LIST_OF "event/list_of"
    EVENT_LOAD "event/load"
    EVENT_OF_NOBODY "event/of_nobody"
    EVENT_READ "event/read"
    EVENT_REMINDED "event/reminded"
    EVENT_STATUS "event/status"
    EVENT_TOTALS "event/totals"
    EVENT_UPDATE "event/update"
    FACT_AFTER "fact/after"
    FACT_INSERT "fact/insert"
    FACT_NEW "fact/new"
    FACT_NOTE_NEW "fact/note_new"
    FACT_OLDEST_NEW "fact/oldest_new"
    FACT_READ "fact/read"
    FACT_ROUTED "fact/routed"
    FORMER_HOLDER_DELETE "former_holder/delete"
    FORMER_HOLDER_ERASE "former_holder/erase"
    FORMER_HOLDER_FIND "former_holder/find"
    FORMER_HOLDER_INSERT "former_holder/insert"
    FORMER_HOLDER_PURGE "former_holder/purge"
    FORMER_HOLDER_SENT "former_holder/sent"
    KEY_INSERT "key/insert"
    KEY_LIST "key/list"
    LANE_ADVANCE "lane/advance"
    LANE_BACKLOG "lane/backlog"
    LANE_CLAIM "lane/claim"
    LANE_DELETE "lane/delete"
    LANE_DROP "lane/drop"
    LANE_DUE "lane/due"
    LANE_RETRY "lane/retry"
    LANE_ROUTE "lane/route"
    MAIL_CLAIM "mail/claim"
    MAIL_COUNT_STUCK "mail/count_stuck"
    MAIL_DROP "mail/drop"
    MAIL_DROP_STUCK "mail/drop_stuck"
    MAIL_DUE "mail/due"
    MAIL_INSERT "mail/insert"
    MAIL_PURGE "mail/purge"
    MAIL_RETRY "mail/retry"
    MAIL_RETRY_STUCK "mail/retry_stuck"
    MAIL_SETTLE "mail/settle"
    MAIL_SHOW "mail/show"
    MAIL_UNDONE "mail/undone"
    MOVING_COUNT "moving/count"
    MOVING_DELETE "moving/delete"
    MOVING_FIND "moving/find"
    MOVING_FORGET "moving/forget"
    MOVING_FREEZE "moving/freeze"
    MOVING_GIVE_UP "moving/give_up"
    MOVING_IS_ELSEWHERE "moving/is_elsewhere"
    MOVING_LEASE "moving/lease"
    MOVING_LEAVE "moving/leave"
    MOVING_LIST "moving/list"
    MOVING_LIST_ARRIVING "moving/list_arriving"
    MOVING_MAILS "moving/mails"
    MOVING_MAY_BE "moving/may_be"
    MOVING_PASS_ON "moving/pass_on"
    MOVING_PURGE "moving/purge"
    MOVING_TAKE_ROOM "moving/take_room"
    MOVING_UPSERT "moving/upsert"
    ORGANIZER_FIND "organizer/find"
    ORGANIZER_INSERT "organizer/insert"
    QUESTION_FIND "question/find"
    QUESTION_UPSERT "question/upsert"
    RECORD_DELETE "record/delete"
    RECORD_DELETE_ALL "record/delete_all"
    RECORD_FIND "record/find"
    RECORD_OF_ADDRESS "record/of_address"
    RECORD_PURGE "record/purge"
    RECORD_UPSERT "record/upsert"
    REGISTRATION_BY_ADDRESS "registration/by_address"
    REGISTRATION_BY_ID "registration/by_id"
    REGISTRATION_COUNT_WAITING "registration/count_waiting"
    REGISTRATION_COUNTS "registration/counts"
    REGISTRATION_DELETE "registration/delete"
    REGISTRATION_DUE_NEXT "registration/due_next"
    REGISTRATION_END_OFFERS "registration/end_offers"
    REGISTRATION_EVENT "registration/event"
    REGISTRATION_INSERT "registration/insert"
    REGISTRATION_LAST "registration/last"
    REGISTRATION_LIST "registration/list"
    REGISTRATION_LIST_LIVE "registration/list_live"
    REGISTRATION_LIST_SEATED "registration/list_seated"
    REGISTRATION_LIVE_OF_ADDRESS "registration/live_of_address"
    REGISTRATION_OF_ADDRESS "registration/of_address"
    REGISTRATION_OTHERWISE_SPELT "registration/otherwise_spelt"
    REGISTRATION_OVERDUE "registration/overdue"
    REGISTRATION_READ "registration/read"
    REGISTRATION_RESPELL "registration/respell"
    REGISTRATION_UNERASED "registration/unerased"
    REGISTRATION_WAITING "registration/waiting"
    REWRITE_FIND "rewrite/find"
    REWRITE_INSERT "rewrite/insert"
    SCHEMA_APPLIED "schema/applied"
    SCHEMA_FOREIGN "schema/foreign"
    SCHEMA_NEEDED "schema/needed"
    SCHEMA_RAISE "schema/raise"
    SCHEMA_TABLES "schema/tables"
    TICKET_KEY_LIST "ticket_key/list"
    TICKET_KEY_SHOW "ticket_key/show"
    TOKEN_COUNT "token/count"
    TOKEN_FIND "token/find"
    TOKEN_INSERT "token/insert"
    TOKEN_LIST "token/list"
    TOKEN_REVOKE "token/revoke"
}
