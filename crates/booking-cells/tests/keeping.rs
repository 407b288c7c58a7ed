//! A store that is one of many cells accepts new events of its own bytes, and no others; and their home stores the map.

mod common;

use booking_cells::{MoveError, Mover};
use booking_conformance::ManualClock;
use booking_core::prelude::*;
use booking_core::{
    Capacity, CapacityMax, CellBytes, EventId, EventName, Fingerprint, ForeignByte, IdempotencyKey,
    IdempotencyRecord, KeyHash, NewEvent, Outcome, Refusal, StoreError, StoredMap,
};
use common::{Backend, Unwatched, kinds, new_mover};
use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use uuid::Uuid;

/// More events than a test creates.
const EVERY_EVENT: usize = 1_000_000;
/// So many tasks create events at once.
const WRITERS: usize = 4;
/// How much of a storm is waited for before the next step.
const BURST: usize = 20;
/// How long it is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

const fn bytes(first: u8, last: u8) -> CellBytes {
    CellBytes { first, last }
}

fn called(id: EventId) -> NewEvent {
    let name = EventName::parse("Sale").expect("valid");
    NewEvent::new(id, name, Capacity::parse(3, CapacityMax::HIGHEST).expect("valid"))
}

fn ending_in(byte: u8) -> NewEvent {
    called(EventId::beside(&KeyHash::new([byte; 32]), Uuid::now_v7()))
}

fn key(number: u8, fingerprint: u8) -> IdempotencyKey {
    IdempotencyKey::new(KeyHash::new([number; 32]), Fingerprint::new([fingerprint; 32]))
}

fn map(version: u64, map: &str, next: Option<&str>) -> StoredMap {
    StoredMap { version, map: map.to_owned(), next: next.map(str::to_owned) }
}

/// Asserts that an event was refused because its id ends in `byte`, and for no other reason.
fn assert_foreign<T: Debug>(answer: Result<T, StoreError>, byte: u8) {
    let error = answer.expect_err("another cell is to have it");
    assert!(error.is_foreign_byte(), "{error:?}");
    let why = error.source().expect("it says why").to_string();
    assert_eq!(why, ForeignByte(byte).to_string());
}

async fn assign(store: &dyn MoveStore, version: u64, bytes: Option<CellBytes>) -> bool {
    store.keep_to_bytes(version, bytes).await.expect("it answers")
}

/// Whether an event that ends in `byte` is accepted. If not, it is refused with a key and without, and nothing of it
/// is left.
async fn accepts(store: &dyn MoveStore, byte: u8) -> bool {
    let new = ending_in(byte);
    let under_a_key = key(byte, Uuid::now_v7().as_bytes()[15]);
    match store.create_event(new.clone()).await {
        Ok(event) => {
            assert_eq!(event.id, new.id);
            true
        }
        refused => {
            assert_foreign(refused, byte);
            assert_foreign(store.create_event_once(new.clone(), under_a_key).await, byte);
            assert_eq!(store.event(new.id).await.expect("it answers"), None);
            false
        }
    }
}

async fn an_unassigned_store_accepts_any_event(kind: fn() -> Backend) {
    let backend = kind();
    let store = backend.open_to_move(None).await;
    for byte in [0x00, 0x01, 0x7f, 0x80, 0xff] {
        assert!(accepts(&*store, byte).await, "{byte:02x}");
    }
    assert_eq!(store.stored_map().await.expect("it answers"), None);
}

async fn a_store_accepts_only_its_latest_bytes(kind: fn() -> Backend) {
    let backend = kind();
    let store = backend.open_to_move(None).await;
    for (version, assigned) in [
        (1, Some(bytes(0x40, 0x7f))),
        // Of the same version: a caller that got no answer repeats it.
        (1, Some(bytes(0x40, 0x7f))),
        (2, Some(bytes(0x00, 0xff))),
        (7, None),
        (8, Some(bytes(0x80, 0x80))),
    ] {
        assert!(assign(&*store, version, assigned).await);
        for byte in [0x00, 0x3f, 0x40, 0x7f, 0x80, 0xff] {
            let is_own = assigned.is_some_and(|assigned| assigned.has(byte));
            assert_eq!(accepts(&*store, byte).await, is_own, "{byte:02x} of {assigned:?}");
        }
    }
}

