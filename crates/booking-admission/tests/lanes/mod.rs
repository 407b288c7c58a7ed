//! Batches of different events side by side: when they run so, and that each event's order is kept.

use crate::scripted::{Executed, ScriptedStore, register, registration_of};
use crate::{AGE, Answer, OLDER, SETTLE, confirmed, start, submit};
use booking_admission::{Admission, Limits, SubmitError};
use booking_core::prelude::*;
use booking_core::{EventCommand, EventId, Outcome, RegistrationId, SeatLane, WhenBusy};
use futures_util::FutureExt;
use std::collections::{HashMap, HashSet};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{JoinSet, unconstrained};

/// As many as make a batch full enough to run beside another.
const FULL_ENOUGH: usize = 64;
const LONG: Duration = Duration::from_secs(600);
/// Longer than anything takes that need not wait.
const SOON: Duration = Duration::from_secs(20);

type Answering = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// Submits a command, which is queued when this returns; no other task runs meanwhile.
fn submit_now(admission: &Admission, command: EventCommand) -> Answering {
    let admission = admission.clone();
    let mut answering: Answering = Box::pin(async move { admission.submit(command).await });
    assert!((&mut answering).now_or_never().is_none(), "it waits");
    answering
}

fn sizes(store: &ScriptedStore) -> Vec<usize> {
    store.batches().iter().map(Vec::len).collect()
}

/// What is wrong with how commands were executed; `asked` has the order in which they were submitted.
fn faults(executed: &[Executed], asked: &[EventCommand]) -> Vec<String> {
    let mut faults = Vec::new();
    let events = |batch: &Executed| -> HashSet<EventId> {
        batch.batch.iter().map(|item| item.event_id).collect()
    };
    let end = |batch: &Executed| batch.ended.unwrap_or(usize::MAX);
    for (n, one) in executed.iter().enumerate() {
        let at_the_same_time = executed[n + 1..].iter().filter(|other| other.began < end(one));
        for other in at_the_same_time {
            for event in events(one).intersection(&events(other)) {
                faults.push(format!("{event} is in two batches at once"));
            }
        }
    }
    let order: HashMap<RegistrationId, usize> =
        asked.iter().enumerate().map(|(n, item)| (registration_of(item), n)).collect();
    let mut last: HashMap<EventId, usize> = HashMap::new();
    for (event, registration) in executed.iter().flat_map(|batch| &batch.decided) {
        let now = order[registration];
        if last.insert(*event, now).is_some_and(|before| before >= now) {
            faults.push(format!("command {now} of {event} is late, or is there twice"));
        }
    }
    faults
}

#[tokio::test]
async fn another_batch_begins_beside_one_only_if_it_is_full_enough() {
    let (store, admission) = start(Limits { batches_per_node: 4, ..Limits::default() });
    store.take_at_once(2);
    let [one, another, third] = [1, 2, 3].map(|last| store.create_ending(last));
    let (one, another, third) = (one.await, another.await, third.await);
    store.close_gate();
    let mut answers = vec![submit(&admission, one, "first").await];
    tokio::time::sleep(SETTLE).await;
    for n in 1..FULL_ENOUGH {
        answers.push(submit(&admission, another, &format!("few-{n}")).await);
    }
    tokio::time::sleep(SETTLE).await;
    assert_eq!(sizes(&store), [1], "they are too few");
    answers.push(submit(&admission, another, "enough").await);
    tokio::time::sleep(SETTLE).await;
    assert_eq!(sizes(&store), [1, FULL_ENOUGH]);
    for n in 0..FULL_ENOUGH {
        answers.push(submit(&admission, third, &format!("more-{n}")).await);
    }
    tokio::time::sleep(SETTLE).await;
    assert_eq!(sizes(&store), [1, FULL_ENOUGH], "the store has no use for more");
    store.let_through(10);
    for answer in answers {
        confirmed(answer.await.expect("no panic"));
    }
    assert_eq!(sizes(&store), [1, FULL_ENOUGH, FULL_ENOUGH]);
}

