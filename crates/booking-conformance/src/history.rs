//! Seeded histories of operations, compared step by step against the oracle.

use crate::tools::{ManualClock, assert_audit_is_clean, new_event, register_as};
use crate::{Fixture, MemoryStore};
use booking_core::{
    BookingStore, EmailAddress, EventCommand, EventCursor, EventId, Execution, NewEvent, PageLimit,
    RegistrationCursor, WhenBusy,
};
use fastrand::Rng;
use std::sync::Arc;
use uuid::Uuid;

const EVENTS_MAX: usize = 6;
const CAPACITY_MAX: u32 = 5;
const ADDRESSES: u32 = 12;
const BATCH_MAX: usize = 9;
/// How often a command is one that was sent before, as after a lost answer.
const REPEATED: f64 = 0.15;
/// How often a command is for an event that does not exist.
const UNKNOWN_EVENT: f64 = 0.05;

/// One step of a history.
#[derive(Debug)]
enum Op {
    Create(NewEvent),
    Execute(Vec<EventCommand>),
    Advance { micros: i64 },
    ReadEvent(EventId),
    ReadEvents { after: Option<EventCursor>, limit: PageLimit },
    ReadRegistrations { event_id: EventId, after: Option<RegistrationCursor>, limit: PageLimit },
}

/// What has been so far, to make the next steps from.
#[derive(Default)]
struct Past {
    events: Vec<EventId>,
    commands: Vec<EventCommand>,
    event_cursors: Vec<EventCursor>,
    registration_cursors: Vec<RegistrationCursor>,
}

/// Runs a history of `steps` operations made from `seed`, each on one of `instances` stores over the
/// fixture's database, and compares each answer with the oracle's.
pub(crate) async fn compare_with_oracle(
    fixture: &dyn Fixture,
    instances: usize,
    seed: u64,
    steps: usize,
) {
    println!("history: seed {seed}, {steps} steps, {instances} instances");
    let clock = ManualClock::default();
    let oracle = MemoryStore::default().with_clock(clock.as_clock());
    let mut stores = Vec::new();
    for _ in 0..instances {
        stores.push(fixture.open(Some(clock.as_clock())).await);
    }
    let mut rng = Rng::with_seed(seed);
    let mut past = Past::default();
    for step in 0..steps {
        let op = next_op(&mut rng, &past);
        let store = rng.choice(&stores).map(Arc::as_ref).expect("at least one instance");
        let place = format!("seed {seed}, step {step}");
        apply(op, store, &oracle, &clock, &mut past, &place).await;
    }
    for store in &stores {
        assert_audit_is_clean(store.as_ref()).await;
    }
}

fn next_op(rng: &mut Rng, past: &Past) -> Op {
    let limit = PageLimit::parse(rng.u32(1..=4)).expect("a valid limit");
    match rng.u32(0..100) {
        _ if past.events.is_empty() => Op::Create(next_event(rng)),
        0..4 if past.events.len() < EVENTS_MAX => Op::Create(next_event(rng)),
        0..60 => {
            let commands = rng.usize(1..=BATCH_MAX);
            Op::Execute((0..commands).map(|_| next_command(rng, past)).collect())
        }
        60..70 => Op::Advance { micros: rng.i64(0..3_000_000) },
        70..80 => Op::ReadEvent(next_event_id(rng, past)),
        80..85 => Op::ReadEvents {
            after: rng.choice(&past.event_cursors).filter(|_| rng.bool()).copied(),
            limit,
        },
        _ => Op::ReadRegistrations {
            event_id: next_event_id(rng, past),
            after: rng.choice(&past.registration_cursors).filter(|_| rng.bool()).copied(),
            limit,
        },
    }
}

fn next_event(rng: &mut Rng) -> NewEvent {
    let id = Uuid::from_u128(rng.u128(..)).into();
    NewEvent { id, ..new_event("A generated event", rng.u32(1..=CAPACITY_MAX)) }
}

fn next_event_id(rng: &mut Rng, past: &Past) -> EventId {
    if rng.f64() < UNKNOWN_EVENT {
        return Uuid::from_u128(rng.u128(..)).into();
    }
    *rng.choice(&past.events).expect("there is an event")
}

fn next_command(rng: &mut Rng, past: &Past) -> EventCommand {
    if rng.f64() < REPEATED
        && let Some(command) = rng.choice(&past.commands)
    {
        return command.clone();
    }
    let who = format!("person{}@example.org", rng.u32(0..ADDRESSES));
    let who = EmailAddress::parse(&who).expect("a valid address");
    let id = Uuid::from_u128(rng.u128(..)).into();
    register_as(next_event_id(rng, past), id, who)
}

async fn apply(
    op: Op,
    store: &dyn BookingStore,
    oracle: &MemoryStore,
    clock: &ManualClock,
    past: &mut Past,
    place: &str,
) {
    match op {
        Op::Create(new) => {
            let expected = oracle.create_event(new.clone()).await.expect("the oracle answers");
            let got = store.create_event(new).await.expect("the store answers");
            assert_eq!(got, expected, "{place}");
            past.events.push(expected.id);
        }
        Op::Execute(batch) => {
            let expected =
                oracle.execute(&batch, WhenBusy::Wait).await.expect("the oracle answers");
            let got = store.execute(&batch, WhenBusy::Wait).await.expect("the store answers");
            assert_eq!(got, expected, "{place}: {batch:?}");
            assert!(!got.contains(&Execution::Busy), "{place}");
            past.commands.extend(batch);
        }
        Op::Advance { micros } => clock.advance_micros(micros),
        Op::ReadEvent(id) => {
            let expected = oracle.event(id).await.expect("the oracle answers");
            let got = store.event(id).await.expect("the store answers");
            assert_eq!(got, expected, "{place}");
        }
        Op::ReadEvents { after, limit } => {
            let expected = oracle.events(after, limit).await.expect("the oracle answers");
            let got = store.events(after, limit).await.expect("the store answers");
            assert_eq!(got, expected, "{place}");
            past.event_cursors.extend(expected.next);
        }
        Op::ReadRegistrations { event_id, after, limit } => {
            let expected = oracle.registrations(event_id, after, limit).await;
            let expected = expected.expect("the oracle answers");
            let got = store.registrations(event_id, after, limit).await.expect("the store answers");
            assert_eq!(got, expected, "{place}");
            past.registration_cursors.extend(expected.and_then(|page| page.next));
        }
    }
}
