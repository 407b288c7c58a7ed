//! Requests that are repeated under the same idempotency key.

use crate::common::{Database, ManualClock, audit, create, execute, new_event, register};
use booking_core::prelude::*;
use booking_core::{
    Caller, Event, EventCommand, Fingerprint, IdempotencyKey, IdempotencyRecord, KeyHash, NewEvent,
    Outcome, PageLimit, Refusal, SigningSeed,
};
use chrono::TimeDelta;
use std::sync::Arc;
use tokio::task::JoinSet;

fn key(hash: u8, fingerprint: u8) -> IdempotencyKey {
    IdempotencyKey::new(KeyHash::new([hash; 32]), Fingerprint::new([fingerprint; 32]))
}

fn keyed(event: &Event, who: &str, key: IdempotencyKey) -> EventCommand {
    register(event.id, who).with_key(Some(key))
}

fn records(database: &Database) -> i64 {
    database
        .connect()
        .query_row("SELECT count(*) FROM idempotency_records", [], |row| row.get(0))
        .expect("counted")
}

#[tokio::test]
async fn the_first_answer_is_given_for_a_day() {
    let (database, clock) = (Database::new(), ManualClock::new());
    let store = database.open_with(clock.options()).await;
    let event = create(&store, 1).await;
    let first = execute(&store, &[keyed(&event, "ada", key(1, 1))]).await.remove(0);
    assert!(matches!(first, Outcome::Confirmed(_)), "{first:?}");
    let sold_out = execute(&store, &[keyed(&event, "bob", key(2, 1))]).await.remove(0);
    assert_eq!(sold_out, Outcome::Refused(Refusal::SoldOut));

    let replayed = |outcome: &Outcome| Outcome::Replayed(Box::new(outcome.clone()));
    let bob = [keyed(&event, "bob", key(2, 1))];
    clock.advance(IdempotencyRecord::REFUSAL_KEPT - TimeDelta::microseconds(1));
    assert_eq!(execute(&store, &bob).await, [replayed(&sold_out)]);

    clock.advance(IdempotencyRecord::KEPT - IdempotencyRecord::REFUSAL_KEPT);
    let again = [keyed(&event, "ada", key(1, 1)), keyed(&event, "ada", key(1, 2))];
    let reused = Outcome::Refused(Refusal::KeyReused);
    assert_eq!(execute(&store, &again).await, [replayed(&first), reused]);
    // A refusal, which changed nothing, is decided again long before.
    assert_eq!(execute(&store, &bob).await, [sold_out]);
    // For another event it is another key.
    let other = create(&store, 1).await;
    let fresh = execute(&store, &[keyed(&other, "ada", key(1, 2))]).await.remove(0);
    assert!(matches!(fresh, Outcome::Confirmed(_)), "{fresh:?}");
    assert_eq!(records(&database), 3);

    clock.advance(TimeDelta::microseconds(1));
    let late = execute(&store, &[keyed(&event, "ada", key(1, 2))]).await.remove(0);
    assert_eq!(late, Outcome::Refused(Refusal::AlreadyRegistered));
    let again = execute(&store, &[keyed(&event, "ada", key(1, 2))]).await.remove(0);
    assert_eq!(again, replayed(&late));
    assert_eq!(records(&database), 3);
    audit(&store).await;
}

#[tokio::test]
async fn expired_records_are_purged_oldest_first() {
    let (database, clock) = (Database::new(), ManualClock::new());
    let store = database.open_with(clock.options()).await;
    let event = create(&store, 9).await;
    for hash in 0..5 {
        execute(&store, &[keyed(&event, &format!("a{hash}"), key(hash, 1))]).await;
        clock.advance(TimeDelta::hours(1));
    }
    let purge = async |limit| {
        let limit = PageLimit::parse(limit).expect("valid");
        store.purge_records(limit).await.expect("the store answers")
    };
    assert_eq!((purge(9).await, records(&database)), (0, 5));
    clock.advance(IdempotencyRecord::KEPT - TimeDelta::hours(2));
    // The last has an hour left.
    assert_eq!((purge(3).await, records(&database)), (3, 2));
    let replayed = execute(&store, &[keyed(&event, "a4", key(4, 1))]).await.remove(0);
    assert!(matches!(replayed, Outcome::Replayed(_)), "{replayed:?}");
    assert_eq!((purge(3).await, purge(3).await, records(&database)), (1, 0, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_concurrent_requests_create_one_event() {
    let database = Database::new();
    let stores = [Arc::new(database.open().await), Arc::new(database.open().await)];
    let mut callers = JoinSet::new();
    for caller in 0..20 {
        let store = Arc::clone(&stores[caller % 2]);
        callers.spawn(async move {
            store.create_event_once(new_event(3), key(7, 7)).await.expect("the store answers")
        });
    }
    let outcomes = callers.join_all().await;
    let listed = stores[0]
        .events(Caller::Operator, None, PageLimit::MAX)
        .await
        .expect("the store answers")
        .items;
    let [event] = &listed[..] else { panic!("{listed:?}") };
    let first = Outcome::EventChanged(Box::new(event.clone()));
    let replayed = Outcome::Replayed(Box::new(first.clone()));
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == first).count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == replayed).count(), 19);
    let reused = stores[1].create_event_once(new_event(4), key(7, 8)).await;
    assert_eq!(reused.expect("the store answers"), Outcome::Refused(Refusal::KeyReused));
    audit(&stores[0]).await;
}

#[tokio::test]
async fn creating_an_event_again_after_a_lost_commit_is_no_replay() {
    let (database, clock) = (Database::new(), ManualClock::new());
    let store = database.open_with(clock.options()).await;
    let new = new_event(3);
    let once = async |new: &NewEvent, key| {
        store.create_event_once(new.clone(), key).await.expect("the store answers")
    };
    let first = once(&new, key(1, 1)).await;
    let Outcome::EventChanged(event) = &first else { panic!("{first:?}") };
    assert_eq!(**event, new.clone().created_at(clock.now()));
    assert_eq!(once(&new, key(1, 1)).await, first);
    assert_eq!(once(&new, key(1, 2)).await, Outcome::Refused(Refusal::KeyReused));

    // A day later it is another request.
    clock.advance(IdempotencyRecord::KEPT);
    let other = new_event(4);
    let second = once(&other, key(1, 2)).await;
    assert!(matches!(&second, Outcome::EventChanged(event) if event.id == other.id), "{second:?}");
    let replayed = once(&new_event(4), key(1, 2)).await;
    assert_eq!(replayed, Outcome::Replayed(Box::new(second)));
    assert_eq!(records(&database), 1);
    audit(&store).await;
}

#[tokio::test]
async fn seeds_are_kept_newest_first() {
    let database = Database::new();
    let (store, other) = (database.open().await, database.open().await);
    let seed = |byte| SigningSeed::new([byte; 32]);
    store.add_signing_seed(seed(1), true).await.expect("the store answers");
    other.add_signing_seed(seed(2), true).await.expect("the store answers");
    other.add_signing_seed(seed(3), false).await.expect("the store answers");
    // As after a COMMIT that was lost.
    other.add_signing_seed(seed(3), false).await.expect("the store answers");
    let seeds = store.signing_seeds().await.expect("the store answers");
    assert_eq!(seeds, [seed(3), seed(1)]);
}
