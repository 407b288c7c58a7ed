//! Idempotency keys: a repeated request gets the first one's answer.

use crate::Fixture;
use crate::tools::*;
use booking_core::{
    Answers, Caller, Command, EventCommand, Fingerprint, IdempotencyKey, KeyHash, Outcome,
    PageLimit, Refusal, Status,
};
use std::sync::Arc;
use tokio::task::JoinSet;
use uuid::Uuid;

/// How long a refusal is stored, in microseconds.
const REFUSAL_KEPT: i64 = 10 * 60 * 1_000_000;
const KEY_REUSED: Outcome = Outcome::Refused(Refusal::KeyReused);

fn key(hash: u8, fingerprint: u8) -> IdempotencyKey {
    IdempotencyKey::new(KeyHash::new([hash; 32]), Fingerprint::new([fingerprint; 32]))
}

fn keyed(command: EventCommand, hash: u8, fingerprint: u8) -> EventCommand {
    command.with_key(Some(key(hash, fingerprint)))
}

fn replayed(outcome: &Outcome) -> Outcome {
    Outcome::Replayed(Box::new(outcome.clone()))
}

/// One key is one request, in one batch and in the next, and for other instances.
pub async fn a_repeated_key_returns_the_first_answer(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let event = create(&*store, 3).await;
    // As clients do it: each attempt makes an id of its own.
    let batch = [0; 3].map(|_| keyed(register(event.id, "ada"), 1, 1));
    let outcomes = execute(&*store, &batch).await;
    let first = outcomes[0].clone();
    let seat = confirmed(first.clone());
    assert_eq!(outcomes[1..], [replayed(&first), replayed(&first)]);
    clock.advance_micros(DAY - 1);
    let other = fixture.open(Some(clock.as_clock())).await;
    let again = keyed(register(event.id, "ada"), 1, 1);
    assert_eq!(execute_one(&*other, again).await, replayed(&first));
    // Even though it was cancelled since: this is the answer to that request.
    execute_one(&*store, cancel(&seat)).await;
    assert_eq!(
        execute_one(&*store, keyed(register(event.id, "ada"), 1, 1)).await,
        replayed(&first)
    );
    assert_eq!(read(&*store, event.id).await.booked_count, 0);
    let other_body = keyed(register(event.id, "grace"), 1, 2);
    assert_eq!(execute_one(&*store, other_body).await, KEY_REUSED);

    clock.advance_micros(1);
    let after_a_day = execute_one(&*store, keyed(register(event.id, "ada"), 1, 3)).await;
    assert_ne!(confirmed(after_a_day.clone()).id, seat.id, "a key is kept for 24 hours");
    let again = keyed(register(event.id, "ada"), 1, 3);
    assert_eq!(execute_one(&*store, again).await, replayed(&after_a_day));
    assert_audit_is_clean(&*store).await;
}

/// A decided refusal is an answer too; one that names an unknown registration is not stored.
pub async fn a_refusal_is_replayed_under_its_key(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let event = create(&*store, 1).await;
    let ada = confirmed(execute_one(&*store, register(event.id, "ada")).await);
    assert_eq!(execute_one(&*store, keyed(register(event.id, "eve"), 1, 1)).await, SOLD_OUT);
    let before = read(&*store, event.id).await;
    execute_one(&*store, cancel(&ada)).await;
    let again = execute_one(&*store, keyed(register(event.id, "eve"), 1, 1)).await;
    assert_eq!(again, replayed(&SOLD_OUT), "though a seat is free by now");
    confirmed(execute_one(&*store, keyed(register(event.id, "eve"), 2, 1)).await);
    assert_eq!(before.booked_count, 1);

    let registration_id = Uuid::now_v7().into();
    let nobody = EventCommand::new(
        event.id,
        Caller::Operator,
        Command::Confirm { registration_id, answers: Answers::default() },
    );
    for fingerprint in [1, 2] {
        let outcome = execute_one(&*store, keyed(nobody.clone(), 3, fingerprint)).await;
        assert_eq!(outcome, Outcome::Refused(Refusal::RegistrationNotFound));
    }
    assert_audit_is_clean(&*store).await;
}

/// Keys belong to their event, and every command accepts one.
pub async fn every_command_accepts_an_idempotency_key(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let (event, other) = (create(&*store, 2).await, create(&*store, 2).await);
    let kept = held(execute_one(&*store, keyed(hold(event.id, "ada", 60), 1, 1)).await);
    held(execute_one(&*store, keyed(hold(other.id, "ada", 60), 1, 2)).await);
    let commands = [confirm(&kept), transfer(&kept, "grace", Some(3)), cancel(&kept)];
    let mut first = Vec::new();
    for (hash, command) in (2..).zip(&commands) {
        first.push(execute_one(&*store, keyed(command.clone(), hash, 1)).await);
    }
    for ((hash, command), first) in (2..).zip(commands).zip(&first) {
        assert_eq!(execute_one(&*store, keyed(command, hash, 1)).await, replayed(first));
    }
    assert_eq!(look(&*store, kept.id).await.status, Status::Cancelled);
    assert_audit_is_clean(&*store).await;
}