#[tokio::test]
async fn a_store_with_one_writer_gets_one_batch_at_a_time() {
    let (store, admission) = start(Limits { batches_per_node: 4, ..Limits::default() });
    let (one, another) = (store.create_ending(1).await, store.create_ending(2).await);
    store.close_gate();
    let mut answers = vec![submit_now(&admission, register(one, "first"))];
    tokio::time::sleep(SETTLE).await;
    answers.extend((0..200).map(|n| submit_now(&admission, register(another, n))));
    tokio::time::sleep(SETTLE).await;
    assert_eq!(sizes(&store), [1]);
    store.let_through(10);
    for answer in answers {
        confirmed(answer.await);
    }
    assert_eq!(sizes(&store), [1, 200]);
}

#[tokio::test]
async fn commands_for_several_batches_are_shared_among_them() {
    let (store, admission) = start(Limits { batches_per_node: 4, ..Limits::default() });
    store.take_at_once(4);
    store.close_gate();
    let mut events = Vec::new();
    for last in 0..16 {
        events.push(store.create_ending(last).await);
    }
    let commands = events.iter().flat_map(|event| (0..16).map(move |n| register(*event, n)));
    let answers: Vec<_> = commands.map(|command| submit_now(&admission, command)).collect();
    tokio::time::sleep(SETTLE).await;
    assert_eq!(sizes(&store), [FULL_ENOUGH; 4]);
    assert_eq!(admission.depth(), 4 * FULL_ENOUGH);
    store.let_through(4);
    for answer in answers {
        confirmed(answer.await);
    }
    assert_eq!(sizes(&store), [FULL_ENOUGH; 4]);
}

#[tokio::test]
async fn a_lane_waits_for_its_event_under_way_and_counts_into_the_queue_age() {
    let limits = Limits { batches_per_node: 4, queue_full_age: AGE, ..Limits::default() };
    let (store, admission) = start(limits);
    store.take_at_once(4);
    let (event, beside, other) =
        (store.create_ending(7).await, store.create_ending(7).await, store.create_ending(8).await);
    store.close_gate();
    let mut answers = vec![submit_now(&admission, register(event, "first"))];
    tokio::time::sleep(SETTLE).await;
    // So many that the driver looks at them and takes them out of the queue.
    for n in 0..FULL_ENOUGH / 2 {
        answers.push(submit_now(&admission, register(event, format!("same-{n}"))));
        answers.push(submit_now(&admission, register(beside, format!("beside-{n}"))));
    }
    tokio::time::sleep(SETTLE).await;
    assert_eq!(sizes(&store), [1]);
    assert!(admission.age() >= SETTLE / 2, "{:?}", admission.age());
    tokio::time::sleep(OLDER).await;
    let shed = admission.submit(register(other, "late")).await;
    assert!(matches!(shed, Err(SubmitError::Overloaded)), "{shed:?}");
    let drained = {
        let admission = admission.clone();
        tokio::spawn(async move { admission.drain().await })
    };
    store.let_through(10);
    drained.await.expect("no panic");
    for answer in answers {
        confirmed(answer.await);
    }
    assert_eq!(sizes(&store), [1, FULL_ENOUGH]);
    assert_eq!((admission.depth(), admission.age()), (0, Duration::ZERO));
}

#[tokio::test]
async fn a_batch_is_of_one_cell_and_nodes_do_not_wait_for_each_other() {
    let (store, admission) = start(Limits::default());
    let (here, too, there) =
        (store.create_ending(1).await, store.create_ending(2).await, store.create_ending(3).await);
    store.put(too, SeatLane { node: 0, cell: 1 });
    store.put(there, SeatLane { node: 1, cell: 2 });
    for event in [here, too, there] {
        confirmed(admission.submit(register(event, "ada")).await);
    }
    store.close_gate();
    let mut answers = vec![submit(&admission, here, "grace").await];
    tokio::time::sleep(SETTLE).await;
    for n in 0..5 {
        for event in [here, too, there] {
            answers.push(submit(&admission, event, &format!("one-{n}")).await);
        }
    }
    tokio::time::sleep(SETTLE).await;
    let under_way = store.batches().split_off(3);
    assert_eq!(under_way.len(), 2, "one on each node");
    assert_eq!((under_way[0][0].event_id, under_way[1][0].event_id), (here, there));
    store.let_through(20);
    for answer in answers {
        confirmed(answer.await.expect("no panic"));
    }
    for batch in store.batches() {
        let cells: HashSet<_> = batch.iter().map(|item| store.lane_of(item.event_id)).collect();
        assert_eq!(cells.len(), 1, "{batch:?}");
    }
}

