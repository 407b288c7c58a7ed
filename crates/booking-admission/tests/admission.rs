//! What the queue promises, against a store that is held up, busy or failing.

mod lanes;
mod scripted;
mod sweeping;

use booking_admission::{Admission, Limits, SubmitError};
use booking_core::prelude::*;
use booking_core::{EventId, Observation, Observer, Outcome, Refusal, Registration, StoreError};
use scripted::{ScriptedStore, register};
use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinHandle;

type Answer = Result<Outcome, SubmitError>;

/// Long enough for every task that can go on to have gone on.
const SETTLE: Duration = Duration::from_millis(30);

/// What counts as too old in these tests: far longer than a busy machine delays a caller that need not wait.
const AGE: Duration = Duration::from_secs(1);
/// Older than that.
const OLDER: Duration = Duration::from_millis(1_500);

fn start(limits: Limits) -> (Arc<ScriptedStore>, Admission) {
    let store = Arc::new(ScriptedStore::new());
    let admission = Admission::start(Arc::clone(&store) as Arc<dyn BookingStore>, limits);
    (store, admission)
}

/// Submits a registration and lets it take its place in the queue.
async fn submit(admission: &Admission, event: EventId, who: &str) -> JoinHandle<Answer> {
    let admission = admission.clone();
    let command = register(event, who);
    let answer = tokio::spawn(async move { admission.submit(command).await });
    tokio::time::sleep(Duration::from_millis(1)).await;
    answer
}

#[track_caller]
fn confirmed(answer: Answer) -> Registration {
    match answer {
        Ok(Outcome::Confirmed(registration)) => registration,
        other => panic!("not confirmed: {other:?}"),
    }
}

#[tokio::test]
async fn a_command_that_finds_the_queue_idle_starts_at_once() {
    let (store, admission) = start(Limits::default());
    let event = store.create(1).await;
    let first = admission.submit(register(event, "ada")).await;
    assert_eq!(confirmed(first).person.user_email.as_str(), "ada@example.org");
    let second = admission.submit(register(event, "grace")).await;
    assert!(matches!(second, Ok(Outcome::Refused(Refusal::SoldOut))));
    assert_eq!(store.batches().len(), 2);
}

#[tokio::test]
async fn commands_during_a_batch_form_the_next_batch() {
    let limits = Limits { batch_commands_max: 5, ..Limits::default() };
    let (store, admission) = start(limits);
    let event = store.create(100).await;
    store.close_gate();
    let mut answers = vec![submit(&admission, event, "first").await];
    tokio::time::sleep(SETTLE).await;
    for n in 0..7 {
        answers.push(submit(&admission, event, &format!("later-{n}")).await);
    }
    assert_eq!(store.batches().len(), 1, "one batch at a time");
    store.let_through(10);
    let mut seats = Vec::new();
    for answer in answers {
        seats.push(confirmed(answer.await.expect("no panic")));
    }
    let lengths: Vec<_> = store.batches().iter().map(Vec::len).collect();
    assert_eq!(lengths, [1, 5, 2]);
    assert!(seats.is_sorted_by_key(|seat| seat.event_version), "first in, first out");
}

#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let limits = Limits { queue_commands_max: 3, ..Limits::default() };
    let (store, admission) = start(limits);
    let event = store.create(100).await;
    store.close_gate();
    let mut accepted = Vec::new();
    for n in 0..3 {
        accepted.push(submit(&admission, event, &format!("in-{n}")).await);
    }
    assert_eq!(admission.depth(), 3, "what is under way counts too");
    let shed = admission.submit(register(event, "out")).await;
    assert!(matches!(shed, Err(SubmitError::Overloaded)));
    store.let_through(10);
    for answer in accepted {
        confirmed(answer.await.expect("no panic"));
    }
    assert_eq!(admission.depth(), 0);
    confirmed(admission.submit(register(event, "out")).await);
}

