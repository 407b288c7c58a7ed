//! What a plain registration must not cost, as rarer features are built around it.

mod common;

use booking_core::prelude::*;
use common::{connect, create, execute, hold, migrated_database, number, register, succeed};
use std::time::Duration;

const BATCHES: i64 = 200;

/// A hot event's row is rewritten in place, and a confirmed seat is in none of the indexes of what
/// expires and of the queue.
#[tokio::test]
async fn a_plain_registration_touches_no_index_that_it_need_not() {
    let database = migrated_database();
    let store = connect(database.url(), 2).await;
    let [plain, holding] = [create(&store, 10_000).await.id, create(&store, 10_000).await.id];
    // The first hold sets the event's time; those after it end later and leave it as it is.
    succeed(&store, hold(holding, "first")).await;
    for turn in 0..BATCHES {
        let plain = (0..4).map(|n| register(plain, &format!("{turn}-{n}")));
        let batch: Vec<_> = plain.chain([hold(holding, &format!("{turn}"))]).collect();
        execute(&store, &batch).await;
    }
    assert_eq!(store.audit().await.expect("it answers").differences, []);
    let updates = |what: &str| {
        number(
            &database,
            &format!("SELECT {what} FROM pg_stat_user_tables WHERE relname = 'events'"),
        )
    };
    // Sessions report their statistics when they end.
    drop(store);
    let expected = 2 * BATCHES + 1;
    // A minute, for a busy machine.
    for _ in 0..600 {
        if updates("n_tup_upd") == expected {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(updates("n_tup_upd"), expected);
    // All but the first hold; a page that another process is reading may have no room once or
    // twice.
    let moved = updates("n_tup_upd - n_tup_hot_upd");
    assert!((1..10).contains(&moved), "{moved} of {expected} rewritten rows touched the indexes");
    let entries = |index: &str| {
        database.sql("ANALYZE registrations");
        number(
            &database,
            &format!("SELECT reltuples::bigint FROM pg_class WHERE relname = '{index}'"),
        )
    };
    assert_eq!(entries("registrations_waiting"), 0);
    assert_eq!(entries("registrations_running_out"), BATCHES + 1, "the holds");
}