/// A node whose batches never end, and one beside it, with one event on each.
async fn one_away(limits: Limits) -> (Arc<ScriptedStore>, Admission, EventId, EventId) {
    let (store, admission) = start(limits);
    let (away, there) = (store.create_ending(1).await, store.create_ending(2).await);
    store.put(away, SeatLane { node: 1, cell: 1 });
    for event in [away, there] {
        confirmed(admission.submit(register(event, "first")).await);
    }
    store.close_gate();
    (store, admission, away, there)
}

#[tokio::test]
async fn an_unresponsive_node_fills_the_queue_only_for_itself() {
    let (store, admission, away, there) =
        one_away(Limits { queue_full_age: AGE, ..Limits::default() }).await;
    let mut answers = vec![submit(&admission, away, "under-way").await];
    tokio::time::sleep(SETTLE).await;
    answers.push(submit(&admission, away, "waits").await);
    tokio::time::sleep(OLDER).await;
    assert!(admission.age() >= OLDER, "{:?}", admission.age());
    let shed = admission.submit(register(away, "late")).await;
    assert!(matches!(shed, Err(SubmitError::Overloaded)), "{shed:?}");
    answers.push(submit(&admission, there, "elsewhere").await);
    tokio::time::sleep(SETTLE).await;
    let last = store.batches().pop().expect("there are some");
    assert_eq!(last.iter().map(|item| item.event_id).collect::<Vec<_>>(), [there]);
    store.let_through(10);
    for answer in answers {
        confirmed(answer.await.expect("no panic"));
    }
    assert_eq!((admission.depth(), admission.age()), (0, Duration::ZERO));
}

#[tokio::test]
async fn commands_waiting_for_one_node_leave_room_for_others() {
    let (store, admission, away, there) =
        one_away(Limits { queue_commands_max: 8, ..Limits::default() }).await;
    let mut answers = vec![submit(&admission, away, "under-way").await];
    tokio::time::sleep(SETTLE).await;
    answers.extend((0..4).map(|n| submit_later(&admission, away, n)));
    tokio::time::sleep(SETTLE).await;
    let shed = admission.submit(register(away, "too-many")).await;
    assert!(matches!(shed, Err(SubmitError::Overloaded)), "{shed:?}");
    answers.extend((0..3).map(|n| submit_later(&admission, there, n)));
    tokio::time::sleep(SETTLE).await;
    let shed = admission.submit(register(there, "full")).await;
    assert!(matches!(shed, Err(SubmitError::Overloaded)), "now it is full: {shed:?}");
    store.let_through(10);
    for answer in answers {
        confirmed(answer.await.expect("no panic"));
    }
    assert_eq!(admission.depth(), 0);
}

fn submit_later(
    admission: &Admission,
    event: EventId,
    who: usize,
) -> tokio::task::JoinHandle<Answer> {
    tokio::spawn(submit_now(admission, register(event, who)))
}

#[tokio::test]
async fn locked_events_of_one_node_do_not_delay_another_node() {
    let (store, admission) = start(Limits { busy_events_max: 1, ..Limits::default() });
    let (away, there) = (store.create_ending(1).await, store.create_ending(2).await);
    store.put(away, SeatLane { node: 1, cell: 1 });
    store.hold(away);
    store.hold(there);
    let of_away = submit(&admission, away, "ada").await;
    tokio::time::sleep(SETTLE).await;
    let of_there = submit(&admission, there, "ada").await;
    tokio::time::sleep(SETTLE).await;
    store.release(there);
    confirmed(tokio::time::timeout(SOON, of_there).await.expect("it is free").expect("no panic"));
    store.release(away);
    confirmed(of_away.await.expect("no panic"));
}