#[tokio::test]
async fn a_slow_queue_counts_as_full() {
    let limits = Limits { queue_full_age: AGE, ..Limits::default() };
    let (store, admission) = start(limits);
    let event = store.create(100).await;
    store.close_gate();
    let first = submit(&admission, event, "first").await;
    tokio::time::sleep(SETTLE).await;
    let waits = submit(&admission, event, "waits").await;
    tokio::time::sleep(OLDER).await;
    let shed = admission.submit(register(event, "out")).await;
    assert!(matches!(shed, Err(SubmitError::Overloaded)), "{shed:?}");
    store.let_through(20);
    confirmed(first.await.expect("no panic"));
    confirmed(waits.await.expect("no panic"));
    // Now it is idle, for longer than that; then many come in the same instant.
    tokio::time::sleep(OLDER).await;
    let rush: Vec<_> = (0..10)
        .map(|n| {
            let (admission, command) = (admission.clone(), register(event, format!("rush-{n}")));
            tokio::spawn(async move { admission.submit(command).await })
        })
        .collect();
    for answer in rush {
        confirmed(answer.await.expect("no panic"));
    }
}

#[tokio::test]
async fn a_command_that_waited_too_long_is_not_executed() {
    let limits = Limits { queue_age_max: AGE, ..Limits::default() };
    let (store, admission) = start(limits);
    let event = store.create(100).await;
    store.close_gate();
    let first = submit(&admission, event, "first").await;
    tokio::time::sleep(SETTLE).await;
    let late = submit(&admission, event, "late").await;
    tokio::time::sleep(OLDER).await;
    store.let_through(10);
    confirmed(first.await.expect("no panic"));
    assert!(matches!(late.await.expect("no panic"), Err(SubmitError::Overloaded)));
    assert_eq!(store.batches().len(), 1);
}

#[tokio::test]
async fn a_caller_that_hung_up_gets_no_seat() {
    let (store, admission) = start(Limits::default());
    let event = store.create(100).await;
    store.close_gate();
    let first = submit(&admission, event, "first").await;
    tokio::time::sleep(SETTLE).await;
    let gone = submit(&admission, event, "gone").await;
    let stays = submit(&admission, event, "stays").await;
    gone.abort();
    tokio::time::sleep(SETTLE).await;
    store.let_through(10);
    confirmed(first.await.expect("no panic"));
    confirmed(stays.await.expect("no panic"));
    let rows = store.event(event).await.expect("it answers").expect("it is there");
    assert_eq!(rows.booked_count, 2);
    assert_eq!(admission.depth(), 0, "nor keeps a place");
}

#[tokio::test]
async fn a_locked_event_waits_alone_and_in_order() {
    let (store, admission) = start(Limits::default());
    let (held, free) = (store.create(100).await, store.create(100).await);
    store.hold(held);
    let mut waiting = Vec::new();
    for n in 0..5 {
        waiting.push(submit(&admission, held, &format!("waits-{n}")).await);
        confirmed(admission.submit(register(free, format!("goes-{n}"))).await);
    }
    assert!(waiting.iter().all(|answer| !answer.is_finished()));
    store.release(held);
    let mut seats = Vec::new();
    for answer in waiting {
        seats.push(confirmed(answer.await.expect("no panic")));
    }
    assert!(seats.is_sorted_by_key(|seat| seat.event_version), "first in, first out");
    tokio::time::sleep(SETTLE).await;
    let before = store.batches().len();
    let both = tokio::join!(
        admission.submit(register(held, "back")),
        admission.submit(register(free, "too")),
    );
    confirmed(both.0);
    confirmed(both.1);
    assert_eq!(store.batches().len(), before + 1, "the lane has ended");
}

