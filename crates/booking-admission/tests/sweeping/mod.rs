//! What the sweeper does beside the queue.

use crate::scripted::{ScriptedStore, register};
use booking_admission::{Admission, Limits, SubmitError, Sweeper};
use booking_conformance::{ManualClock, MemoryStore};
use booking_core::prelude::*;
use booking_core::{
    Caller, Command, Edit, EventCommand, EventId, Fingerprint, Hold, HoldTtl, IdempotencyKey,
    KeyHash, Listed, Observation, Observer, OnFull, PageLimit, Registration, Retention, Status,
};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const EVERY: Duration = Duration::from_millis(2);
/// Time for many sweeps.
const A_WHILE: Duration = Duration::from_millis(50);
const MINUTE_MICROS: i64 = 60_000_000;
const DAY_MICROS: i64 = 24 * 60 * MINUTE_MICROS;

fn start() -> (Arc<ScriptedStore>, ManualClock, Admission) {
    let clock = ManualClock::default();
    let memory = MemoryStore::default().with_clock(clock.as_clock());
    let store = Arc::new(ScriptedStore::over(memory));
    let admission = Admission::start(store.clone(), Limits::default());
    (store, clock, admission)
}

/// Sweeps in a task of its own until the sender is dropped.
fn sweep(sweeper: Sweeper) -> (oneshot::Sender<()>, JoinHandle<()>) {
    let (stop, stopped) = oneshot::channel::<()>();
    let sweeper = sweeper.every(EVERY);
    let sweeping =
        tokio::spawn(async move { sweeper.run_until(async { drop(stopped.await) }).await });
    (stop, sweeping)
}

/// Asks for a seat to be kept for a minute.
fn hold(event: EventId, who: &str) -> EventCommand {
    let mut item = register(event, who);
    let Command::Register(asked) = item.command else { unreachable!("it registers") };
    let ttl = HoldTtl::parse(60).expect("valid");
    item.command = Command::Hold(Hold { claim: asked.claim, ttl });
    item
}

/// An event whose one seat is held for a minute while another attendee waits.
async fn with_one_waiting(store: &ScriptedStore, admission: &Admission) -> EventId {
    let event = store.create(1).await;
    admission.submit(hold(event, "ada")).await.expect("it answers");
    let mut wait = register(event, "grace");
    if let Command::Register(asked) = &mut wait.command {
        asked.on_full = OnFull::Waitlist;
    }
    admission.submit(wait).await.expect("it answers");
    event
}

async fn rows(store: &ScriptedStore, event: EventId) -> Vec<Registration> {
    let page = store.registrations(event, Listed::All, None, PageLimit::MAX).await;
    page.expect("it answers").expect("it is there").items
}

async fn statuses(store: &ScriptedStore, event: EventId) -> Vec<Status> {
    rows(store, event).await.iter().map(|row| row.status).collect()
}

/// Waits until `is_so`, for as long as a busy machine may take.
async fn soon(is_so: impl AsyncFn() -> bool) {
    for _ in 0..5_000 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    panic!("it never was");
}

#[tokio::test]
async fn the_sweeper_offers_freed_seats() {
    let (store, clock, admission) = start();
    let event = with_one_waiting(&store, &admission).await;
    clock.advance_micros(MINUTE_MICROS);
    // The negative control: no sweeper runs.
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(statuses(&store, event).await, [Status::Expired, Status::Waitlisted]);

    let (stop, sweeping) = sweep(Sweeper::new(store.clone(), admission));
    soon(async || statuses(&store, event).await[1] == Status::Offered).await;
    drop(stop);
    sweeping.await.expect("no panic");
    assert_eq!(store.audit().await.expect("it answers").differences, []);
}

