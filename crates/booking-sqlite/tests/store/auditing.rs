//! What the database refuses by itself, and what the audit finds if it is made to take it.

use crate::common::{Database, confirm, create, register};
use booking_core::{BookingStore, Difference};
use rusqlite::{Connection, ErrorCode};
use uuid::Uuid;

/// A database with one event of three seats, two of them taken.
async fn two_of_three() -> (Database, Vec<u8>) {
    let database = Database::new();
    let store = database.open().await;
    let event = create(&store, 3).await;
    confirm(&store, register(event.id, "ada")).await;
    confirm(&store, register(event.id, "grace")).await;
    let report = store.audit().await.expect("the store answers");
    assert_eq!((report.events, report.registrations, report.differences), (1, 2, vec![]));
    (database, event.id.as_uuid().as_bytes().to_vec())
}

/// Writes `statements` past all checks, and tells what the audit finds.
async fn found_after(statements: &str) -> Vec<(&'static str, i64, i64)> {
    let (database, event_id) = two_of_three().await;
    let connection = database.connect();
    let unchecked = "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON;";
    connection.execute_batch(unchecked).expect("set");
    connection.execute_batch(statements).expect("written");
    let report = database.open().await.audit().await.expect("the store answers");
    let found = report.differences.into_iter();
    found
        .map(|Difference { event_id: id, rule, stated, counted }| {
            assert_eq!(id.as_uuid().as_bytes()[..], event_id);
            (rule, stated, counted)
        })
        .collect()
}

#[tokio::test]
async fn a_count_that_is_not_that_of_the_rows_is_found() {
    let found = found_after("UPDATE events SET booked_count = 1").await;
    assert_eq!(found, [("booked_count is the number of live registrations", 1, 2)]);
}

#[tokio::test]
async fn too_many_seats_are_found() {
    let found = found_after("UPDATE events SET capacity = 1").await;
    assert_eq!(found, [("no more seats are taken than there are", 1, 2)]);
}

#[tokio::test]
async fn an_address_with_two_registrations_is_found() {
    let found = found_after(
        "DROP INDEX registrations_live_email;
         UPDATE registrations SET user_email = 'ada@example.org'",
    )
    .await;
    assert_eq!(found, [("an e-mail address has one live registration", 2, 1)]);
}

#[tokio::test]
async fn facts_with_a_gap_are_found() {
    let found = found_after("DELETE FROM facts WHERE version_first = 2").await;
    assert_eq!(found, [("every version was made by one fact, in order", 3, 1)]);
    let found = found_after("UPDATE facts SET body = '[]' WHERE version_first = 1").await;
    assert_eq!(found, [("every version was made by one fact, in order", 3, 2)]);
}

#[tokio::test]
async fn a_version_without_its_fact_is_found() {
    let rules =
        ["the last fact made the event's version", "every version was made by one fact, in order"];
    let found = found_after("UPDATE events SET version = 9").await;
    assert_eq!(found, rules.map(|rule| (rule, 9, 3)));
    let found = found_after("DELETE FROM facts").await;
    assert_eq!(found, rules.map(|rule| (rule, 3, 0)));
}

#[tokio::test]
async fn what_belongs_to_no_event_is_found() {
    let found = found_after("DELETE FROM events").await;
    assert_eq!(found, [("registrations and facts belong to an event that exists", 0, 2 + 3)]);
}

#[tokio::test]
async fn the_database_itself_refuses_what_must_not_be() {
    let (database, event_id) = two_of_three().await;
    let connection = database.connect();
    connection.execute_batch("PRAGMA foreign_keys = ON").expect("set");
    let oversell = "UPDATE events SET booked_count = 4";
    refused(&connection, oversell, "events_never_oversold");
    refused(&connection, "UPDATE events SET booked_count = -1", "events_never_oversold");
    refused(&connection, "UPDATE events SET capacity = 0", "events_");
    refused(&connection, "UPDATE events SET version = 0", "events_version_counts_from_one");
    refused(&connection, "UPDATE events SET name = ''", "events_name_length");
    refused(&connection, "DELETE FROM events", "FOREIGN KEY");
    refused(
        &connection,
        "UPDATE registrations SET user_email = 'ada@example.org'",
        "registrations.user_email",
    );
    refused(&connection, "UPDATE facts SET body = '[]'", "facts_one_for_each_version");

    let insert = |event_id: &[u8], email: &str, version: i64| {
        let id = Uuid::now_v7();
        let values = rusqlite::params![event_id, version, id.as_bytes(), email];
        connection
            .execute("INSERT INTO registrations VALUES (?1, ?2, ?3, ?4, 0)", values)
            .expect_err("refused")
            .to_string()
    };
    assert!(insert(&event_id, "ada@example.org", 4).contains("registrations.user_email"));
    assert!(insert(&event_id, "new@example.org", 3).contains("registrations.event_version"));
    assert!(insert(&event_id, "new@example.org", 1).contains("registrations_follow_creation"));
    assert!(insert(&event_id, &"x".repeat(255), 4).contains("registrations_email_length"));
    assert!(insert(Uuid::now_v7().as_bytes(), "new@example.org", 2).contains("FOREIGN KEY"));
}

fn refused(connection: &Connection, statement: &str, constraint: &str) {
    let error = connection.execute(statement, []).expect_err(statement);
    assert_eq!(error.sqlite_error_code(), Some(ErrorCode::ConstraintViolation), "{error}");
    assert!(error.to_string().contains(constraint), "{statement}: {error}");
}