/// A part of a batch can fail after it was committed: the store says that it is busy then, or that a row is broken. So
/// no command is the first that goes to the store again.
#[tokio::test]
async fn a_command_goes_to_the_store_as_the_first_only_once() {
    let (store, admission) = start(Limits::default());
    let [held, broken, sound] =
        [store.create(9).await, store.create(9).await, store.create(9).await];
    let submit = |event| {
        let (admission, command) = (admission.clone(), register(event, "ada"));
        tokio::spawn(async move { admission.submit(command).await })
    };
    store.hold(held);
    let waits = submit(held);
    tokio::time::sleep(SETTLE).await;
    store.release(held);
    confirmed(waits.await.expect("no panic"));

    store.broken.lock().expect("no panic").insert(broken);
    store.close_gate();
    let opens = submit(sound);
    tokio::time::sleep(SETTLE).await;
    let beside = [submit(broken), submit(held)];
    tokio::time::sleep(SETTLE).await;
    store.let_through(10);
    opens.await.expect("no panic").expect("it is answered");
    for answer in beside {
        drop(answer.await.expect("no panic"));
    }

    let mut sent: HashMap<_, Vec<bool>> = HashMap::new();
    for command in store.batches().concat() {
        sent.entry(command.registration_id()).or_default().push(command.is_first);
    }
    assert_eq!(sent.len(), 4);
    let again = sent.values().filter(|sent| sent.len() > 1).count();
    assert_eq!(again, 3, "the one that waited, and the two of the batch that failed: {sent:?}");
    for sent in sent.values() {
        let first = sent.iter().enumerate().map(|(at, is_first)| (at == 0) == *is_first);
        assert!(first.clone().all(|is_so| is_so), "{sent:?}");
    }
}

#[tokio::test]
async fn the_number_of_locked_events_waited_for_is_limited() {
    let limits = Limits { busy_events_max: 2, ..Limits::default() };
    let (store, admission) = start(limits);
    let free = store.create(100).await;
    let mut waiting = Vec::new();
    let mut held = Vec::new();
    for _ in 0..5 {
        let event = store.create(100).await;
        store.hold(event);
        held.push(event);
        waiting.push(submit(&admission, event, "waits").await);
    }
    tokio::time::sleep(SETTLE).await;
    // Each was skipped once, and two are waited for.
    assert_eq!(store.batches().len(), 5 + 2);
    confirmed(admission.submit(register(free, "goes")).await);
    for event in held {
        store.release(event);
    }
    for answer in waiting {
        confirmed(answer.await.expect("no panic"));
    }
}

#[tokio::test]
async fn a_broken_event_fails_alone() {
    let (store, admission) = start(Limits::default());
    let (broken, sound) = (store.create(100).await, store.create(100).await);
    store.broken.lock().expect("no panic").insert(broken);
    store.close_gate();
    let first = submit(&admission, sound, "first").await;
    tokio::time::sleep(SETTLE).await;
    let fails = submit(&admission, broken, "ada").await;
    let goes = submit(&admission, sound, "ada").await;
    store.let_through(10);
    confirmed(first.await.expect("no panic"));
    confirmed(goes.await.expect("no panic"));
    let failed = fails.await.expect("no panic");
    assert!(matches!(failed, Err(SubmitError::Store(StoreError::Broken(_)))), "{failed:?}");
}

/// Sent again, it could be refused by then, as if it had changed nothing.
#[tokio::test]
async fn a_command_of_unknown_outcome_is_answered_alone_and_not_sent_again() {
    let (store, admission) = start(Limits::default());
    let (unknown, known) = (store.create(100).await, store.create(100).await);
    store.unknown.lock().expect("no panic").insert(unknown);
    store.close_gate();
    let first = submit(&admission, known, "first").await;
    tokio::time::sleep(SETTLE).await;
    let lost = submit(&admission, unknown, "ada").await;
    let goes = submit(&admission, known, "ada").await;
    store.let_through(10);
    confirmed(first.await.expect("no panic"));
    confirmed(goes.await.expect("no panic"));
    let lost = lost.await.expect("no panic");
    assert!(matches!(lost, Err(SubmitError::Store(StoreError::CommitUnknown(_)))), "{lost:?}");
    assert_eq!(store.batches().concat().len(), 3, "each was sent once");
}

