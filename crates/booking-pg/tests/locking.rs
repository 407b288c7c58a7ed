//! The row lock: what it prevents, and that it delays no transaction that does not need it.

mod common;

use booking_core::prelude::*;
use booking_core::{Execution, Outcome, Refusal, StoreError, WhenBusy};
use common::{REACHABLE_WITHIN, connect, create, migrated_database, register, session};
use std::time::{Duration, Instant};

/// An operator's psql: a session that holds one event's row until it is dropped.
async fn hold_row(url: &str, event: booking_core::EventId) -> tokio_postgres::Client {
    let client = session(url).await;
    let lock = format!("BEGIN; SELECT 1 FROM events WHERE id = '{event}' FOR UPDATE");
    client.batch_execute(&lock).await.expect("the row is there");
    client
}

fn is_confirmed(execution: &Execution) -> bool {
    matches!(execution, Execution::Decided(Outcome::Confirmed(_)))
}

#[tokio::test]
async fn a_held_row_is_skipped_and_the_others_are_served() {
    let database = migrated_database();
    let store = connect(database.url(), 4).await;
    let (held, free) = (create(&store, 5).await.id, create(&store, 5).await.id);
    let holder = hold_row(database.url(), held).await;

    let batch = [register(held, "ada"), register(free, "ada"), register(held, "grace")];
    let executions = store.execute(&batch, WhenBusy::Skip).await.expect("the store answers");
    assert_eq!((&executions[0], &executions[2]), (&Execution::Busy, &Execution::Busy));
    assert!(is_confirmed(&executions[1]));

    // A waiting batch is served as soon as the row is free, and not before.
    let waiting = async {
        let executions = store.execute(&batch[..1], WhenBusy::Wait).await;
        (executions.expect("the store answers"), Instant::now())
    };
    let releasing = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let released = Instant::now();
        holder.batch_execute("COMMIT").await.expect("the session is alive");
        released
    };
    let ((executions, served), released) = tokio::join!(waiting, releasing);
    assert!(is_confirmed(&executions[0]));
    assert!(served >= released);
}

#[tokio::test]
async fn half_of_the_connections_are_for_batches() {
    let database = migrated_database();
    for (pool_size, batches) in [(2, 1), (3, 1), (10, 5)] {
        assert_eq!(connect(database.url(), pool_size).await.batches_at_once(0), batches);
    }
}

#[tokio::test]
async fn a_row_that_is_held_for_ever_is_given_up() {
    let database = migrated_database();
    let store = connect(database.url(), 4).await;
    let held = create(&store, 5).await.id;
    let holder = hold_row(database.url(), held).await;
    let refused = store.execute(&[register(held, "ada")], WhenBusy::Wait).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    drop(holder);
    let executions = store.execute(&[register(held, "ada")], WhenBusy::Wait).await;
    assert!(is_confirmed(&executions.expect("the store answers")[0]));
}

#[tokio::test]
async fn a_thousand_refusals_leave_a_pool_of_two_unharmed() {
    let database = migrated_database();
    let store = connect(database.url(), 2).await;
    let event = create(&store, 1).await.id;
    store.execute(&[register(event, "ada")], WhenBusy::Wait).await.expect("the store answers");
    for turn in 0..1_000 {
        let who = format!("late-{turn}");
        let refused = store.execute(&[register(event, &who)], WhenBusy::Skip).await;
        let expected = Execution::Decided(Outcome::Refused(Refusal::SoldOut));
        assert_eq!(refused.expect("the store answers"), [expected]);
    }
    let open = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' \
                AND datname = current_database()";
    // The answer to the last ROLLBACK is not waited for.
    let since = Instant::now();
    while database.sql(open)[0][0].as_deref() != Some("0") {
        assert!(since.elapsed() < REACHABLE_WITHIN, "transactions left open");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_no_lock_behind() {
    let database = migrated_database();
    let store = connect(database.url(), 2).await;
    let event = create(&store, 100).await.id;
    for turn in 0..40 {
        let batch = [register(event, &format!("gone-{turn}"))];
        let limit = Duration::from_micros(turn * 40);
        let _ = tokio::time::timeout(limit, store.execute(&batch, WhenBusy::Wait)).await;
    }
    let executions = store.execute(&[register(event, "ada")], WhenBusy::Wait).await;
    assert!(is_confirmed(&executions.expect("the store answers")[0]));
    assert_eq!(store.audit().await.expect("the store answers").differences, []);
}
