//! Without the lock: the constraints still protect, and the suite notices when these are gone too.

#![cfg(feature = "negative-control")]

mod common;

use booking_core::prelude::*;
use booking_core::{Caller, Capacity, CapacityMax, Command, Edit, EventCommand, WhenBusy};
use booking_pg::PgStore;
use common::{PgFixture, connect, create, migrated_database, register};
use std::time::Duration;
use tokio_postgres::NoTls;

/// Without the lock two transactions decide on the same state. The unique version of a change stands
/// behind it: one of them is refused by the database and decides again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_lock_the_constraints_stand() {
    let fixture = PgFixture { alter: PgStore::without_row_lock, ..PgFixture::new() };
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

/// The negative control: without the lock and without the constraints, the race of the suite
/// oversells, and the suite reports it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_lock_and_constraints_the_race_oversells() {
    let fixture = PgFixture { alter: PgStore::without_row_lock, ..PgFixture::new() };
    fixture.database.sql(
        "ALTER TABLE events DROP CONSTRAINT events_version_positive; \
         ALTER TABLE registrations DROP CONSTRAINT registrations_event_version; \
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

/// A change is written to the state that it was decided upon, or decided again, whether it makes a seat or not.
#[tokio::test]
async fn without_the_lock_a_changed_event_is_decided_upon_again() {
    let database = migrated_database();
    let store = connect(database.url(), 3).await.without_row_lock();
    let event = create(&store, 5).await.id;
    let edit = Edit { capacity: Some(seats(7)), ..Edit::default() };
    let edit = EventCommand::new(event, Caller::Operator, Command::Edit(Box::new(edit)));
    let version = async || store.event(event).await.expect("it answers").expect("there").version;
    for command in [register(event, "ada"), edit] {
        let before = version().await.get();
        let (other, connection) =
            tokio_postgres::connect(database.url(), NoTls).await.expect("it is there");
        tokio::spawn(connection);
        // Another decision, whose facts have been routed, so that no index knows of it.
        let decide = format!("BEGIN; UPDATE events SET version = version + 1 WHERE id = '{event}'");
        other.batch_execute(&decide).await.expect("the row is there");
        let batch = [command];
        let (executed, ()) = tokio::join!(store.execute(&batch, WhenBusy::Wait), async {
            let waiting = "SELECT FROM pg_stat_activity \
                           WHERE wait_event_type = 'Lock' AND datname = current_database()";
            while database.sql(waiting).is_empty() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            other.batch_execute("COMMIT").await.expect("the session is alive");
        });
        executed.expect("it is decided");
        assert_eq!(version().await.get(), before + 2, "{:?}", batch[0]);
    }
}

fn seats(seats: i64) -> Capacity {
    Capacity::parse(seats, CapacityMax::HIGHEST).expect("valid")
}
