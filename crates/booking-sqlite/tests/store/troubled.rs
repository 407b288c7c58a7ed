//! A store that answers and cannot write reports so, and reports when it can again.

use crate::common::{Database, confirm, create, register};
use booking_core::prelude::*;
use booking_core::{StoreError, WhenBusy, WriteTrouble};
use booking_sqlite::SqliteStore;
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;

/// The second answer, which does not rest on earlier commits.
async fn trouble(store: &SqliteStore) -> Option<WriteTrouble> {
    store.health().await.expect("the store answers");
    store.health().await.expect("the store answers").trouble
}

/// The problem is found although no request has tried to write.
#[tokio::test]
async fn a_table_that_is_gone_is_noticed_until_it_is_back() {
    let database = Database::new();
    let store = database.open().await;
    let event = create(&store, 10).await;
    assert_eq!(trouble(&store).await, None);
    for table in ["events", "registrations", "facts", "idempotency_records"] {
        let (away, back) = (
            format!("ALTER TABLE {table} RENAME TO gone"),
            format!("ALTER TABLE gone RENAME TO {table}"),
        );
        database.connect().execute_batch(&away).expect("renamed");
        assert_eq!(trouble(&store).await, Some(WriteTrouble::Failing), "{table}");
        database.connect().execute_batch(&back).expect("renamed");
        assert_eq!(trouble(&store).await, None, "{table}");
    }
    confirm(&store, register(event.id, "ada")).await;
    let report = store.audit().await.expect("the store answers");
    assert_eq!(
        (report.registrations, report.differences),
        (1, vec![]),
        "nothing is left of trying"
    );
    let rows = "SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM facts)
        + (SELECT count(*) FROM idempotency_records)";
    let rows: i64 = database.connect().query_row(rows, [], |row| row.get(0)).expect("counted");
    assert_eq!(rows, 2, "an event, and that it was put up");
}

#[tokio::test]
async fn damaged_pages_are_noticed_until_they_are_repaired() {
    let database = Database::new();
    drop(create(&database.open().await, 10).await);
    let connection = database.connect();
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").expect("done");
    let read = |sql: &str| -> u64 {
        let read = connection.query_row(sql, [], |row| row.get::<_, i64>(0)).expect("read");
        read.unsigned_abs()
    };
    let page_bytes = read("PRAGMA page_size");
    let root = read("SELECT rootpage FROM sqlite_schema WHERE name = 'registrations_live_email'");
    drop(connection);
    // Before the store has the file open: closing it here would release its locks.
    let file = OpenOptions::new().read(true).write(true).open(database.path()).expect("opened");
    let (at, mut page) = ((root - 1) * page_bytes, vec![0; page_bytes as usize]);
    file.read_exact_at(&mut page, at).expect("read");

    let store = database.open().await;
    let event = create(&store, 10).await;
    assert_eq!(trouble(&store).await, None);
    // Another process may have written since, so that it has to read again.
    file.write_all_at(&vec![0xA5; page_bytes as usize], at).expect("written");
    let other = database.connect();
    other.execute_batch("PRAGMA user_version = 1; PRAGMA wal_checkpoint(TRUNCATE)").expect("done");
    let failure = store.execute(&[register(event.id, "ada")], WhenBusy::Wait).await;
    let failure = failure.expect_err("the page is damaged");
    assert!(matches!(failure, StoreError::Broken(_)), "{failure:?}");
    assert_eq!(trouble(&store).await, Some(WriteTrouble::Failing));

    file.write_all_at(&page, at).expect("written");
    assert_eq!(trouble(&store).await, None);
    confirm(&store, register(event.id, "ada")).await;
    let report = store.audit().await.expect("the store answers");
    assert_eq!((report.registrations, report.differences), (1, vec![]));
}

/// A long write of another process is no problem of the store's, unless a write had to wait for it in
/// vain.
#[tokio::test]
async fn a_long_lock_is_reported_once_a_write_fails_on_it() {
    let database = Database::new();
    let options = booking_sqlite::Options {
        busy_timeout: std::time::Duration::from_millis(1_500),
        ..booking_sqlite::Options::default()
    };
    let store = database.open_with(options).await;
    let event = create(&store, 10).await;
    assert_eq!(trouble(&store).await, None);
    let other = database.connect();
    other.execute_batch("BEGIN IMMEDIATE").expect("locked");
    assert_eq!(store.health().await.expect("the store answers").trouble, None);
    store.execute(&[register(event.id, "ada")], WhenBusy::Wait).await.expect_err("it is locked");
    let trouble = store.health().await.expect("the store answers").trouble;
    assert_eq!(trouble, Some(WriteTrouble::Failing));
    other.execute_batch("ROLLBACK").expect("unlocked");
    while store.health().await.expect("the store answers").trouble.is_some() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    confirm(&store, register(event.id, "ada")).await;
}
