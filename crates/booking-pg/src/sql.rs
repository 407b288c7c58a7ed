//! Every statement, by the name of its file.

use booking_core::{Columns, StatementText};

/// A statement and its name, for errors and logs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sql {
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
}

/// How each writing transaction begins: each statement sees what was committed before it began.
pub(crate) const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

/// The columns of a registration: `{registration}` in statements, and
/// [`rows::registration`](crate::rows::registration) here.
pub(crate) const REGISTRATION: Columns = Columns::new(
    "registration",
    &[
        "event_id",
        "id",
        "user_email",
        "name",
        "status::text",
        "expires_at",
        "checked_in_at",
        "scan_id",
        "generation",
        "token_hash",
        "event_version",
        "changed_version",
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
        "language::text",
        "remind_hours",
        "organizer_name",
        "contact",
        "unlisted",
        "capacity",
        "version",
        "status::text",
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

/// The columns of an event whose row is locked: `{state}` in statements, and
/// [`rows::event_state`](crate::rows::event_state) here.
pub(crate) const STATE: Columns = Columns::new(
    "state",
    &[
        "id",
        "organizer_id",
        "capacity",
        "booked_count",
        "held_count",
        "waitlist_count",
        "version",
        "due_at",
        "status::text",
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
            pub(crate) const $statement: Sql = Sql {
                name: $name,
                text: {
                    const FILE: &str = include_str!(concat!("../sql/", $name, ".sql"));
                    const FIRST: &StatementText<{ REGISTRATION.text_bytes(FILE) }> =
                        &REGISTRATION.fill_in(FILE);
                    const SECOND: &StatementText<{ EVENT.text_bytes(FIRST.as_str()) }> =
                        &EVENT.fill_in(FIRST.as_str());
                    const TEXT: &StatementText<{ STATE.text_bytes(SECOND.as_str()) }> =
                        &STATE.fill_in(SECOND.as_str());
                    TEXT.as_str()
                },
            };
        )*

        const ALL: &[Sql] = &[$($statement),*];
    };
}

statements! {
    AUDIT_COUNT "audit/count"
    CELL_BYTES_FIND "cell_bytes/find"
    CELL_BYTES_KEEP "cell_bytes/keep"
    CELL_MAP_FIND "cell_map/find"
    CELL_MAP_INSERT "cell_map/insert"
    CELL_MAP_REPLACE "cell_map/replace"
    DELIVERY_DELETE "delivery/delete"
    DELIVERY_FIND "delivery/find"
    DELIVERY_LIST "delivery/list"
    DELIVERY_NOTE "delivery/note"
    DELIVERY_PURGE "delivery/purge"
    ENDPOINT_CHANGE "endpoint/change"
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
    EVENT_FIND "event/find"
    EVENT_FIND_DUE "event/find_due"
    EVENT_INSERT "event/insert"
    EVENT_LIST "event/list"
    EVENT_LIST_BY_START "event/list_by_start"
    EVENT_LIST_BY_START_DOWN "event/list_by_start_down"
    EVENT_LIST_OF "event/list_of"
    EVENT_LOCK "event/lock"
    EVENT_LOCK_NONE "event/lock_none"
    EVENT_LOCK_SKIP "event/lock_skip"
    EVENT_OF_NOBODY "event/of_nobody"
    EVENT_REMINDED "event/reminded"
    EVENT_STATUS "event/status"
    EVENT_TOTALS "event/totals"
    EVENT_UPDATE "event/update"
    FACT_AFTER "fact/after"
    FACT_INSERT "fact/insert"
    FACT_NOTE_NEW "fact/note_new"
    FACT_OLDEST_NEW "fact/oldest_new"
    FORMER_HOLDER_DELETE "former_holder/delete"
    FORMER_HOLDER_ERASE "former_holder/erase"
    FORMER_HOLDER_FIND "former_holder/find"
    FORMER_HOLDER_INSERT "former_holder/insert"
    FORMER_HOLDER_PURGE "former_holder/purge"
    LANE_ADVANCE "lane/advance"
    LANE_BACKLOG "lane/backlog"
    LANE_CLAIM "lane/claim"
    LANE_DELETE "lane/delete"
    LANE_DROP "lane/drop"
    LANE_DUE "lane/due"
    LANE_RETRY "lane/retry"
    LANE_ROUTE "lane/route"
    MAIL_BACKLOG "mail/backlog"
    MAIL_CLAIM "mail/claim"
    MAIL_DROP "mail/drop"
    MAIL_INSERT "mail/insert"
    MAIL_PURGE "mail/purge"
    MAIL_RETRY "mail/retry"
    MAIL_SETTLE "mail/settle"
    MAIL_SHOW "mail/show"
    MOVING_COUNT "moving/count"
    MOVING_DELETE "moving/delete"
    MOVING_FORGET "moving/forget"
    MOVING_FREEZE "moving/freeze"
    MOVING_IDENTITY "moving/identity"
    MOVING_LEASE "moving/lease"
    MOVING_LEAVE "moving/leave"
    MOVING_LIST "moving/list"
    MOVING_LIST_ARRIVING "moving/list_arriving"
    MOVING_LOCK "moving/lock"
    MOVING_LOCK_EVENT "moving/lock_event"
    MOVING_MAILS "moving/mails"
    MOVING_MAY_BE "moving/may_be"
    MOVING_PASS_ON "moving/pass_on"
    MOVING_PURGE "moving/purge"
    MOVING_TAKE_ROOM "moving/take_room"
    MOVING_UPSERT "moving/upsert"
    MOVING_UPSERT_ABSENT "moving/upsert_absent"
    MOVING_WHICH "moving/which"
    QUESTION_FIND "question/find"
    QUESTION_UPSERT "question/upsert"
    RECORD_CLAIM "record/claim"
    RECORD_DELETE "record/delete"
    RECORD_DELETE_ALL "record/delete_all"
    RECORD_LOAD "record/load"
    RECORD_OF_ADDRESS "record/of_address"
    RECORD_OTHERWISE_SPELT "record/otherwise_spelt"
    RECORD_PURGE "record/purge"
    RECORD_UPSERT "record/upsert"
    REGISTRATION_BY_ADDRESS "registration/by_address"
    REGISTRATION_BY_ID "registration/by_id"
    REGISTRATION_COUNTS "registration/counts"
    REGISTRATION_DELETE "registration/delete"
    REGISTRATION_END_OFFERS "registration/end_offers"
    REGISTRATION_EVENTS "registration/events"
    REGISTRATION_FIND "registration/find"
    REGISTRATION_HISTORY "registration/history"
    REGISTRATION_INSERT "registration/insert"
    REGISTRATION_INSERT_ANY "registration/insert_any"
    REGISTRATION_LIST "registration/list"
    REGISTRATION_LIST_LIVE "registration/list_live"
    REGISTRATION_LIST_SEATED "registration/list_seated"
    REGISTRATION_LIVE_OF_ADDRESS "registration/live_of_address"
    REGISTRATION_NEXT_END "registration/next_end"
    REGISTRATION_OF_ADDRESS "registration/of_address"
    REGISTRATION_OTHERWISE_SPELT "registration/otherwise_spelt"
    REGISTRATION_OVERDUE "registration/overdue"
    REGISTRATION_POSITIONS "registration/positions"
    REGISTRATION_RESPELL "registration/respell"
    REGISTRATION_UNERASED "registration/unerased"
    REGISTRATION_WAITING "registration/waiting"
    REWRITE_FIND "rewrite/find"
    REWRITE_INSERT "rewrite/insert"
    SCHEMA_APPLIED "schema/applied"
    SCHEMA_NEEDED "schema/needed"
    SCHEMA_RAISE "schema/raise"
    SCHEMA_TABLES "schema/tables"
    SESSION_DURABILITY "session/durability"
    SESSION_HEALTH "session/health"
    SESSION_NOW "session/now"
    SESSION_TRY_ROWS "session/try_rows"
    SESSION_TRY_WRITES "session/try_writes"
    SIGNING_KEY_INSERT "signing_key/insert"
    SIGNING_KEY_LIST "signing_key/list"
    TICKET_KEY_LIST "ticket_key/list"
    TICKET_KEY_SHOW "ticket_key/show"
    TOKEN_FIND "token/find"
    TOKEN_INSERT "token/insert"
    TOKEN_LIST "token/list"
    TOKEN_REVOKE "token/revoke"
}

/// Every statement with its name, for tests of how PostgreSQL plans them.
pub fn statements() -> impl Iterator<Item = (&'static str, &'static str)> {
    ALL.iter().map(|sql| (sql.name, sql.text))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The columns of a registration that a statement writes.
    fn written(statement: Sql) -> Vec<&'static str> {
        let (_, after) = statement.text.split_once("INSERT INTO registrations (").expect("it does");
        let (columns, _) = after.split_once(')').expect("it ends");
        columns.split(',').map(str::trim).collect()
    }

    #[test]
    fn every_column_read_of_a_registration_is_written() {
        let read: Vec<_> = REGISTRATION.names().collect();
        for statement in [REGISTRATION_INSERT_ANY, SESSION_TRY_WRITES] {
            assert_eq!(written(statement), read, "{}", statement.name);
        }
        // The other columns of a seat that was confirmed at once have their defaults.
        assert!(written(REGISTRATION_INSERT).iter().all(|column| read.contains(column)));
    }

    #[test]
    fn no_placeholder_is_left_in_a_statement() {
        for (name, text) in statements() {
            for row in ["{registration", "{event", "{state"] {
                assert!(!text.contains(row), "{name}: {text}");
            }
        }
        let list = REGISTRATION_LIST.text;
        assert!(list.contains("SELECT event_id, id, user_email, name, status::text, "), "{list}");
    }
}
