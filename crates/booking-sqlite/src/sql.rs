//! The statements, one in each file, named entity/verb.

use booking_core::{Columns, StatementText};

/// What a registration is read from: `{registration}` in statements, and
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

macro_rules! statements {
    ($($statement:ident $name:literal)*) => {
        $(
            pub(crate) const $statement: &str = {
                const FILE: &str = include_str!(concat!("../sql/", $name, ".sql"));
                const TEXT: &StatementText<{ REGISTRATION.text_bytes(FILE) }> =
                    &REGISTRATION.fill_in(FILE);
                TEXT.as_str()
            };
        )*

        #[cfg(test)]
        const ALL: &[(&str, &str)] = &[$(($name, $statement)),*];
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
    DELIVERY_FORGET "delivery/forget"
    DELIVERY_LIST "delivery/list"
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
    FACT_OLDEST_NEW "fact/oldest_new"
    FACT_READ "fact/read"
    FACT_ROUTED "fact/routed"
    FORMER_HOLDER_DELETE "former_holder/delete"
    FORMER_HOLDER_ERASE "former_holder/erase"
    FORMER_HOLDER_FIND "former_holder/find"
    FORMER_HOLDER_FORGET "former_holder/forget"
    FORMER_HOLDER_INSERT "former_holder/insert"
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
    MAIL_FORGET "mail/forget"
    MAIL_INSERT "mail/insert"
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
    RECORD_FORGET "record/forget"
    RECORD_OF_ADDRESS "record/of_address"
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{connection, migrate};
    use rusqlite::Connection;

    /// An empty database: no plan may depend on what the tables hold.
    fn database() -> (tempfile::TempDir, Connection) {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("plans.db");
        migrate::migrate_blocking(&path).expect("migrated");
        let connection = connection::open_reader(&path).expect("opened");
        (directory, connection)
    }

    /// How SQLite would execute `statement`.
    fn plan(connection: &Connection, statement: &str) -> Vec<String> {
        let explain = format!("EXPLAIN QUERY PLAN {statement}");
        let mut explain = connection.prepare(&explain).expect("valid SQL");
        let parameters = vec![rusqlite::types::Null; explain.parameter_count()];
        let steps = explain
            .query_map(rusqlite::params_from_iter(parameters), |row| row.get("detail"))
            .expect("explained");
        steps.collect::<Result<_, _>>().expect("explained")
    }

    #[test]
    fn nothing_but_the_audit_and_an_erasure_looks_at_every_row() {
        let (_directory, connection) = database();
        for (name, statement) in ALL {
            // There are never many keys, migrations or tokens.
            let erasure = matches!(*name, "registration/of_address" | "record/of_address");
            // It looks at each event that people may still go to, and at no other's people.
            let erasure = erasure || *name == "registration/live_of_address";
            let few = matches!(*name, "key/list" | "token/list" | "token/count");
            let few = few || name.starts_with("schema/") || name.starts_with("ticket_key/");
            let few = few || *name == "endpoint/list";
            // What is new is soon looked at.
            let few = few || matches!(*name, "fact/new" | "fact/oldest_new");
            // Asked of what is not found, where events were moved.
            let few = few || *name == "moving/may_be";
            // Those that are under way, in their order and without all that have left; and mails, up to a limit.
            let few =
                few || matches!(*name, "moving/list_arriving" | "moving/mails" | "moving/purge");
            // Asked once, by whoever closes an open server.
            let assignment = *name == "event/of_nobody";
            if erasure || few || assignment || matches!(*name, "audit/count" | "event/totals") {
                continue;
            }
            for step in plan(&connection, statement) {
                let scans = step.starts_with("SCAN") && step != "SCAN CONSTANT ROW";
                let looks = !scans && !step.contains("TEMP B-TREE");
                assert!(looks, "{name}: {step}");
            }
        }
    }

    #[test]
    fn what_is_hot_uses_its_index() {
        let (_directory, connection) = database();
        let plan = |statement| plan(&connection, statement);
        let by_primary_key = "SEARCH events USING INDEX sqlite_autoindex_events_1 (id=?)";
        for statement in [
            EVENT_LOAD,
            EVENT_UPDATE,
            EVENT_EDIT,
            EVENT_DETAILS,
            EVENT_STATUS,
            EVENT_ASSIGN,
            EVENT_REMINDED,
        ] {
            assert_eq!(plan(statement), [by_primary_key], "{statement}");
        }
        let overdue = "SEARCH registrations USING COVERING INDEX registrations_running_out \
                       (event_id=? AND expires_at<?)";
        let subquery = "CORRELATED SCALAR SUBQUERY 1";
        for statement in [EVENT_READ, EVENT_AVAILABILITY] {
            assert_eq!(plan(statement), [by_primary_key, subquery, overdue], "{statement}");
        }
        let listed = "SEARCH events USING INDEX events_newest_first ((created_at,id)<(?,?))";
        assert_eq!(plan(EVENT_LIST), [listed, subquery, overdue]);
        let own = "SEARCH events USING INDEX events_of_organizer \
                   (organizer_id=? AND (created_at,id)<(?,?))";
        assert_eq!(plan(EVENT_LIST_OF), [own, subquery, overdue]);
        let later = "SEARCH events USING INDEX events_by_start (<expr>>?)";
        assert_eq!(plan(EVENT_LIST_BY_START), [later, subquery, overdue]);
        let earlier = "SEARCH events USING INDEX events_by_start (<expr><?)";
        assert_eq!(plan(EVENT_LIST_BY_START_DOWN), [earlier, subquery, overdue]);
        assert_eq!(plan(EVENT_DUE), ["SEARCH events USING INDEX events_due (due_at<?)"]);
        let erasable = "SEARCH events USING INDEX events_erasable (erase_at<?)";
        assert_eq!(plan(EVENT_ERASABLE), [erasable]);
        let reminding = "SEARCH events USING INDEX events_reminding (remind_at<?)";
        assert_eq!(plan(EVENT_DUE_REMINDERS), [reminding]);
    }

    #[test]
    fn registrations_are_found_by_their_indexes() {
        let (_directory, connection) = database();
        let plan = |statement| plan(&connection, statement);
        let by_id = "SEARCH registrations USING INDEX registrations_id (id=? AND event_id=?)";
        let by_email = "SEARCH registrations USING INDEX registrations_live_email \
                        (event_id=? AND user_email=?)";
        assert_eq!(plan(REGISTRATION_BY_ADDRESS), [by_email]);
        assert_eq!(plan(REGISTRATION_BY_ID), [by_id]);
        for statement in [REGISTRATION_LIST, REGISTRATION_LIST_LIVE, REGISTRATION_LIST_SEATED] {
            let listed = "SEARCH registrations USING INDEX registrations_event_version \
                          (event_id=? AND event_version>?)";
            assert_eq!(plan(statement), [listed]);
        }
        let overdue = "SEARCH registrations USING INDEX registrations_running_out \
                       (event_id=? AND expires_at<?)";
        assert_eq!(plan(REGISTRATION_OVERDUE), [overdue]);
        let waiting = "SEARCH registrations USING INDEX registrations_waiting (event_id=?)";
        assert_eq!(plan(REGISTRATION_WAITING), [waiting]);
        let ahead = "SEARCH ahead USING COVERING INDEX registrations_waiting \
                     (event_id=? AND event_version<?)";
        let read = plan(REGISTRATION_READ);
        assert_eq!(read.last().map(String::as_str), Some(ahead));
        let public_id = "SEARCH registrations USING INDEX registrations_id (id=?)";
        let unerased = "SEARCH registrations USING INDEX registrations_event_version \
                        (event_id=? AND event_version>?)";
        assert_eq!(plan(REGISTRATION_UNERASED)[0], unerased);
        for statement in [REGISTRATION_READ, REGISTRATION_EVENT, REGISTRATION_LAST] {
            let first = plan(statement).remove(0);
            assert_eq!(first.replace("COVERING ", ""), public_id, "{statement}");
        }
    }

    #[test]
    fn what_is_to_be_delivered_is_found_by_its_indexes() {
        let (_directory, connection) = database();
        let plan = |statement| plan(&connection, statement);
        let by_primary_key = "SEARCH delivery_lanes USING PRIMARY KEY (event_id=? AND sink_id=?)";
        for statement in [LANE_CLAIM, LANE_ADVANCE] {
            assert_eq!(plan(statement), [by_primary_key], "{statement}");
        }
        let due =
            "SEARCH delivery_lanes USING INDEX delivery_lanes_of_sink (sink_id=? AND due_at<?)";
        assert_eq!(plan(LANE_DUE), [due]);
        assert_eq!(plan(MAIL_DUE), ["SEARCH mails USING INDEX mails_due (due_at<?)"]);
        let log = "SEARCH deliveries USING INDEX deliveries_of_endpoint \
                   (endpoint_id=? AND (tried_at,event_id,version)<(?,?,?))";
        assert_eq!(plan(DELIVERY_LIST), [log]);
        let routed = plan(LANE_ROUTE);
        let of_organizer =
            "SEARCH e USING INDEX webhook_endpoints_of_organizer (organizer_id=?)".to_owned();
        assert!(routed.contains(&of_organizer), "{routed:?}");
        let by_primary_key = "SEARCH former_holders USING PRIMARY KEY \
                              (event_id=? AND registration_id=? AND version=?)";
        let of_registration =
            "SEARCH former_holders USING PRIMARY KEY (event_id=? AND registration_id=?)";
        assert_eq!(plan(FORMER_HOLDER_FIND), [by_primary_key]);
        assert_eq!(plan(FORMER_HOLDER_DELETE), [of_registration]);
        assert_eq!(plan(FORMER_HOLDER_SENT)[0], by_primary_key);
        for (statement, index) in [
            (FORMER_HOLDER_ERASE, "former_holders_of_address"),
            (FORMER_HOLDER_FORGET, "former_holders_made_at"),
        ] {
            assert!(plan(statement).iter().any(|step| step.contains(index)), "{statement}");
        }
        let last_of_event = "SEARCH facts USING INDEX facts_event_version (event_id=?)".to_owned();
        let new = plan(FACT_NEW);
        assert!(new.contains(&last_of_event), "{new:?}");
        for statement in [FACT_AFTER, FACT_READ] {
            let facts = plan(statement).remove(0);
            let by_version = "SEARCH facts USING INDEX facts_event_version (event_id=? AND";
            assert!(facts.starts_with(by_version), "{facts}");
        }
    }

    #[test]
    fn all_of_a_registration_is_read_and_written() {
        let (_directory, connection) = database();
        let mut columns = connection
            .prepare("SELECT name FROM pragma_table_info('registrations')")
            .expect("valid SQL");
        let columns = columns.query_map([], |row| row.get::<_, String>(0)).expect("told");
        let mut columns: Vec<_> = columns.collect::<Result<_, _>>().expect("told");
        columns.sort_unstable();
        let (_, written) = REGISTRATION_INSERT.split_once("registrations (").expect("it does");
        let (written, _) = written.split_once(')').expect("it ends");
        let written: Vec<_> = written.split(',').map(str::trim).collect();
        let mut read: Vec<_> = REGISTRATION.names().collect();
        assert_eq!(written, read);
        read.sort_unstable();
        assert_eq!(read, columns);
    }

    #[test]
    fn each_statement_says_its_name() {
        for (name, statement) in ALL {
            let first = statement.lines().next().unwrap_or_default();
            let stated = first.strip_prefix("-- ").and_then(|line| line.split(':').next());
            assert_eq!(stated, Some(*name));
            assert!(!statement.contains("{registration"), "{name} is to be filled in: {statement}");
        }
    }

    #[test]
    fn none_is_ever_prepared_twice() {
        assert!(ALL.len() <= connection::STATEMENTS_KEPT, "{} statements", ALL.len());
    }
}
