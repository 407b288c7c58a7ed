//! What the database refuses by its constraints, and what the audit finds if these are bypassed.

use crate::common::{Database, confirm, create, register};
use booking_core::Difference;
use booking_core::prelude::*;
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

/// Runs `statements` without any checks, and returns what the audit finds.
async fn found_after(statements: &str) -> Vec<(&'static str, i64, i64)> {
    let (database, event_id) = two_of_three().await;
    let connection = database.connect();
    let unchecked = "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON;";
    connection.execute_batch(unchecked).expect("set");
    connection.execute_batch(statements).expect("written");
    let report = database.open().await.audit().await.expect("the store answers");
    let found = report.differences.into_iter();
    found
        .map(|Difference { event_id: id, rule, stated, counted, .. }| {
            assert_eq!(id.as_uuid().as_bytes()[..], event_id);
            (rule, stated, counted)
        })
        .collect()
}

#[tokio::test]
async fn the_audit_finds_a_wrong_count() {
    let found = found_after("UPDATE events SET booked_count = 1").await;
    assert_eq!(found, [("the seats taken are those of its registrations", 1, 2)]);
}

#[tokio::test]
async fn the_audit_finds_wrong_counts_of_holds_and_of_the_queue() {
    let held = "UPDATE registrations SET status = 'held', expires_at = 7, changed_version = 3 WHERE event_version = 2;";
    let rule = "the seats held are those of its holds and offers";
    let found = found_after(&format!("{held} UPDATE events SET due_at = 7")).await;
    assert_eq!(found, [(rule, 0, 1)]);
    let found = found_after("UPDATE events SET waitlist_count = 1").await;
    assert_eq!(found, [("those who wait are counted", 1, 0)]);
    let waiting = "UPDATE registrations SET status = 'waitlisted', changed_version = 3 WHERE event_version = 2;";
    let found = found_after(&format!("{waiting} UPDATE events SET booked_count = 1")).await;
    assert_eq!(found, [("those who wait are counted", 0, 1)]);
}

#[tokio::test]
async fn the_audit_finds_a_hold_that_is_never_swept() {
    let held = "UPDATE registrations SET status = 'held', expires_at = 7, changed_version = 3 WHERE event_version = 2;";
    let rule = "no hold or offer ends before the first is said to";
    for due_at in ["NULL", "8"] {
        let counted = format!("UPDATE events SET held_count = 1, due_at = {due_at}");
        assert_eq!(found_after(&format!("{held} {counted}")).await, [(rule, 0, 1)], "{due_at}");
    }
    let early = format!("{held} UPDATE events SET held_count = 1, due_at = 6");
    assert_eq!(found_after(&early).await, [], "looking too early does no harm");
}

#[tokio::test]
async fn a_cancelled_event_has_no_seats() {
    let cancelled = "UPDATE events SET status = 'cancelled', cancelled_version = 3";
    let found = found_after(cancelled).await;
    assert_eq!(found, [("the seats taken are those of its registrations", 2, 0)]);
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
    let found = found_after("DELETE FROM facts WHERE version_first = 1").await;
    assert_eq!(found, [("every version was made by one fact, in order", 3, 1)]);
    let found = found_after("UPDATE facts SET body = '[]' WHERE version_first = 1").await;
    assert_eq!(found, [("every version was made by one fact, in order", 3, 2)]);
}

#[tokio::test]
async fn a_version_without_its_fact_is_found() {
    let rules = ["the last fact made its version", "every version was made by one fact, in order"];
    let found = found_after("UPDATE events SET version = 9").await;
    assert_eq!(found, rules.map(|rule| (rule, 9, 3)));
    let found =
        found_after("UPDATE registrations SET event_version = 9 WHERE event_version = 3").await;
    assert_eq!(found, [(rules[0], 3, 9), (rules[1], 3, 2)]);
    // A seat that was given at once is its own fact; one that waits is not.
    let found =
        found_after("UPDATE registrations SET status = 'waitlisted' WHERE event_version = 3");
    assert!(found.await.contains(&(rules[1], 3, 2)));
}

#[tokio::test]
async fn the_audit_finds_rows_without_an_event() {
    let found = found_after("DELETE FROM events").await;
    assert_eq!(found, [("registrations and facts belong to an event that exists", 0, 2 + 3)]);
}

