//! A store that is one of many cells, and is assigned bytes.

use crate::common::{Database, create, new_event};
use booking_core::prelude::*;
use booking_core::{
    CellBytes, EventId, Fingerprint, IdempotencyKey, KNOWS_BYTES, KeyHash, NewEvent, StoreError,
    StoredBytes, StoredMap, WriteTrouble,
};
use uuid::Uuid;

const LOW: CellBytes = CellBytes { first: 0x00, last: 0x7f };
const HIGH: CellBytes = CellBytes { first: 0x80, last: 0xff };

fn ending_in(byte: u8) -> NewEvent {
    let id = EventId::beside(&KeyHash::new([byte; 32]), Uuid::now_v7());
    new_event(3).with(|new| new.id = id).expect("in order")
}

fn assert_foreign<T: std::fmt::Debug>(answer: Result<T, StoreError>) {
    match answer {
        Err(error) if error.is_foreign_byte() => {}
        other => panic!("it is not refused as another cell's: {other:?}"),
    }
}

#[tokio::test]
async fn an_event_of_another_cell_is_refused_and_the_store_stays_healthy() {
    let database = Database::new();
    let store = database.open().await;
    assert!(store.keep_to_bytes(1, Some(LOW)).await.expect("it answers"));
    let trouble = async || store.health().await.expect("it answers").trouble;
    // The second answer does not rest on earlier commits.
    let well = async || {
        trouble().await;
        assert_eq!(trouble().await, None);
    };
    let key = IdempotencyKey::new(KeyHash::new([0xff; 32]), Fingerprint::new([1; 32]));
    let refused = async || {
        assert_foreign(store.create_event(ending_in(0xff)).await);
        assert_foreign(store.create_event_once(ending_in(0xff), key).await);
    };
    let change = |sql: &str| database.connect().execute_batch(sql).expect("done");
    well().await;
    refused().await;
    change("ALTER TABLE registrations RENAME TO gone");
    let why = "a refusal is taken for something that was committed";
    assert_eq!(trouble().await, Some(WriteTrouble::Failing), "{why}");
    change("ALTER TABLE gone RENAME TO registrations");
    well().await;

    // Fails only what is committed after a failure, to see whether there is room.
    change(
        "CREATE TRIGGER no_room BEFORE INSERT ON idempotency_records
         WHEN NEW.event_id = x'ffffffffffffffffffffffffffffffff'
         BEGIN SELECT RAISE(ABORT, 'no room'); END",
    );
    refused().await;
    assert_eq!(trouble().await, None, "a refusal is taken for a failure");
    change("CREATE TRIGGER none BEFORE INSERT ON facts BEGIN SELECT RAISE(ABORT, 'none'); END");
    store.create_event(ending_in(0x00)).await.expect_err("no fact can be written");
    change("DROP TRIGGER none");
    assert_eq!(trouble().await, Some(WriteTrouble::Failing));
}

/// The health check tries a sale, whichever events the store accepts.
#[tokio::test]
async fn a_cell_that_cannot_write_reports_it_with_any_bytes() {
    let database = Database::new();
    let store = database.open().await;
    let health = async || store.health().await.expect("it answers").trouble;
    // The second answer does not rest on earlier commits.
    let trouble = async || {
        health().await;
        health().await
    };
    for (version, bytes) in [(1, Some(LOW)), (2, Some(HIGH)), (3, None)] {
        assert!(store.keep_to_bytes(version, bytes).await.expect("it answers"));
        assert_eq!(trouble().await, None, "{bytes:?}");
        for table in ["events", "registrations", "facts", "idempotency_records"] {
            let rename = |from: &str, to: &str| {
                let rename = format!("ALTER TABLE {from} RENAME TO {to}");
                database.connect().execute_batch(&rename).expect("renamed");
            };
            rename(table, "gone");
            assert_eq!(trouble().await, Some(WriteTrouble::Failing), "{bytes:?}, {table}");
            rename("gone", table);
            assert_eq!(trouble().await, None, "{bytes:?}, {table}");
        }
    }
}