/// A refusal is not stored as the answer: once the store may have the event, the same request creates it.
async fn a_refused_event_is_created_once_the_store_may_have_it(kind: fn() -> Backend) {
    let backend = kind();
    let store = backend.open_to_move(None).await;
    assert!(assign(&*store, 1, None).await);
    let new = ending_in(0xff);
    assert_foreign(store.create_event_once(new.clone(), key(0xff, 1)).await, 0xff);
    assert!(assign(&*store, 2, Some(bytes(0xff, 0xff))).await);
    let created = store.create_event_once(new.clone(), key(0xff, 1)).await.expect("it answers");
    assert!(matches!(&created, Outcome::EventChanged(event) if event.id == new.id), "{created:?}");
}

async fn an_earlier_map_changes_nothing(kind: fn() -> Backend) {
    let backend = kind();
    let store = backend.open_to_move(None).await;
    assert!(assign(&*store, 5, Some(bytes(0x00, 0x7f))).await);
    for (version, assigned) in [(4, Some(bytes(0x80, 0xff))), (0, None)] {
        assert!(!assign(&*store, version, assigned).await, "{version}");
        assert!(accepts(&*store, 0x7f).await, "{version}");
        assert!(!accepts(&*store, 0x80).await, "{version}");
    }
    assert!(store.keep_to_bytes(u64::MAX, None).await.is_err(), "it cannot be kept");
    assert!(assign(&*store, 5, None).await);
    assert!(!accepts(&*store, 0x7f).await);
    // The highest version that can be stored.
    assert!(assign(&*store, i64::MAX as u64, Some(bytes(0x00, 0x7f))).await);
    assert!(accepts(&*store, 0x7f).await);
}

async fn an_existing_event_is_returned_unchanged(kind: fn() -> Backend) {
    let backend = kind();
    let store = backend.open_to_move(None).await;
    let new = ending_in(0xff);
    let event = store.create_event(new.clone()).await.expect("it answers");
    assert!(assign(&*store, 1, Some(bytes(0x00, 0x7f))).await);
    assert_eq!(store.create_event(new.clone()).await.expect("it answers"), event);
    let changed = Outcome::EventChanged(Box::new(event));
    for _ in 0..2 {
        let assigned =
            store.create_event_once(new.clone(), key(0xff, 1)).await.expect("it answers");
        assert_eq!(assigned, changed);
    }
    // Under its key from then on, too.
    let again = store.create_event_once(ending_in(0xff), key(0xff, 1)).await.expect("it answers");
    assert_eq!(again, Outcome::Replayed(Box::new(changed)));
}

async fn a_repeated_request_gets_the_same_answer_for_a_day(kind: fn() -> Backend) {
    let (backend, clock) = (kind(), ManualClock::default());
    let store = backend.open_to_move(Some(clock.as_clock())).await;
    let new = ending_in(0xff);
    let created = store.create_event_once(new.clone(), key(0xff, 1)).await.expect("it answers");
    assert!(matches!(&created, Outcome::EventChanged(event) if event.id == new.id), "{created:?}");
    assert!(assign(&*store, 1, None).await);

    let valid_for = IdempotencyRecord::KEPT.num_microseconds().expect("a day");
    clock.advance_micros(valid_for - 1);
    let same = store.create_event_once(new, key(0xff, 1)).await.expect("it answers");
    assert_eq!(same, created);
    // A retry has a new id.
    let again = ending_in(0xff);
    let replayed = store.create_event_once(again.clone(), key(0xff, 1)).await.expect("it answers");
    assert_eq!(replayed, Outcome::Replayed(Box::new(created)));
    let other = store.create_event_once(again.clone(), key(0xff, 2)).await.expect("it answers");
    assert_eq!(other, Outcome::Refused(Refusal::KeyReused));

    clock.advance_micros(1);
    assert_foreign(store.create_event_once(again.clone(), key(0xff, 1)).await, 0xff);
    assert_eq!(store.event(again.id).await.expect("it answers"), None);
}

