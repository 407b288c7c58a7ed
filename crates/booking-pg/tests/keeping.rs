//! A store that is one of many cells, and is assigned bytes while events are created.

mod common;

use booking_core::prelude::*;
use booking_core::{
    CellBytes, CellName, EventId, KNOWS_BYTES, KeyHash, NewEvent, Observation, Observer,
    StoreError, StoredBytes, StoredMap, WriteTrouble,
};
use booking_pg::{ConnectError, PgOptions, PgStore};
use booking_testkit::Database;
use common::{
    REACHABLE_WITHIN, connect, create, key, migrated_database, new_event, number, options, session,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_postgres::Client;
use uuid::Uuid;

const ALL: CellBytes = CellBytes { first: 0x00, last: 0xff };
const LOW: CellBytes = CellBytes { first: 0x00, last: 0x7f };

/// How often a control is run: on a slow machine the store retries, and then sees the assignment.
#[cfg(feature = "negative-control")]
const RUNS: usize = 10;

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

/// A session that has the key of the byte ff, and has not committed: a transaction that creates an event under it
/// has inserted it and waits, in the middle.
async fn holder_of_the_key(database: &Database) -> Client {
    let holder = session(database.url()).await;
    let hold = format!(
        "BEGIN;
         INSERT INTO idempotency_records (event_id, key_hash, fingerprint, recorded_at, outcome)
         VALUES ('{}', decode(repeat('ff', 32), 'hex'), sha256(''), now(), '')",
        Uuid::nil()
    );
    holder.batch_execute(&hold).await.expect("nobody else has it");
    holder
}

/// Waits until so many sessions wait for locks, or a task has ended.
async fn until_waiting<T>(database: &Database, sessions: i64, task: &JoinHandle<T>) {
    let waiting = "SELECT count(*) FROM pg_stat_activity \
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while !task.is_finished() && number(database, waiting) < sessions {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Creates an event, and, before that is committed, assigns the store bytes without it. Returns whether the event
/// appeared after it had been promised that it would not.
async fn appears_after_assignment(alter: fn(PgStore) -> PgStore, is_reassigned: bool) -> bool {
    let database = migrated_database();
    let creating = alter(connect(database.url(), 2).await);
    let assigning = alter(connect(database.url(), 2).await);
    if is_reassigned {
        assert!(assigning.keep_to_bytes(1, Some(ALL)).await.expect("it answers"));
    }
    let holder = holder_of_the_key(&database).await;
    let new = ending_in(0xff);
    let id = new.id;
    let creating = tokio::spawn(async move { creating.create_event_once(new, key(0xff, 1)).await });
    until_waiting(&database, 1, &creating).await;
    let assigning = tokio::spawn(async move {
        let stored = assigning.keep_to_bytes(2, Some(LOW)).await;
        (stored, assigning.event(id).await.expect("it answers").is_some())
    });
    until_waiting(&database, 2, &assigning).await;
    holder.batch_execute("ROLLBACK").await.expect("the session is alive");
    let created = creating.await.expect("no panic");
    let (stored, was_there) = assigning.await.expect("no panic");
    assert!(stored.expect("it answers"));
    let store = connect(database.url(), 2).await;
    let is_there = store.event(id).await.expect("it answers").is_some();
    assert_eq!(created.is_ok(), is_there, "{created:?}");
    !was_there && is_there
}

/// Assigns the store bytes without an event in a session that has not committed yet, and creates the event meanwhile,
/// which finishes after the commit. Returns whether the event appeared after it had been promised that it would not.
async fn slips_in_during_assignment(alter: fn(PgStore) -> PgStore, is_reassigned: bool) -> bool {
    let database = migrated_database();
    let store = Arc::new(alter(connect(database.url(), 3).await));
    if is_reassigned {
        assert!(store.keep_to_bytes(1, Some(ALL)).await.expect("it answers"));
    }
    let (holder, teller) = (holder_of_the_key(&database).await, session(database.url()).await);
    let tell = "BEGIN;
        LOCK TABLE cell_bytes IN EXCLUSIVE MODE;
        INSERT INTO cell_bytes (version, first_byte, last_byte) VALUES (2, 0, 127)
        ON CONFLICT (only_row) DO UPDATE SET version = 2, first_byte = 0, last_byte = 127";
    teller.batch_execute(tell).await.expect("it answers");
    let new = ending_in(0xff);
    let id = new.id;
    let creating = {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.create_event_once(new, key(0xff, 1)).await })
    };
    until_waiting(&database, 1, &creating).await;
    teller.batch_execute("COMMIT").await.expect("the session is alive");
    let was_there = store.event(id).await.expect("it answers").is_some();
    holder.batch_execute("ROLLBACK").await.expect("the session is alive");
    let created = creating.await.expect("no panic");
    let is_there = store.event(id).await.expect("it answers").is_some();
    assert_eq!(created.is_ok(), is_there, "{created:?}");
    if !is_there {
        assert_foreign(created);
    }
    !was_there && is_there
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_assignment_waits_for_event_creations_in_progress() {
    for is_reassigned in [false, true] {
        assert!(!appears_after_assignment(|store| store, is_reassigned).await, "{is_reassigned}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_creation_during_an_assignment_obeys_it() {
    for is_reassigned in [false, true] {
        assert!(!slips_in_during_assignment(|store| store, is_reassigned).await, "{is_reassigned}");
    }
}

/// The negative control: without the lock an event appears after it was promised that it would not.
#[cfg(feature = "negative-control")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_lock_events_appear_after_an_assignment() {
    for is_reassigned in [false, true] {
        let (mut came, mut slipped) = (false, false);
        for _ in 0..RUNS {
            let alter = PgStore::without_bytes_lock;
            came = came || appears_after_assignment(alter, is_reassigned).await;
            slipped = slipped || slips_in_during_assignment(alter, is_reassigned).await;
        }
        assert!(came && slipped, "{is_reassigned}: {came}, {slipped}");
    }
}

/// A transaction that only reads the table, as a backup does for hours, blocks nothing.
#[tokio::test]
async fn a_store_is_assigned_during_a_read_of_all_tables() {
    let database = migrated_database();
    let store = connect(database.url(), 2).await;
    let backup = session(database.url()).await;
    let lock = "BEGIN; LOCK TABLE cell_bytes, cell_map IN ACCESS SHARE MODE";
    backup.batch_execute(lock).await.expect("it answers");
    assert!(store.keep_to_bytes(1, Some(LOW)).await.expect("it answers"));
    let map = StoredMap { version: 1, map: "{}".to_owned(), next: None };
    assert!(store.replace_map(None, &map).await.expect("it answers"));
    store.create_event(ending_in(0x00)).await.expect("it answers");
    assert_foreign(store.create_event(ending_in(0xff)).await);
    backup.batch_execute("COMMIT").await.expect("the session is alive");
}

/// Counts retries, and commits of unknown outcome.
#[derive(Debug, Default)]
struct Repeated(AtomicUsize);

impl Observer for Repeated {
    fn observe(&self, observation: Observation<'_>) {
        if matches!(observation, Observation::Retried | Observation::CommitLost) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[tokio::test]
async fn an_event_of_another_cell_is_refused_at_once_and_the_store_stays_healthy() {
    let database = migrated_database();
    let repeated = Arc::new(Repeated::default());
    let options = PgOptions { observer: repeated.clone(), ..options(database.url(), 2) };
    let store = PgStore::connect(&options, REACHABLE_WITHIN).await.expect("it is there");
    assert!(store.keep_to_bytes(1, Some(LOW)).await.expect("it answers"));
    let trouble = async || store.health().await.expect("it answers").trouble;
    let refused = async || {
        assert_foreign(store.create_event(ending_in(0xff)).await);
        assert_foreign(store.create_event_once(ending_in(0xff), key(0xff, 1)).await);
    };
    // The second answer does not rest on earlier commits.
    trouble().await;
    assert_eq!(trouble().await, None);
    refused().await;
    database.sql("ALTER TABLE registrations RENAME TO gone");
    let why = "a refusal is taken for something that was committed";
    assert_eq!(trouble().await, Some(WriteTrouble::Failing), "{why}");
    database.sql("ALTER TABLE gone RENAME TO registrations");
    assert_eq!(trouble().await, None);

    // This is tried only after a failure.
    database.sql("ALTER TABLE facts ADD CONSTRAINT facts_none CHECK (false) NOT VALID");
    refused().await;
    assert_eq!(trouble().await, None, "a refusal is taken for a failure");
    assert_eq!(repeated.0.load(Ordering::SeqCst), 0);
    store.create_event(ending_in(0x00)).await.expect_err("no fact can be written");
    assert_eq!(trouble().await, Some(WriteTrouble::Failing));
}

/// A program that knows of no assignments would create any event, and so may not start if the store is assigned some
/// bytes.
#[tokio::test]
async fn older_programs_may_start_until_the_store_is_assigned_bytes() {
    for bytes in [Some(LOW), None] {
        let database = migrated_database();
        let store = connect(database.url(), 2).await;
        let needed = || number(&database, "SELECT needs_from FROM schema_compatibility");
        create(&store, 3).await;
        let map = StoredMap { version: 1, map: "{}".to_owned(), next: None };
        assert!(store.replace_map(None, &map).await.expect("it answers"));
        assert!(needed() < KNOWS_BYTES.into(), "what a file of cells says is what they know");
        assert!(store.keep_to_bytes(2, bytes).await.expect("it answers"));
        assert_eq!(needed(), i64::from(KNOWS_BYTES), "{bytes:?}");
        database.sql("UPDATE schema_compatibility SET needs_from = 999");
        assert!(store.keep_to_bytes(3, bytes).await.expect("it answers"));
        assert_eq!(needed(), 999, "it is never lowered");
    }
}

/// A connection that is made once a database is back, or that a file directs elsewhere by then.
#[tokio::test]
async fn a_connection_to_another_cell_is_given_up() {
    let database = migrated_database();
    let assigned = |version, bytes, map: u128| StoredBytes {
        version,
        bytes,
        map: Some(Uuid::from_u128(map).into()),
    };
    let (low, high) = (Some(LOW), Some(CellBytes { first: 0x80, last: 0xff }));
    let answers = async |is_cell| {
        let options = PgOptions { is_cell: Some(is_cell), ..options(database.url(), 2) };
        let store = PgStore::unconnected(&options).expect("valid options");
        match store.stored_map().await {
            Ok(_) => true,
            Err(error) => {
                assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
                false
            }
        }
    };
    assert!(!answers(assigned(1, low, 7)).await, "it was told nothing");
    let store = connect(database.url(), 2).await;
    assert!(store.keep_to_bytes(1, low).await.expect("it answers"));
    assert!(!answers(assigned(1, low, 7)).await, "it was not told of which cells it is one");
    assert!(store.keep_to(assigned(2, low, 7)).await.expect("it answers"));
    for (is_cell, is_it) in [
        (assigned(2, low, 7), true),
        (assigned(3, low, 7), true),
        // Assigned by a later map than the connection's.
        (assigned(1, high, 7), true),
        (assigned(2, high, 7), false),
        (assigned(2, None, 7), false),
        (assigned(2, low, 8), false),
        (assigned(1, low, 8), false),
    ] {
        assert_eq!(answers(is_cell).await, is_it, "{is_cell:?}");
    }
    assert!(store.keep_to(assigned(3, None, 7)).await.expect("it answers"));
    assert!(answers(assigned(3, None, 7)).await && !answers(assigned(3, low, 7)).await);
    let options = PgOptions { is_cell: Some(assigned(3, low, 7)), ..options(database.url(), 2) };
    let refused = PgStore::connect(&options, REACHABLE_WITHIN).await;
    let refused = format!("{:?}", refused.expect_err("it is another"));
    assert!(refused.contains("not the cell that it is to be"), "{refused}");
}

/// It creates just the events that such a program would create, too.
#[tokio::test]
async fn older_programs_may_start_where_a_cell_has_all_bytes() {
    let database = migrated_database();
    let store = connect(database.url(), 2).await;
    let needed = || number(&database, "SELECT needs_from FROM schema_compatibility");
    let assigned = StoredBytes { version: 1, bytes: Some(ALL), map: Some(Uuid::now_v7().into()) };
    assert!(store.keep_to(assigned).await.expect("it answers"));
    assert_eq!(store.stored_bytes().await.expect("it answers"), Some(assigned));
    assert!(needed() < KNOWS_BYTES.into());
    assert!(store.keep_to_bytes(2, Some(LOW)).await.expect("it answers"));
    assert_eq!(needed(), i64::from(KNOWS_BYTES));
}

/// A role that may only use existing tables can do this, too.
#[tokio::test]
async fn a_role_that_may_create_no_tables_stores_assignments_and_maps() {
    let database = migrated_database();
    let store = connect(&database.url_of_least_rights(), 2).await;
    assert!(store.keep_to_bytes(1, Some(LOW)).await.expect("it answers"));
    store.create_event(ending_in(0x00)).await.expect("it answers");
    assert_foreign(store.create_event(ending_in(0xff)).await);
    let map = StoredMap { version: 1, map: "{}".to_owned(), next: None };
    assert!(store.replace_map(None, &map).await.expect("it answers"));
    assert_eq!(store.stored_map().await.expect("it answers"), Some(map));
}

/// Citus, too, creates schemas on its coordinator alone.
#[tokio::test]
async fn a_role_that_may_create_no_schemas_finds_an_existing_one() {
    let database = migrated_database();
    let store = connect(&database.url_of_least_rights(), 2).await;
    let schema = |name: &str| CellName::parse(name).expect("a valid name");
    store.create_schema(&schema("public")).await.expect("it is there");
    let refused = store.create_schema(&schema("another")).await;
    assert!(matches!(refused, Err(ConnectError::Schema(_))), "{refused:?}");
    let owner = connect(database.url(), 2).await;
    for _ in 0..2 {
        owner.create_schema(&schema("another")).await.expect("it may");
    }
}

/// Even for a program that bypasses the store.
#[tokio::test]
async fn the_tables_hold_one_valid_row_each() {
    let database = migrated_database();
    let session = session(database.url()).await;
    let bytes = "cell_bytes (version, first_byte, last_byte) VALUES";
    let map = "cell_map (version, map, next) VALUES";
    let long = |bytes: usize| format!("repeat('\u{e9}', {})", bytes / 2);
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
        ("cell_bytes (only_row, version) VALUES (false, 1)".to_owned(), false),
        (format!("{map} (0, '', NULL)"), true),
        (format!("{map} (1, {most}, {most})"), true),
        (format!("{map} (1, {more}, NULL)"), false),
        (format!("{map} (1, '', {more})"), false),
        (format!("{map} (-1, '', NULL)"), false),
        (format!("{map} (1, '', NULL), (2, '', NULL)"), false),
        ("cell_map (only_row, version, map) VALUES (false, 1, '')".to_owned(), false),
    ] {
        let written = session.batch_execute(&format!("INSERT INTO {row}")).await;
        assert_eq!(written.is_ok(), is_good, "{row}: {written:?}");
        session.batch_execute("DELETE FROM cell_bytes; DELETE FROM cell_map").await.expect("done");
    }
}
