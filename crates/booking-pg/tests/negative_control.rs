//! Without the lock: the versions still protect, and the suite notices when these are gone too.

#![cfg(feature = "negative-control")]

mod common;

use booking_core::prelude::*;
use booking_core::{
    Caller, Capacity, CapacityMax, Command, Edit, EventCommand, EventId, Execution, Outcome,
    WhenBusy,
};
use booking_pg::PgStore;
use booking_testkit::Database;
use common::{PgFixture, changed_meanwhile, connect, create, migrated_database, register};
use std::sync::Arc;

/// Without the lock two transactions decide on the same state. The version of the event stands behind it, and behind
/// that the unique versions of changes: one of the two is refused by the database and decides again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_lock_versions_stand() {
    for alter in [PgStore::without_row_lock, without_lock_and_check] {
        let fixture = PgFixture { alter, ..PgFixture::new() };
        let database = fixture.database.url().to_owned();
        // Too much contention may fail the race, with the answer that nothing was written. What must
        // not happen is a seat too many.
        let _ = tokio::spawn(async move {
            booking_conformance::cases::a_race_for_one_address_has_one_winner(&fixture).await;
        })
        .await;
        let store = connect(&database, 2).await;
        assert_eq!(store.audit().await.expect("the store answers").differences, []);
    }
}

fn without_lock_and_check(store: PgStore) -> PgStore {
    store.without_row_lock().without_version_check()
}

/// The negative control: without the lock and without what stands behind it, the race of the suite oversells, and the
/// suite reports it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_lock_and_versions_the_race_oversells() {
    let fixture = PgFixture { alter: without_lock_and_check, ..PgFixture::new() };
    fixture.database.sql(
        "ALTER TABLE registrations DROP CONSTRAINT registrations_event_version; \
         ALTER TABLE facts DROP CONSTRAINT facts_pkey; \
         ALTER TABLE new_facts DROP CONSTRAINT new_facts_pkey",
    );
    let url = fixture.database.url().to_owned();
    let race = tokio::spawn(async move {
        booking_conformance::cases::a_race_for_one_event_gives_out_exactly_its_seats(&fixture)
            .await;
    });
    let failure = race.await.expect_err("the suite did not notice that the lock is gone");
    assert!(failure.is_panic());
    let oversold = booking_testkit::run_sql(
        &url,
        "SELECT count(*) FROM events e \
         WHERE e.capacity < (SELECT count(*) FROM registrations r WHERE r.event_id = e.id)",
    );
    assert_eq!(oversold.expect("the database answers")[0][0].as_deref(), Some("1"));
}

/// A change is written to the version that it was decided upon, or decided again, whether it makes a seat or not; and
/// whatever else the other decision has changed.
#[tokio::test]
async fn without_the_lock_a_changed_event_is_decided_upon_again() {
    let database = migrated_database();
    let store = Arc::new(connect(database.url(), 3).await.without_row_lock());
    let event = create(&store, 5).await.id;
    let edit = Edit { capacity: Some(seats(7)), ..Edit::default() };
    let edit = EventCommand::new(event, Caller::Operator, Command::Edit(Box::new(edit)));
    for (command, other, versions, expected) in [
        (register(event, "ada"), "", 2, "Confirmed"),
        (edit, "", 2, "EventChanged"),
        (register(event, "bob"), ", capacity = 1", 1, "Refused(SoldOut)"),
    ] {
        let before = version_of(&store, event).await;
        let outcome = decide_beside(&database, &store, command, other).await;
        assert!(format!("{outcome:?}").starts_with(expected), "{outcome:?}");
        assert_eq!(version_of(&store, event).await, before + versions, "{outcome:?}");
    }
}

/// The control: without the check the other decision is lost.
#[tokio::test]
async fn without_lock_and_check_a_change_overwrites_another() {
    let database = migrated_database();
    let store = Arc::new(without_lock_and_check(connect(database.url(), 3).await));
    let event = create(&store, 5).await.id;
    let before = version_of(&store, event).await;
    decide_beside(&database, &store, register(event, "ada"), "").await;
    assert_eq!(version_of(&store, event).await, before + 1);
}

async fn version_of(store: &PgStore, event: EventId) -> u64 {
    store.event(event).await.expect("it answers").expect("it is there").version.get()
}

/// Has a command decided upon while another transaction, which commits first, makes a version and changes more: a
/// decision whose facts have been routed, so that no index knows of it.
async fn decide_beside(
    database: &Database,
    store: &Arc<PgStore>,
    command: EventCommand,
    changes: &str,
) -> Outcome {
    let (store, event) = (Arc::clone(store), command.event_id);
    let change = format!("UPDATE events SET version = version + 1{changes} WHERE id = '{event}'");
    let deciding = async move { store.execute(&[command], WhenBusy::Wait).await };
    let executed = changed_meanwhile(database, &change, deciding).await;
    match executed.expect("it answers").remove(0) {
        Execution::Decided(outcome) => outcome,
        Execution::Busy => panic!("it waits"),
        Execution::Unknown => panic!("no commit was lost"),
    }
}

fn seats(seats: i64) -> Capacity {
    Capacity::parse(seats, CapacityMax::HIGHEST).expect("valid")
}