/// A mover with an old map is refused, as is a server that creates an event. In its former cell the event belongs to
/// another cell, and is not reported as moving: the caller has to find out which.
async fn an_event_is_moved_only_into_a_store_that_accepts_it(kind: fn() -> Backend) {
    let backends = [kind(), kind()];
    let (from, to) = (backends[0].open_to_move(None).await, backends[1].open_to_move(None).await);
    let new = ending_in(0xff);
    let event = from.create_event(new.clone()).await.expect("it answers");
    let mover = Mover {
        from: &*from,
        to: &*to,
        from_name: "there",
        to_name: "here",
        new_id: &new_mover,
        observer: &Unwatched,
    };
    for (version, assigned) in [(1, None), (2, Some(bytes(0x00, 0xfe)))] {
        assert!(assign(&*to, version, assigned).await);
        let refused = mover.move_event(event.id).await;
        assert!(matches!(refused, Err(MoveError::Taken)), "{refused:?}");
        assert_eq!(from.event(event.id).await.expect("it answers"), Some(event.clone()));
    }
    assert!(assign(&*to, 3, Some(bytes(0xff, 0xff))).await);
    mover.move_event(event.id).await.expect("nothing is in its way");
    assert_eq!(to.event(event.id).await.expect("it answers"), Some(event.clone()));
    assert!(assign(&*to, 4, None).await);
    assert_eq!(to.create_event(new.clone()).await.expect("it is there"), event);
    assert!(!accepts(&*to, 0xff).await);

    let moving = from.create_event(new.clone()).await.expect_err("it has left");
    assert!(matches!(moving, StoreError::Unavailable(_)), "{moving:?}");
    assert!(!moving.is_foreign_byte(), "{moving:?}");
    assert!(assign(&*from, 1, Some(bytes(0x00, 0x7f))).await);
    assert_foreign(from.create_event(new.clone()).await, 0xff);
    assert_foreign(from.create_event_once(new, key(0xff, 1)).await, 0xff);
}

/// Tasks that create events with ids of all kinds, until they are stopped.
#[derive(Default)]
struct Storm {
    is_over: AtomicBool,
    created: Mutex<BTreeSet<EventId>>,
    refused: AtomicUsize,
}

fn last_byte(id: EventId) -> u8 {
    ForeignByte::of(id).0
}

impl Storm {
    fn begin(store: &Arc<dyn MoveStore>) -> (Arc<Self>, JoinSet<()>) {
        let (storm, mut writers) = (Arc::new(Self::default()), JoinSet::new());
        for writer in 0..WRITERS {
            let (storm, store) = (Arc::clone(&storm), Arc::clone(store));
            writers.spawn(async move {
                while !storm.is_over.load(Ordering::SeqCst) {
                    storm.create(&*store, writer % 2 == 0).await;
                }
            });
        }
        (storm, writers)
    }

    async fn create(&self, store: &dyn MoveStore, has_key: bool) {
        let id = EventId::from(Uuid::now_v7());
        let made = match has_key {
            true => {
                let hash = [id.as_uuid().into_bytes(); 2].concat();
                let hash = KeyHash::new(hash.try_into().expect("32 bytes"));
                let key = IdempotencyKey::new(hash, Fingerprint::new([1; 32]));
                store.create_event_once(called(id), key).await.map(drop)
            }
            false => store.create_event(called(id)).await.map(drop),
        };
        match made {
            Ok(()) => drop(self.created.lock().expect("no panic").insert(id)),
            Err(error) if error.is_foreign_byte() => {
                self.refused.fetch_add(1, Ordering::SeqCst);
            }
            Err(error) => panic!("{error:?}"),
        }
    }

    /// How many were created whose byte `is_counted`.
    fn count(&self, is_counted: impl Fn(u8) -> bool) -> usize {
        let created = self.created.lock().expect("no panic");
        created.iter().filter(|id| is_counted(last_byte(**id))).count()
    }