/// A program that knows of no assignments would create any event, and so may not open a file that is assigned
/// some bytes.
#[tokio::test]
async fn older_programs_may_open_the_file_until_it_is_assigned_bytes() {
    for bytes in [Some(LOW), None] {
        let database = Database::new();
        let store = database.open().await;
        let needed = || -> i32 {
            let needed = "SELECT needs_from FROM schema_compatibility";
            database.connect().query_row(needed, [], |row| row.get(0)).expect("it says so")
        };
        create(&store, 3).await;
        let map = StoredMap { version: 1, map: "{}".to_owned(), next: None };
        assert!(store.replace_map(None, &map).await.expect("it answers"));
        assert!(needed() < KNOWS_BYTES, "what a file of cells says is what they know");
        assert!(store.keep_to_bytes(2, bytes).await.expect("it answers"));
        assert_eq!(needed(), KNOWS_BYTES, "{bytes:?}");
        let raise = "UPDATE schema_compatibility SET needs_from = 999";
        database.connect().execute_batch(raise).expect("written");
        assert!(store.keep_to_bytes(3, bytes).await.expect("it answers"));
        assert_eq!(needed(), 999, "it is never lowered");
    }
}

/// It creates just the events that such a program would create, too.
#[tokio::test]
async fn older_programs_may_open_the_file_while_it_has_all_bytes() {
    let database = Database::new();
    let store = database.open().await;
    let needed = || -> i32 {
        let needed = "SELECT needs_from FROM schema_compatibility";
        database.connect().query_row(needed, [], |row| row.get(0)).expect("it says so")
    };
    let map = Some(Uuid::now_v7().into());
    let assigned = StoredBytes { version: 1, bytes: Some(CellBytes::ALL), map };
    assert!(store.keep_to(assigned).await.expect("it answers"));
    assert_eq!(store.stored_bytes().await.expect("it answers"), Some(assigned));
    assert!(needed() < KNOWS_BYTES);
    assert!(store.keep_to_bytes(2, Some(LOW)).await.expect("it answers"));
    assert_eq!(needed(), KNOWS_BYTES);
}

/// Another process that has the same file open obeys the assignment that this one stored.
#[tokio::test]
async fn an_assignment_applies_to_every_process_with_the_file_open() {
    let database = Database::new();
    let (store, other) = (database.open().await, database.open().await);
    other.create_event(ending_in(0xff)).await.expect("it answers");
    assert!(store.keep_to_bytes(1, Some(LOW)).await.expect("it answers"));
    assert_foreign(other.create_event(ending_in(0xff)).await);
    other.create_event(ending_in(0x7f)).await.expect("it answers");
}

/// Even for a program that bypasses the store.
#[tokio::test]
async fn the_tables_hold_one_valid_row_each() {
    let database = Database::new();
    drop(database.open().await);
    let connection = database.connect();
    let bytes = "cell_bytes (version, first_byte, last_byte) VALUES";
    let map = "cell_map (version, map, next) VALUES";
    let long = |bytes: usize| format!("'{}'", "\u{e9}".repeat(bytes / 2));
    let (most, more) = (long(StoredMap::BYTES_MAX), long(StoredMap::BYTES_MAX + 2));
    for (row, is_good) in [
        (format!("{bytes} (0, 0, 255)"), true),
        (format!("{bytes} (1, 7, 7)"), true),
        (format!("{bytes} (1, NULL, NULL)"), true),
        (format!("{bytes} (1, 0, NULL)"), false),
        (format!("{bytes} (1, NULL, 255)"), false),
        (format!("{bytes} (1, 8, 7)"), false),
        (format!("{bytes} (1, -1, 7)"), false),
        (format!("{bytes} (1, 0, 256)"), false),
        (format!("{bytes} (-1, 0, 255)"), false),
        (format!("{bytes} (1, 0, 7), (2, 8, 9)"), false),
        ("cell_bytes (only_row, version) VALUES (2, 1)".to_owned(), false),
        (format!("{map} (0, '', NULL)"), true),
        (format!("{map} (1, {most}, {most})"), true),
        (format!("{map} (1, {more}, NULL)"), false),
        (format!("{map} (1, '', {more})"), false),
        (format!("{map} (-1, '', NULL)"), false),
        (format!("{map} (1, '', NULL), (2, '', NULL)"), false),
        ("cell_map (only_row, version, map) VALUES (2, 1, '')".to_owned(), false),
    ] {
        let written = connection.execute_batch(&format!("INSERT INTO {row}"));
        let said: String = row.chars().take(99).collect();
        assert_eq!(written.is_ok(), is_good, "{said}");
        connection.execute_batch("DELETE FROM cell_bytes; DELETE FROM cell_map").expect("done");
    }
}