/// A key can be looked up without using it.
pub async fn a_replay_returns_the_stored_answer_of_a_key(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let event = create(&*store, 2).await;
    let recall = |fingerprint| {
        let recall = EventCommand::new(event.id, Caller::Operator, Command::Replay);
        execute_one(&*store, keyed(recall, 1, fingerprint))
    };
    assert_eq!(recall(1).await, Outcome::Settled);
    assert_eq!(recall(2).await, Outcome::Settled, "asking leaves no record");
    let before = read(&*store, event.id).await.version;
    let first = execute_one(&*store, keyed(hold(event.id, "ada", 60), 1, 1)).await;
    assert_eq!(recall(1).await, replayed(&first));
    assert_eq!(recall(2).await, KEY_REUSED);
    assert_eq!(read(&*store, event.id).await.version, before.next());
    clock.advance_micros(DAY);
    assert_eq!(recall(1).await, Outcome::Settled, "a key is kept for 24 hours");
    assert_audit_is_clean(&*store).await;
}

/// Sixty requests at once with one key: one seat, and sixty equal answers.
pub async fn a_race_with_one_key_takes_one_seat(fixture: &dyn Fixture) {
    let stores = [fixture.open(None).await, fixture.open(None).await];
    let event = create(&*stores[0], 100).await;
    let mut tasks = JoinSet::new();
    for task in 0..60 {
        let store = Arc::clone(&stores[task % 2]);
        let command = keyed(register(event.id, "ada"), 1, 1);
        tasks.spawn(async move {
            match execute_one(&*store, command).await {
                Outcome::Replayed(first) => (*first, true),
                outcome => (outcome, false),
            }
        });
    }
    let answers = tasks.join_all().await;
    assert!(answers.iter().all(|(outcome, _)| *outcome == answers[0].0), "{answers:?}");
    assert_eq!(answers.iter().filter(|(_, replayed)| !replayed).count(), 1);
    assert_eq!(read(&*stores[0], event.id).await.booked_count, 1);
    assert_audit_is_clean(&*stores[0]).await;
}

/// The same for creating an event.
pub async fn an_event_is_created_once_per_key(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let stores =
        [fixture.open(Some(clock.as_clock())).await, fixture.open(Some(clock.as_clock())).await];
    let new = |hash| elaborate(new_event_under(key(hash, 1), "Once", 3));
    let mut tasks = JoinSet::new();
    for task in 0..20 {
        let (store, new) = (Arc::clone(&stores[task % 2]), new(1));
        tasks.spawn(async move {
            let outcome = store.create_event_once(new, key(1, 1)).await.expect("the store answers");
            match outcome {
                Outcome::Replayed(first) => *first,
                outcome => outcome,
            }
        });
    }
    let answers = tasks.join_all().await;
    assert!(answers.iter().all(|outcome| *outcome == answers[0]), "{answers:?}");
    let Outcome::EventChanged(event) = &answers[0] else { panic!("{answers:?}") };
    assert_eq!(read(&*stores[0], event.id).await, **event);
    let all = stores[1]
        .events(Caller::Operator, None, PageLimit::MAX)
        .await
        .expect("the store answers")
        .items;
    assert_eq!(all.len(), 1);
    let reused = stores[0].create_event_once(new(1), key(1, 2)).await.expect("the store answers");
    assert_eq!(reused, KEY_REUSED);
    // As after a COMMIT whose answer was lost: the same request, with the same id.
    let same = new(2);
    let first = stores[0].create_event_once(same.clone(), key(2, 1)).await.expect("it answers");
    let again = stores[0].create_event_once(same, key(2, 1)).await.expect("it answers");
    assert!([first.clone(), replayed(&first)].contains(&again), "{again:?}");
    // As after the record was lost, or for an id that another request has used.
    let known = stores[0].create_event_once(new(3), key(3, 1)).await.expect("it answers");
    let Outcome::EventChanged(known) = known else { panic!("{known:?}") };
    let other = new_event("Another", 9).with(|new| new.id = known.id).expect("in order");
    let found = stores[1].create_event_once(other, key(4, 1)).await.expect("it answers");
    assert_eq!(found, Outcome::EventChanged(known), "what is there is returned as it is");
    clock.advance_micros(DAY);
    let later = stores[0].create_event_once(new(1), key(1, 2)).await.expect("the store answers");
    assert!(matches!(later, Outcome::EventChanged(_)), "{later:?}");
    assert_audit_is_clean(&*stores[0]).await;
}

