//! Seeded histories of operations, compared step by step against the oracle.

use crate::generator::{ORGANIZERS, Op, Past, next_op};
use crate::tools::{ManualClock, assert_audit_is_clean, new_token, organizer};
use crate::{Fixture, MemoryStore};
use booking_core::prelude::*;
use booking_core::{Execution, PageLimit, WhenBusy};
use fastrand::Rng;
use std::fmt::Debug;
use std::sync::Arc;

/// A seed whose history goes on until every outcome was returned and every optional field was set.
pub(crate) const FIXED_SEED: u64 = 0xB00D;
/// It may get so many times as long as requested.
const TIMES_AS_LONG_MAX: usize = 10;

/// On what stores a history is run.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stores {
    /// One.
    One,
    /// Each step on one of two over the same data.
    Two,
    /// One, which is closed and opened again after every so many steps.
    Reopened(usize),
}

/// Runs a history of `steps` operations made from `seed` on stores over the fixture's database, and compares each
/// answer with the oracle's.
pub(crate) async fn compare_with_oracle(
    fixture: &dyn Fixture,
    on: Stores,
    seed: u64,
    steps: usize,
) {
    let clock = ManualClock::default();
    let oracle = MemoryStore::default().with_clock(clock.as_clock());
    let mut stores = Vec::new();
    let instances = match on {
        Stores::Two => 2,
        Stores::One | Stores::Reopened(_) => 1,
    };
    for _ in 0..instances {
        stores.push(fixture.open(Some(clock.as_clock())).await);
    }
    for number in 0..ORGANIZERS {
        let token = new_token(organizer(number), number);
        let expected = oracle.create_token(token.clone()).await;
        agree(stores[0].create_token(token).await, expected, "before the first step");
    }
    let mut rng = Rng::with_seed(seed);
    let mut past = Past::new(&clock);
    println!("history: seed {seed}, {steps} steps, {on:?}");
    let steps_max = if seed == FIXED_SEED { steps * TIMES_AS_LONG_MAX } else { steps };
    for step in 0..steps_max {
        if step >= steps && past.unreached().is_empty() {
            break;
        }
        if let Stores::Reopened(after) = on
            && step % after == after - 1
            && let Some(store) = stores.pop()
        {
            stores.push(fixture.reopen(store, Some(clock.as_clock())).await);
        }
        let op = next_op(&mut rng, &past);
        let store = rng.choice(&stores).map(Arc::as_ref).expect("at least one instance");
        let place = format!("seed {seed}, step {step}");
        apply(op, store, &oracle, &clock, &mut past, &place).await;
    }
    println!("history: {} operations, {:?}", past.operations, past.reached);
    if seed == FIXED_SEED {
        // An outcome that was never returned is not tested.
        assert_eq!(past.unreached(), [""; 0], "never reached");
    }
    for store in &stores {
        assert_audit_is_clean(store.as_ref()).await;
        let report = oracle.audit().await.expect("the oracle answers");
        assert_eq!(store.audit().await.expect("the store answers"), report);
    }
}

#[track_caller]
fn agree<T: PartialEq + Debug, E: Debug>(
    got: Result<T, E>,
    expected: Result<T, E>,
    place: &str,
) -> T {
    let expected = expected.expect("the oracle answers");
    assert_eq!(got.expect("the store answers"), expected, "{place}");
    expected
}

async fn apply(
    op: Op,
    store: &dyn BookingStore,
    oracle: &MemoryStore,
    clock: &ManualClock,
    past: &mut Past,
    place: &str,
) {
    past.operations += 1;
    match op {
        Op::Create(new) => {
            past.optional.note_event(&new);
            let expected = oracle.create_event(new.clone()).await;
            let event = agree(store.create_event(new).await, expected, place);
            past.events.push(event.id);
        }
        Op::CreateOnce(new, key) => {
            past.optional.note_event(&new);
            let expected = oracle.create_event_once(new.clone(), key).await;
            agree(store.create_event_once(new, key).await, expected, place);
        }
        Op::Execute(batch) => {
            past.operations += batch.len() - 1;
            let expected = oracle.execute(&batch, WhenBusy::Wait).await;
            let got = store.execute(&batch, WhenBusy::Wait).await;
            let executions = agree(got, expected, &format!("{place}: {batch:?}"));
            assert!(!executions.contains(&Execution::Busy), "{place}");
            past.learn(batch, executions);
        }
        Op::Advance { micros } => clock.advance_micros(micros),
        Op::ReadEvent(id) => {
            agree(store.event(id).await, oracle.event(id).await, place);
            agree(store.questions(id).await, oracle.questions(id).await, place);
        }
        Op::ReadEvents { caller, after, limit } => {
            let expected = oracle.events(caller, after, limit).await;
            let page = agree(store.events(caller, after, limit).await, expected, place);
            past.event_cursors.extend(page.next);
        }
        Op::ReadRegistrations { event_id, listed, after, limit } => {
            let expected = oracle.registrations(event_id, listed, after, limit).await;
            let got = store.registrations(event_id, listed, after, limit).await;
            let page = agree(got, expected, place);
            past.registration_cursors.extend(page.and_then(|page| page.next));
        }
        Op::ReadRegistration(id) => {
            agree(store.registration(id).await, oracle.registration(id).await, place);
        }
        Op::ReadHistory { id, limit } => {
            agree(store.history(id, limit).await, oracle.history(id, limit).await, place);
        }
        Op::ReadDue(limit) => {
            // Events that are due since the same instant may come in any order.
            let mut got = store.due_events(limit).await.expect("the store answers");
            let mut expected = oracle.due_events(limit).await.expect("the oracle answers");
            got.sort_unstable();
            expected.sort_unstable();
            assert_eq!(got, expected, "{place}");
        }
        Op::ReadErasable(limit) => {
            let mut got = store.erasable_events(limit).await.expect("the store answers");
            let mut expected = oracle.erasable_events(limit).await.expect("the oracle answers");
            got.sort_unstable();
            expected.sort_unstable();
            assert_eq!(got, expected, "{place}");
        }
        Op::FindRegistrationsOf(email) => {
            let (limit, order) = (PageLimit::MAX, |found: &mut Vec<_>| found.sort_unstable());
            let mut got = store.registrations_of(&email, limit).await;
            let mut expected = oracle.registrations_of(&email, limit).await;
            got.iter_mut().for_each(order);
            expected.iter_mut().for_each(order);
            agree(got, expected, place);
        }
        Op::PurgeRecordsOf(email) => {
            let expected = oracle.purge_records_of(&email, PageLimit::MAX).await;
            agree(store.purge_records_of(&email, PageLimit::MAX).await, expected, place);
        }
        Op::PurgeRecords(limit) => {
            let expected = oracle.purge_records(limit).await;
            agree(store.purge_records(limit).await, expected, place);
        }
        Op::AssignEvents(organizer) => {
            let expected = oracle.assign_events(organizer, PageLimit::MAX).await;
            agree(store.assign_events(organizer, PageLimit::MAX).await, expected, place);
        }
        Op::Audit => {
            agree(store.audit().await, oracle.audit().await, place);
        }
    }
}
