//! SQLite's plan for each statement, and rules for all of them.

use crate::sql::*;
use crate::{connection, migrate};
use rusqlite::Connection;
use std::collections::BTreeSet;

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
fn only_the_audit_and_an_erasure_read_every_row() {
    let (_directory, connection) = database();
    for (name, statement) in ALL {
        // There are never many keys, migrations or tokens.
        let erasure = matches!(*name, "registration/of_address" | "record/of_address");
        // It reads the people of each event that has not ended, and of no other.
        let erasure = erasure || *name == "registration/live_of_address";
        let few = matches!(*name, "key/list" | "token/list" | "token/count");
        let few = few || name.starts_with("schema/") || name.starts_with("ticket_key/");
        let few = few || *name == "endpoint/list";
        // New facts are soon routed.
        let few = few || matches!(*name, "fact/new" | "fact/oldest_new");
        // Asked about ids that are not found, where events were moved.
        let few = few || *name == "moving/may_be";
        // Moves that are in progress, in their order and without all that have left; and mails, up to a
        // limit.
        let few = few || matches!(*name, "moving/list_arriving" | "moving/mails" | "moving/purge");
        // Asked once, by an operator who assigns the events of an open server to an organizer.
        let assignment = *name == "event/of_nobody";
        if erasure || few || assignment || matches!(*name, "audit/count" | "event/totals") {
            continue;
        }
        for step in plan(&connection, statement) {
            let is_table = step != "SCAN CONSTANT ROW" && !step.starts_with("SCAN (subquery-");
            let scans = step.starts_with("SCAN") && is_table;
            let looks = !scans && !step.contains("TEMP B-TREE");
            assert!(looks, "{name}: {step}");
        }
    }
}

#[test]
fn hot_statements_use_their_indexes() {
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
fn pending_deliveries_are_found_by_their_indexes() {
    let (_directory, connection) = database();
    let plan = |statement| plan(&connection, statement);
    let by_primary_key = "SEARCH delivery_lanes USING PRIMARY KEY (event_id=? AND sink_id=?)";
    for statement in [LANE_CLAIM, LANE_ADVANCE] {
        assert_eq!(plan(statement), [by_primary_key], "{statement}");
    }
    let due = "SEARCH delivery_lanes USING INDEX delivery_lanes_of_sink (sink_id=? AND due_at<?)";
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
        (FORMER_HOLDER_PURGE, "former_holders_made_at"),
    ] {
        assert!(plan(statement).iter().any(|step| step.contains(index)), "{statement}");
    }
    let by_id = "SEARCH events USING INDEX sqlite_autoindex_events_1 (id=?)".to_owned();
    let new = plan(FACT_NEW);
    assert!(new.contains(&by_id), "{new:?}");
    let by_version =
        |table| format!("SEARCH {table} USING INDEX {table}_event_version (event_id=? AND");
    for (statement, table) in [
        (FACT_AFTER, "facts"),
        (FACT_AFTER, "registrations"),
        (FACT_READ, "facts"),
        (FACT_OLDEST_NEW, "registrations"),
        (LANE_BACKLOG, "registrations"),
    ] {
        let steps = plan(statement);
        assert!(steps.iter().any(|step| step.starts_with(&by_version(table))), "{steps:?}");
    }
}

/// The columns of a table.
fn columns_of(connection: &Connection, table: &str) -> BTreeSet<String> {
    let mut columns =
        connection.prepare("SELECT name FROM pragma_table_info(?1)").expect("valid SQL");
    let columns = columns.query_map([table], |row| row.get(0)).expect("told");
    columns.collect::<Result<_, _>>().expect("told")
}

/// What is written takes its columns, and as many placeholders, from the same list.
#[test]
fn all_of_a_registration_is_read_and_written() {
    let (_directory, connection) = database();
    let read: Vec<_> = REGISTRATION.names().map(str::to_owned).collect();
    let (names, places) = (read.join(", "), format!("?{})", read.len()));
    assert!(REGISTRATION_INSERT.contains(&format!("registrations ({names})")));
    assert!(REGISTRATION_INSERT.trim_end().ends_with(&places), "{REGISTRATION_INSERT}");
    assert_eq!(BTreeSet::from_iter(read), columns_of(&connection, "registrations"));
}

#[test]
fn all_of_an_event_is_read() {
    /// Read by themselves, of events that are due or changed.
    const OF_UPKEEP: [&str; 4] = ["cancelled_version", "erase_at", "erased_to", "remind_at"];
    let (_directory, connection) = database();
    let read = EVENT.names().chain(STATE.names()).chain(OF_UPKEEP).map(str::to_owned);
    assert_eq!(read.collect::<BTreeSet<_>>(), columns_of(&connection, "events"));
}

#[test]
fn each_statement_says_its_name() {
    for (name, statement) in ALL {
        let first = statement.lines().next().unwrap_or_default();
        let stated = first.strip_prefix("-- ").and_then(|line| line.split(':').next());
        assert_eq!(stated, Some(*name));
        for row in ["{registration", "{event", "{state"] {
            assert!(!statement.contains(row), "{name} is to be filled in: {statement}");
        }
    }
}

#[test]
fn no_statement_is_prepared_twice() {
    assert!(ALL.len() <= connection::STATEMENTS_KEPT, "{} statements", ALL.len());
}