#[tokio::test]
async fn a_stopped_sweeper_sweeps_no_more() {
    let (store, clock, admission) = start();
    let event = with_one_waiting(&store, &admission).await;
    let (stop, sweeping) = sweep(Sweeper::new(store.clone(), admission.clone()));
    tokio::time::sleep(A_WHILE).await;
    drop(stop);
    sweeping.await.expect("no panic");
    clock.advance_micros(MINUTE_MICROS);
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(statuses(&store, event).await, [Status::Expired, Status::Waitlisted]);
    // Once, by hand.
    let sweeper = Sweeper::new(store.clone(), admission);
    sweeper.sweep().await.expect("it answers");
    assert_eq!(statuses(&store, event).await, [Status::Expired, Status::Offered]);
}

#[derive(Debug, Default)]
struct Sweeps(Mutex<Vec<bool>>);

impl Observer for Sweeps {
    fn observe(&self, observation: Observation<'_>) {
        if let Observation::Swept { done } = observation {
            self.0.lock().expect("no panic").push(done);
        }
    }
}

#[tokio::test]
async fn every_sweep_is_observed_and_a_failed_one_is_repeated() {
    let (store, clock, admission) = start();
    let event = with_one_waiting(&store, &admission).await;
    store.broken.lock().expect("no panic").insert(event);
    clock.advance_micros(MINUTE_MICROS);
    let sweeps = Arc::new(Sweeps::default());
    let sweeper = Sweeper::new(store.clone(), admission).observed_by(sweeps.clone());
    let (stop, sweeping) = sweep(sweeper);
    let observed = |done| sweeps.0.lock().expect("no panic").contains(&done);
    soon(async || observed(false)).await;
    assert!(!observed(true), "an event that is due could not be swept");
    store.broken.lock().expect("no panic").clear();
    soon(async || observed(true)).await;
    assert_eq!(statuses(&store, event).await, [Status::Expired, Status::Offered]);
    drop(stop);
    sweeping.await.expect("no panic");
}

#[tokio::test]
async fn the_sweeper_erases_old_registrations_and_purges_old_records() {
    let (store, clock, admission) = start();
    let event = store.create(1).await;
    let end = Some(clock.now() + Duration::from_secs(60));
    let edit = Edit {
        ends_at: Some(end),
        retention: Some(Retention::parse(1).ok()),
        ..Default::default()
    };
    let key = IdempotencyKey::new(KeyHash::new([1; 32]), Fingerprint::new([2; 32]));
    let edit = EventCommand::new(event, Caller::Operator, Command::Edit(Box::new(edit)));
    admission.submit(edit).await.expect("it answers");
    admission.submit(register(event, "ada").with_key(Some(key))).await.expect("it answers");
    clock.advance_micros(2 * DAY_MICROS);
    assert!(!rows(&store, event).await[0].is_erased());

    // Records are purged by the closure that is passed in.
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let purge = move |_: PageLimit| {
        counted.fetch_add(1, Ordering::SeqCst);
        async { Ok::<u64, SubmitError>(0) }
    };
    let (stop, sweeping) = sweep(Sweeper::new(store.clone(), admission.clone()).purging_by(purge));
    soon(async || rows(&store, event).await[0].is_erased()).await;
    soon(async || asked.load(Ordering::SeqCst) == 1).await;
    drop(stop);
    sweeping.await.expect("no panic");
}

#[tokio::test]
async fn expired_idempotency_records_are_purged() {
    let (store, clock, admission) = start();
    let event = store.create(1).await;
    let key = IdempotencyKey::new(KeyHash::new([1; 32]), Fingerprint::new([2; 32]));
    admission.submit(register(event, "ada").with_key(Some(key))).await.expect("it answers");
    clock.advance_micros(2 * DAY_MICROS);
    let (stop, sweeping) = sweep(Sweeper::new(store.clone(), admission));
    tokio::time::sleep(A_WHILE).await;
    drop(stop);
    sweeping.await.expect("no panic");
    let left = store.purge_records(PageLimit::MAX).await.expect("it answers");
    assert_eq!(left, 0, "the sweeper has left something to be forgotten");
}
