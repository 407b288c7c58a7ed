//! Records of idempotency keys, and the keys that tickets are signed with.

mod common;

use booking_conformance::ManualClock;
use booking_core::prelude::*;
use booking_core::{Outcome, PageLimit, Refusal, SigningSeed};
use booking_pg::{PgOptions, PgStore};
use common::{
    REACHABLE_WITHIN, connect, create, execute, key, migrated_database, new_event, number, options,
    register,
};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::task::JoinSet;
use tokio_postgres::NoTls;

/// Twenty at once, each with an event of its own: the first creates it, and all get the same answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_requests_under_one_key_create_one_event() {
    let database = migrated_database();
    let stores =
        [Arc::new(connect(database.url(), 6).await), Arc::new(connect(database.url(), 6).await)];
    let mut tasks = JoinSet::new();
    for task in 0..20 {
        let store = Arc::clone(&stores[task % 2]);
        tasks.spawn(async move { store.create_event_once(new_event(3), key(1, 1)).await });
    }
    let (mut first, mut created) = (0, BTreeSet::new());
    for outcome in tasks.join_all().await {
        let event = match outcome.expect("it answers") {
            Outcome::Replayed(outcome) => match *outcome {
                Outcome::EventChanged(event) => event,
                other => panic!("{other:?}"),
            },
            Outcome::EventChanged(event) => {
                first += 1;
                event
            }
            other => panic!("{other:?}"),
        };
        created.insert(event.id);
    }
    assert_eq!((first, created.len()), (1, 1));
    for table in ["events", "facts", "idempotency_records"] {
        assert_eq!(number(&database, &format!("SELECT count(*) FROM {table}")), 1, "{table}");
    }
    let reused = stores[0].create_event_once(new_event(3), key(1, 2)).await;
    assert_eq!(reused.expect("it answers"), Outcome::Refused(Refusal::KeyReused));
    assert_eq!(stores[0].audit().await.expect("it answers").differences, []);
}

/// An existing event is returned as it is, and its key stands for it.
#[tokio::test]
async fn an_existing_event_is_returned_unchanged() {
    let database = migrated_database();
    let store = connect(database.url(), 2).await;
    let new = new_event(3);
    store.create_event(new.clone()).await.expect("it answers");
    execute(&store, &[register(new.id, "ada")]).await;
    let outcome = store.create_event_once(new.clone(), key(1, 1)).await.expect("it answers");
    let Outcome::EventChanged(event) = outcome else { panic!("{outcome:?}") };
    assert_eq!((event.id, event.booked_count), (new.id, 1));
}

/// Expired records are deleted, except for those that another transaction is writing: these are
/// left for later.
#[tokio::test]
async fn purging_records_skips_locked_ones() {
    let database = migrated_database();
    let clock = ManualClock::default();
    let options = PgOptions { clock: Some(clock.as_clock()), ..options(database.url(), 3) };
    let store = PgStore::connect(&options, REACHABLE_WITHIN).await.expect("it is there");
    let event = create(&store, 9).await.id;
    for n in 1..=4 {
        let command = register(event, &format!("n{n}")).with_key(Some(key(n, 1)));
        execute(&store, &[command]).await;
    }
    clock.advance_micros(86_400_000_000);
    let (client, connection) =
        tokio_postgres::connect(database.url(), NoTls).await.expect("it is there");
    tokio::spawn(connection);
    let lock = "BEGIN; SELECT FROM idempotency_records WHERE key_hash = decode(repeat('02', 32), \
                'hex') FOR UPDATE";
    client.batch_execute(lock).await.expect("the record is there");
    let purge = async |limit| {
        let limit = PageLimit::parse(limit).expect("valid");
        store.purge_records(limit).await.expect("it answers")
    };
    assert_eq!((purge(2).await, purge(9).await, purge(9).await), (2, 1, 0));
    client.batch_execute("COMMIT").await.expect("the session is alive");
    assert_eq!(purge(9).await, 1);
    assert_eq!(number(&database, "SELECT count(*) FROM idempotency_records"), 0);
}

/// An expired key is used anew, whether or not its record was deleted.
#[tokio::test]
async fn an_expired_record_is_overwritten() {
    let database = migrated_database();
    let clock = ManualClock::default();
    let options = PgOptions { clock: Some(clock.as_clock()), ..options(database.url(), 3) };
    let store = PgStore::connect(&options, REACHABLE_WITHIN).await.expect("it is there");
    let event = create(&store, 9).await.id;
    let ask = async |who: &str, fingerprint| {
        let command = register(event, who).with_key(Some(key(1, fingerprint)));
        execute(&store, &[command]).await.remove(0)
    };
    let create_once = async |fingerprint| {
        store.create_event_once(new_event(3), key(1, fingerprint)).await.expect("it answers")
    };
    assert!(matches!(ask("ada", 1).await, Outcome::Confirmed(_)));
    assert!(matches!(create_once(1).await, Outcome::EventChanged(_)));
    clock.advance_micros(86_400_000_000);
    assert!(matches!(ask("grace", 2).await, Outcome::Confirmed(_)));
    assert!(matches!(ask("grace", 2).await, Outcome::Replayed(_)));
    assert!(matches!(create_once(2).await, Outcome::EventChanged(_)));
    assert!(matches!(create_once(2).await, Outcome::Replayed(_)));
    assert_eq!(number(&database, "SELECT count(*) FROM idempotency_records"), 2);
}

/// As after a COMMIT whose answer was lost.
#[tokio::test]
async fn a_seed_that_is_added_twice_is_stored_once() {
    let database = migrated_database();
    let store = connect(database.url(), 2).await;
    let [old, new] = [1, 2].map(|byte| SigningSeed::new([byte; 32]));
    for seed in [old, old, new, new] {
        store.add_signing_seed(seed, false).await.expect("it answers");
    }
    assert_eq!(store.signing_seeds().await.expect("it answers"), [new, old]);
}