#[tokio::test]
async fn constraints_refuse_invalid_values() {
    let (database, _) = two_of_three().await;
    let connection = database.connect();
    connection.execute_batch("PRAGMA foreign_keys = ON").expect("set");
    let oversell = "UPDATE events SET booked_count = 4";
    refused(&connection, oversell, "events_never_oversold");
    refused(&connection, "UPDATE events SET booked_count = -1", "events_never_oversold");
    refused(&connection, "UPDATE events SET capacity = 0", "events_");
    refused(&connection, "UPDATE events SET version = 0", "events_version_counts_from_one");
    refused(&connection, "UPDATE events SET name = ''", "events_name_length");
    for (change, constraint) in [
        ("held_count = 3", "events_held_count_within_booked"),
        ("waitlist_count = -1", "events_waitlist_count_not_negative"),
        ("status = 'postponed'", "events_status_known"),
        ("starts_at = 2, ends_at = 1", "events_ends_after_start"),
        ("opens_at = 2, closes_at = 1", "events_closes_after_opening"),
        ("venue = ''", "events_venue_length"),
        ("offer_ttl_seconds = 59", "events_offer_ttl_within_a_week"),
        ("offer_ttl_seconds = 604801", "events_offer_ttl_within_a_week"),
        ("waitlist_enabled = 2", "events_waitlist_enabled_is_a_truth"),
    ] {
        refused(&connection, &format!("UPDATE events SET {change}"), constraint);
    }
    for (change, constraint) in [
        ("user_email = 'ada@example.org'", "registrations.user_email"),
        ("status = 'lost'", "registrations_runs_out_if_held"),
        ("status = 'held'", "registrations_runs_out_if_held"),
        ("status = 'offered'", "registrations_runs_out_if_held"),
        ("expires_at = 1", "registrations_runs_out_if_held"),
        ("status = 'waitlisted', expires_at = 1", "registrations_runs_out_if_held"),
        ("changed_version = event_version", "registrations_changes_follow_making"),
        ("token_hash = x'00'", "registrations_token_hash_length"),
        ("name = ''", "registrations_name_length"),
        ("checked_in_at = 1", "registrations_checked_in_by_a_scan"),
        ("scan_id = randomblob(16)", "registrations_checked_in_by_a_scan"),
        ("checked_in_at = 1, scan_id = x'00'", "registrations_checked_in_by_a_scan"),
    ] {
        refused(&connection, &format!("UPDATE registrations SET {change}"), constraint);
    }
    let nobodys = "UPDATE events SET organizer_id = randomblob(16)";
    refused(&connection, nobodys, "FOREIGN KEY");
    refused(&connection, "UPDATE facts SET body = '[]'", "facts_one_for_each_version");
}

#[tokio::test]
async fn constraints_refuse_invalid_rows() {
    let (database, event_id) = two_of_three().await;
    let connection = database.connect();
    connection.execute_batch("PRAGMA foreign_keys = ON").expect("set");
    let insert = |event_id: &[u8], email: &str, version: i64| {
        let id = Uuid::now_v7();
        let values = rusqlite::params![event_id, version, id.as_bytes(), email];
        let insert =
            "INSERT INTO registrations (event_id, event_version, id, user_email, created_at)
            VALUES (?1, ?2, ?3, ?4, 0)";
        connection.execute(insert, values).map_err(|error| error.to_string())
    };
    let refused = |event_id: &[u8], email: &str, version: i64, constraint: &str| {
        let error = insert(event_id, email, version).expect_err("refused");
        assert!(error.contains(constraint), "{error}");
    };
    refused(&event_id, "ada@example.org", 4, "registrations.user_email");
    refused(&event_id, "new@example.org", 3, "registrations.event_version");
    refused(&event_id, "new@example.org", 1, "registrations_follow_creation");
    refused(&event_id, &"x".repeat(255), 4, "registrations_email_length");
    refused(b"no id", "new@example.org", 2, "registrations_event_id_is_a_uuid");

    // A registration that has ended leaves its address free, and no other does.
    let set = |status: &str| {
        let expires_at = if matches!(status, "held" | "offered") { "7" } else { "NULL" };
        format!(
            "UPDATE registrations SET status = '{status}', expires_at = {expires_at}
             WHERE user_email = 'ada@example.org' AND event_version = 2"
        )
    };
    for status in ["confirmed", "held", "waitlisted", "offered"] {
        connection.execute_batch(&set(status)).expect("set");
        refused(&event_id, "ada@example.org", 4, "registrations.user_email");
    }
    for (version, status) in [(4, "cancelled"), (5, "expired")] {
        connection.execute_batch(&set(status)).expect("set");
        assert_eq!(insert(&event_id, "ada@example.org", version), Ok(1), "{status}");
        connection
            .execute("DELETE FROM registrations WHERE event_version = ?1", [version])
            .expect("deleted");
    }
}

fn refused(connection: &Connection, statement: &str, constraint: &str) {
    let error = connection.execute(statement, []).expect_err(statement);
    assert_eq!(error.sqlite_error_code(), Some(ErrorCode::ConstraintViolation), "{error}");
    assert!(error.to_string().contains(constraint), "{statement}: {error}");
}