    fn refused(&self) -> usize {
        self.refused.load(Ordering::SeqCst)
    }
}

/// Waits until a count has grown by a burst.
async fn until_more(what: &str, count: impl Fn() -> usize) {
    let enough = count() + BURST;
    let waiting = async {
        while count() < enough {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("no more {what}"));
}

async fn ids(store: &dyn MoveStore) -> BTreeSet<EventId> {
    let listed = store.events_to_move(None, EVERY_EVENT).await.expect("it answers");
    listed.into_iter().collect()
}

/// Once the store has answered that it is assigned some bytes, no event of other bytes is created any more, whichever
/// request was about to. That it is assigned, and which bytes, is checked before.
async fn no_event_of_another_cell_is_created_once_the_store_has_answered(kind: fn() -> Backend) {
    let backend = kind();
    let (store, telling) = (backend.open_to_move(None).await, backend.open_to_move(None).await);
    let (storm, writers) = Storm::begin(&store);
    let mut last_bytes = Some(bytes(0x00, 0xff));
    let tellings = [
        Some(bytes(0x00, 0x7f)),
        Some(bytes(0x40, 0x7f)),
        None,
        Some(bytes(0x20, 0xef)),
        Some(bytes(0x80, 0xef)),
        Some(bytes(0xc0, 0xcf)),
    ];
    for (version, assigned) in (1..).zip(tellings) {
        let has = |bytes: Option<CellBytes>, byte| bytes.is_some_and(|bytes| bytes.has(byte));
        let is_given_up = |byte| has(last_bytes, byte) && !has(assigned, byte);
        if last_bytes.is_some() {
            until_more("events that it is to put up no more", || storm.count(is_given_up)).await;
        }
        assert!(assign(&*telling, version, assigned).await);
        let then = ids(&*telling).await;
        until_more("events that are refused", || storm.refused()).await;
        if assigned.is_some() {
            until_more("events that are its own", || storm.count(|byte| has(assigned, byte))).await;
        }
        let later = ids(&*telling).await;
        let came: Vec<_> =
            later.difference(&then).filter(|id| !has(assigned, last_byte(**id))).collect();
        assert!(came.is_empty(), "{assigned:?}: {came:?}");
        last_bytes = assigned;
    }
    storm.is_over.store(true, Ordering::SeqCst);
    writers.join_all().await;
    let there = ids(&*store).await;
    assert_eq!(*storm.created.lock().expect("no panic"), there);
}

async fn the_home_replaces_only_the_map_that_was_read(kind: fn() -> Backend) {
    let backend = kind();
    let store = backend.open_to_move(None).await;
    let replace = async |before: Option<&StoredMap>, after: &StoredMap| {
        store.replace_map(before, after).await.expect("it answers")
    };
    let stored_map = async || store.stored_map().await.expect("it answers");
    let (first, second) = (map(1, "one", None), map(2, "two", None));
    assert!(!replace(Some(&first), &second).await, "there is none yet");
    assert_eq!(stored_map().await, None);
    assert!(replace(None, &first).await);
    assert!(replace(None, &first).await, "done again");
    assert!(!replace(None, &second).await, "there is one by now");
    assert_eq!(stored_map().await, Some(first.clone()));

    let begun = map(1, "one", Some("two"));
    for other in [map(2, "one", None), map(1, "two", None), begun.clone()] {
        assert!(!replace(Some(&other), &second).await, "{other:?}");
        assert_eq!(stored_map().await, Some(first.clone()));
    }
    for _ in 0..2 {
        assert!(replace(Some(&first), &begun).await);
        assert_eq!(stored_map().await, Some(begun.clone()));
    }
    assert!(!replace(Some(&first), &map(1, "one", Some("three"))).await, "somebody has begun");
    for other in [map(1, "one", Some("three")), first.clone()] {
        assert!(!replace(Some(&other), &second).await, "{other:?}");
    }
    for _ in 0..2 {
        assert!(replace(Some(&begun), &second).await);
        assert_eq!(stored_map().await, Some(second.clone()));
    }
    assert!(!replace(None, &first).await);
    assert!(replace(Some(&second), &second).await, "it is so already");
    assert!(replace(Some(&second), &first).await, "whatever the version: who asks knows");
    assert_eq!(stored_map().await, Some(first));
}

async fn a_map_that_is_too_long_is_refused(kind: fn() -> Backend) {
    let backend = kind();
    let store = backend.open_to_move(None).await;
    let (most, more) =
        ("\u{e9}".repeat(StoredMap::BYTES_MAX / 2), "x".repeat(StoredMap::BYTES_MAX + 1));
    let longest = map(i64::MAX as u64, &most, Some(&most));
    for _ in 0..2 {
        for too_long in [map(1, &more, None), map(1, "", Some(&more)), map(u64::MAX, "", None)] {
            let refused = store.replace_map(None, &too_long).await;
            assert!(matches!(refused, Err(StoreError::Broken(_))), "version {}", too_long.version);
            let refused = store.replace_map(Some(&longest), &too_long).await;
            assert!(matches!(refused, Err(StoreError::Broken(_))), "version {}", too_long.version);
        }
        assert!(store.replace_map(None, &longest).await.expect("it answers"));
        assert!(store.stored_map().await.expect("it answers").as_ref() == Some(&longest));
    }
    let least = map(0, "", Some(""));
    assert!(store.replace_map(Some(&longest), &least).await.expect("it answers"));
    assert_eq!(store.stored_map().await.expect("it answers"), Some(least));
}

async fn one_of_eight_concurrent_map_changes_succeeds(kind: fn() -> Backend) {
    const TASKS: usize = 8;
    let backend = kind();
    let stores = [backend.open_to_move(None).await, backend.open_to_move(None).await];
    let mut before: Option<StoredMap> = None;
    for round in 0..20 {
        let (together, mut tasks) = (Arc::new(Barrier::new(TASKS)), JoinSet::new());
        for task in 0..TASKS {
            let next = (task % 2 == 0).then(|| format!("next of {task}"));
            let after = map(round, &format!("that of {task}"), next.as_deref());
            let (store, before) = (Arc::clone(&stores[task / 2 % 2]), before.clone());
            let together = Arc::clone(&together);
            tasks.spawn(async move {
                together.wait().await;
                let replaced = store.replace_map(before.as_ref(), &after).await;
                replaced.expect("it answers").then_some(after)
            });
        }
        let won: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
        assert_eq!(won.len(), 1, "in round {round}: {won:?}");
        for store in &stores {
            assert_eq!(store.stored_map().await.expect("it answers").as_ref(), won.first());
        }
        before = won.into_iter().next();
    }
}

async fn a_reopened_store_knows_its_assignment(kind: fn() -> Backend) {
    let backend = kind();
    let assigned = map(3, "three", Some("four"));
    let store = backend.open_to_move(None).await;
    assert!(assign(&*store, 3, Some(bytes(0x00, 0x7f))).await);
    assert!(store.replace_map(None, &assigned).await.expect("it answers"));
    drop(store);
    let store = backend.open_to_move(None).await;
    assert_eq!(store.stored_map().await.expect("it answers"), Some(assigned));
    assert!(accepts(&*store, 0x7f).await);
    assert!(!accepts(&*store, 0x80).await);
    assert!(!assign(&*store, 2, None).await, "it was told so by a later map");
    assert!(accepts(&*store, 0x7f).await);
}

kinds! {
    a_map_that_is_too_long_is_refused
    a_repeated_request_gets_the_same_answer_for_a_day
    a_store_accepts_only_its_latest_bytes
    a_reopened_store_knows_its_assignment
    an_unassigned_store_accepts_any_event
    an_event_is_moved_only_into_a_store_that_accepts_it
    an_existing_event_is_returned_unchanged
    no_event_of_another_cell_is_created_once_the_store_has_answered
    one_of_eight_concurrent_map_changes_succeeds
    the_home_replaces_only_the_map_that_was_read
    an_earlier_map_changes_nothing
    a_refused_event_is_created_once_the_store_may_have_it
}
