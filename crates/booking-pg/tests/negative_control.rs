//! Without the lock: the constraints still protect, and the suite notices when these are gone too.

#![cfg(feature = "negative-control")]

mod common;

use booking_core::prelude::*;
use booking_pg::PgStore;
use common::{PgFixture, connect};

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