/// Expired records are deleted, a page at a time, and no others.
pub async fn expired_idempotency_records_are_purged(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let event = create(&*store, 9).await;
    store
        .create_event_once(new_event_under(key(9, 1), "Once", 3), key(9, 1))
        .await
        .expect("the store answers");
    for hash in 0..3 {
        let command = keyed(register(event.id, hash), hash, 1);
        confirmed(execute_one(&*store, command).await);
    }
    clock.advance_micros(DAY - 1);
    let purge = async |limit| {
        let limit = PageLimit::parse(limit).expect("valid");
        store.purge_records(limit).await.expect("the store answers")
    };
    assert_eq!(purge(9).await, 0);
    confirmed(execute_one(&*store, keyed(register(event.id, 7), 7, 1)).await);
    clock.advance_micros(1);
    assert_eq!((purge(3).await, purge(3).await, purge(3).await), (3, 1, 0));
    let kept = execute_one(&*store, keyed(register(event.id, 7), 7, 1)).await;
    assert!(matches!(kept, Outcome::Replayed(_)), "{kept:?}");
}

/// A refusal is stored for minutes only, and then decided anew; a success is stored for a day.
pub async fn a_refusal_is_stored_for_minutes(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let event = create(&*store, 1).await;
    let ada = confirmed(execute_one(&*store, keyed(register(event.id, "ada"), 1, 1)).await);
    for hash in 2..5 {
        let refused = execute_one(&*store, keyed(register(event.id, hash), hash, 1)).await;
        assert_eq!(refused, SOLD_OUT);
    }
    execute_one(&*store, cancel(&ada)).await;
    let purge = async || store.purge_records(PageLimit::MAX).await.expect("the store answers");
    clock.advance_micros(REFUSAL_KEPT - 1);
    assert_eq!(execute_one(&*store, keyed(register(event.id, 2), 2, 1)).await, replayed(&SOLD_OUT));
    assert_eq!(execute_one(&*store, keyed(register(event.id, 2), 2, 2)).await, KEY_REUSED);
    assert_eq!(purge().await, 0);
    clock.advance_micros(1);
    confirmed(execute_one(&*store, keyed(register(event.id, 2), 2, 2)).await);
    // The one whose key was used again is a success now.
    assert_eq!(purge().await, 2);
    assert_eq!(purge().await, 0);
    let first = execute_one(&*store, keyed(register(event.id, "ada"), 1, 1)).await;
    assert!(matches!(first, Outcome::Replayed(_)), "{first:?}");
    clock.advance_micros(DAY - REFUSAL_KEPT);
    assert_eq!(purge().await, 1);
    assert_audit_is_clean(&*store).await;
}

/// Seeds are stored in order, and of many servers that find none only the first adds one.
pub async fn signing_seeds_are_stored(fixture: &dyn Fixture) {
    let stores = [fixture.open(None).await, fixture.open(None).await];
    assert_eq!(stores[0].signing_seeds().await.expect("the store answers"), []);
    let seed = |byte| booking_core::SigningSeed::new([byte; 32]);
    let mut tasks = JoinSet::new();
    for task in 0..8_u8 {
        let store = Arc::clone(&stores[usize::from(task) % 2]);
        tasks.spawn(async move {
            let seed = booking_core::SigningSeed::new([task; 32]);
            store.add_signing_seed(seed, true).await.expect("the store answers");
        });
    }
    tasks.join_all().await;
    let first = stores[0].signing_seeds().await.expect("the store answers");
    assert_eq!(first.len(), 1, "{} servers made keys of their own", first.len());
    stores[0].add_signing_seed(seed(100), false).await.expect("the store answers");
    stores[1].add_signing_seed(seed(101), false).await.expect("the store answers");
    stores[1].add_signing_seed(seed(102), true).await.expect("the store answers");
    let seeds = stores[0].signing_seeds().await.expect("the store answers");
    assert_eq!(seeds, [seed(101), seed(100), first[0]], "newest first");
}

/// A key shown by any server is listed to all for a day, and for another day when it is shown again.
pub async fn ticket_keys_are_shared_while_a_server_shows_them(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let stores =
        [fixture.open(Some(clock.as_clock())).await, fixture.open(Some(clock.as_clock())).await];
    let key = |byte| booking_core::TicketKey::new([byte; 32]);
    let known = async || stores[0].ticket_keys().await.expect("the store answers");
    let show = async |store: usize, keys: &[booking_core::TicketKey]| {
        stores[store].show_ticket_keys(keys).await.expect("the store answers");
    };
    assert_eq!(known().await, []);
    show(0, &[]).await;
    show(1, &[key(2), key(1)]).await;
    assert_eq!(known().await, [key(1), key(2)]);
    clock.advance_micros(DAY / 2);
    show(0, &[key(1), key(3), key(1)]).await;
    assert_eq!(known().await, [key(1), key(2), key(3)]);
    clock.advance_micros(DAY / 2 - 1);
    assert_eq!(known().await, [key(1), key(2), key(3)]);
    clock.advance_micros(1);
    assert_eq!(known().await, [key(1), key(3)], "nobody vouches for it any more");
    clock.advance_micros(DAY / 2);
    assert_eq!(known().await, []);
}