#[tokio::test]
async fn a_panicking_batch_has_an_unknown_outcome_and_the_queue_goes_on() {
    let (store, admission) = start(Limits::default());
    let event = store.create(100).await;
    store.panics.store(true, Ordering::SeqCst);
    let lost = admission.submit(register(event, "ada")).await;
    assert!(matches!(lost, Err(SubmitError::Store(StoreError::CommitUnknown(_)))), "{lost:?}");
    confirmed(admission.submit(register(event, "ada")).await);
}

#[tokio::test]
async fn draining_answers_accepted_commands_and_refuses_new_ones() {
    let (store, admission) = start(Limits::default());
    let event = store.create(100).await;
    store.close_gate();
    let mut taken = Vec::new();
    for n in 0..5 {
        taken.push(submit(&admission, event, &format!("in-{n}")).await);
    }
    let drained = {
        let admission = admission.clone();
        tokio::spawn(async move { admission.drain().await })
    };
    tokio::time::sleep(SETTLE).await;
    let refused = admission.submit(register(event, "late")).await;
    assert!(matches!(refused, Err(SubmitError::ShuttingDown)));
    assert!(!drained.is_finished());
    store.let_through(10);
    drained.await.expect("no panic");
    for answer in taken {
        assert!(answer.is_finished());
        confirmed(answer.await.expect("no panic"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_at_once_get_exactly_the_seats() {
    let (store, admission) = start(Limits::default());
    let event = store.create(1_000).await;
    let callers: Vec<_> = (0..5_000)
        .map(|n| {
            let admission = admission.clone();
            tokio::spawn(async move { admission.submit(register(event, n)).await })
        })
        .collect();
    let mut seats = 0;
    for caller in callers {
        match caller.await.expect("no panic").expect("there is room") {
            Outcome::Confirmed(_) => seats += 1,
            other => assert_eq!(other, Outcome::Refused(Refusal::SoldOut)),
        }
    }
    assert_eq!(seats, 1_000);
    assert!(store.batches().len() < 1_000, "they went in batches");
    assert_eq!(store.audit().await.expect("it answers").differences, []);
}

#[derive(Debug, Default)]
struct Notes(Mutex<Vec<String>>);

impl Observer for Notes {
    fn observe(&self, observation: Observation<'_>) {
        let note = match observation {
            Observation::BatchStarted { commands, .. } => format!("batch of {commands}"),
            Observation::BatchFailed(error) => format!("failed: {error}"),
            Observation::Shed => "shed".to_owned(),
            Observation::BatchesUnderWay { node: 0, batches: 0 | 1 } => return,
            other => panic!("not the queue's: {other:?}"),
        };
        self.0.lock().expect("no panic").push(note);
    }
}

#[tokio::test]
async fn the_queue_reports_to_its_observer() {
    let store = Arc::new(ScriptedStore::new());
    let notes = Arc::new(Notes::default());
    let limits = Limits { queue_commands_max: 3, ..Limits::default() };
    let admission = Admission::start_observed(store.clone(), limits, notes.clone());
    let event = store.create(9).await;
    assert_eq!((admission.depth(), admission.age()), (0, Duration::ZERO));
    store.close_gate();
    let mut accepted = vec![submit(&admission, event, "first").await];
    while store.batches().is_empty() {
        tokio::task::yield_now().await;
    }
    for who in ["second", "third"] {
        accepted.push(submit(&admission, event, who).await);
    }
    let fourth = admission.submit(register(event, "fourth")).await;
    assert!(matches!(fourth, Err(SubmitError::Overloaded)));
    assert!(admission.depth() == 3 && admission.age() > Duration::ZERO);
    store.let_through(10);
    for answer in accepted {
        confirmed(answer.await.expect("no panic"));
    }
    store.broken.lock().expect("no panic").insert(event);
    assert!(admission.submit(register(event, "fifth")).await.is_err());
    let expected =
        ["batch of 1", "shed", "batch of 2", "batch of 1", "failed: the store broke a rule"];
    assert_eq!(*notes.0.lock().expect("no panic"), expected);
    assert_eq!((admission.depth(), admission.age()), (0, Duration::ZERO));
}