/// Bursts of commands for events that share lanes and cells, while batches take a while, fail and panic, an event is
/// held now and then, another is broken, and events may move.
async fn play(seed: u64, moves: bool) {
    let mut rng = fastrand::Rng::with_seed(seed);
    let limits = Limits {
        batches_per_node: rng.usize(1..=4),
        batch_commands_max: rng.usize(1..=40),
        queue_full_age: LONG,
        queue_age_max: LONG,
        ..Limits::default()
    };
    let (store, admission) = start(limits);
    store.take_at_once(rng.usize(1..=4));
    let place = |rng: &mut fastrand::Rng| {
        let cell = rng.u16(0..4);
        SeatLane { node: cell / 2, cell }
    };
    let mut events = Vec::new();
    for _ in 0..10 {
        let event = store.create_ending(rng.u8(0..6)).await;
        store.put(event, place(&mut rng));
        events.push(event);
    }
    let (held, broken) = (events[0], events[1]);
    if rng.bool() {
        store.broken.lock().expect("no panic").insert(broken);
    }
    store.leave_to_chance(seed);
    let (mut asked, mut answers) = (Vec::new(), Vec::new());
    while asked.len() < 300 {
        for _ in 0..rng.usize(1..=60) {
            let command = register(events[rng.usize(0..events.len())], asked.len());
            answers.push(submit_now(&admission, command.clone()));
            asked.push(command);
        }
        match rng.u8(0..8) {
            0 => store.hold(held),
            1 => store.release(held),
            2 | 3 if moves => store.put(events[rng.usize(0..events.len())], place(&mut rng)),
            _ => {}
        }
        tokio::time::sleep(Duration::from_millis(rng.u64(0..4))).await;
    }
    store.release(held);
    admission.drain().await;

    let executed = store.executed();
    assert_eq!(faults(&executed, &asked), [] as [String; 0], "seed {seed}");
    let decided: HashSet<_> = executed.iter().flat_map(|batch| &batch.decided).copied().collect();
    let mut confirmed = 0;
    for (command, answer) in asked.iter().zip(answers) {
        // After draining, every caller is answered. They are too many to be polled in one turn of a task.
        match unconstrained(answer).now_or_never().expect("it is answered") {
            Ok(Outcome::Confirmed(seat)) => {
                assert_eq!(seat.id, registration_of(command), "seed {seed}: another's answer");
                assert!(decided.contains(&(command.event_id, seat.id)));
                confirmed += 1;
            }
            Err(SubmitError::Store(_)) => {
                let it = (command.event_id, registration_of(command));
                assert!(!decided.contains(&it), "seed {seed}: it has a seat, and was not told");
            }
            other => panic!("seed {seed}: {other:?}"),
        }
    }
    assert_eq!(confirmed, decided.len(), "seed {seed}");
    assert_eq!(store.audit().await.expect("it answers").differences, []);
    if !moves {
        for Executed { batch, .. } in &executed {
            let cells: HashSet<_> = batch.iter().map(|item| store.lane_of(item.event_id)).collect();
            assert_eq!(cells.len(), 1, "seed {seed}: a batch of several cells");
        }
    }
}

#[tokio::test]
async fn every_command_is_answered_once_and_in_its_events_order() {
    for seed in 0..12 {
        play(seed, false).await;
    }
}

#[tokio::test]
async fn an_events_order_is_kept_while_it_moves() {
    for seed in 100..112 {
        play(seed, true).await;
    }
}

/// The negative controls: a driver without lanes is caught.
#[tokio::test]
async fn batches_without_lanes_are_caught() {
    for at_once in [true, false] {
        let store = Arc::new(ScriptedStore::new());
        let mut asked = Vec::new();
        for last in 0..10 {
            let event = store.create_ending(last).await;
            asked.extend((0..20).map(|n| register(event, n)));
        }
        fastrand::Rng::with_seed(1).shuffle(&mut asked);
        if at_once {
            // All of them side by side.
            store.leave_to_chance(1);
            let mut batches = JoinSet::new();
            for batch in asked.chunks(10) {
                let (store, batch) = (Arc::clone(&store), batch.to_vec());
                batches.spawn(async move { store.execute(&batch, WhenBusy::Skip).await });
            }
            while batches.join_next().await.is_some() {}
        } else {
            // One after the other, the last ones first.
            for batch in asked.chunks(10).rev() {
                store.execute(batch, WhenBusy::Skip).await.expect("it answers");
            }
        }
        let faults = faults(&store.executed(), &asked);
        let is_expected = |fault: &String| fault.contains("at once") == at_once;
        assert!(faults.iter().any(is_expected), "{at_once}: {faults:?}");
    }
}
