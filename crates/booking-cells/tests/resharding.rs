//! Cells are split, moved and dropped while they sell, and each event is in one place wherever the change is
//! stopped.

mod common;

use booking_cells::{
    CellMap, CellStore, ChangeState, EVENTS_AT_ONCE, MapChange, MoveError, MoveObserver, Moved,
    Mover, ReshardError, Resharder, Step, change_state, count_to_go,
};
use booking_conformance::ManualClock;
use booking_core::prelude::*;
use booking_core::{
    Caller, Capacity, CapacityMax, Claim, Command, EmailAddress, Event, EventCommand, EventId,
    EventName, Execution, Fingerprint, IdempotencyKey, KeyHash, MOVE_LEASE, NewEvent, NewToken,
    Organizer, OrganizerId, OrganizerName, Outcome, PageLimit, Refusal, RegistrationId, StoreError,
    TokenHash, TokenId, WhenBusy,
};
use common::{Backend, Meanwhile, Until, map, mover, named, new_cell, new_mover, now};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

/// Lets a move go on for so many steps.
struct Steps(AtomicUsize);

impl MoveObserver for Steps {
    fn reached(&self, _: EventId, _: Step) -> bool {
        self.0.fetch_sub(1, Ordering::SeqCst) > 0
    }

    fn failed(&self, event: EventId, error: &MoveError) {
        // A move that was stopped has a lease, which has to expire.
        let may_be = matches!(error, MoveError::Taken | MoveError::TooSlow | MoveError::Arriving);
        assert!(may_be, "{event}: {error:?}");
    }
}

/// Two cells and a place for a third, which servers share.
struct Places {
    stores: Vec<(&'static str, Arc<dyn MoveStore>)>,
    first: CellMap,
    _backends: Vec<Backend>,
}

impl Places {
    async fn of(kinds: [fn() -> Backend; 3]) -> Self {
        Self::by_clock(kinds, None).await
    }

    async fn by_clock(kinds: [fn() -> Backend; 3], clock: Option<&ManualClock>) -> Self {
        let backends: Vec<Backend> = kinds.map(|kind| kind()).into();
        let mut stores = Vec::new();
        for (name, backend) in ["c0", "c1", "new"].into_iter().zip(&backends) {
            let clock = clock.map(ManualClock::as_clock);
            stores.push((name, backend.open_to_move(clock).await));
        }
        let places = Self { stores, first: map(2), _backends: backends };
        let state = change_state(places.home(), &places.first).await.expect("the home answers");
        assert_eq!(state, ChangeState::Settled(places.first.clone()));
        places
    }

    fn home(&self) -> &dyn MoveStore {
        &*self.stores[0].1
    }

    fn store(&self, cell: &str) -> &Arc<dyn MoveStore> {
        let found = self.stores.iter().find(|(name, _)| *name == cell);
        &found.expect("it is one of them").1
    }

    fn stores_of(&self, map: &CellMap) -> Vec<Arc<dyn BookingStore>> {
        let store = |cell: &str| Arc::clone(self.store(cell)) as Arc<dyn BookingStore>;
        map.all().map(|cell| store(cell.name.as_str())).collect()
    }

    /// A server that uses `map`.
    fn server(&self, map: &CellMap) -> CellStore {
        CellStore::new(map, self.stores_of(map))
    }

    /// The state of the change of the map.
    async fn state(&self) -> ChangeState {
        change_state(self.home(), &self.first).await.expect("the home answers")
    }

    /// The map that servers use.
    async fn map(&self) -> CellMap {
        match self.state().await {
            ChangeState::Settled(map) | ChangeState::Changing(map) => map,
            ChangeState::Publishing { before, .. } => before,
        }
    }

    fn resharder<'a>(&'a self, map: &CellMap, steps: &'a Steps) -> Resharder<'a> {
        let change = map.change().expect("there is one");
        Resharder {
            home: self.home(),
            from: &**self.store(change.from.as_str()),
            to: &**self.store(change.to.as_str()),
            seen_within: Duration::ZERO,
            new_id: &new_mover,
            observer: steps,
        }
    }

    async fn publish(&self, change: &MapChange) -> CellMap {
        let after = self.map().await.changed(change).expect("it can be");
        let steps = Steps(AtomicUsize::new(0));
        let published = self.resharder(&after, &steps).publish(&self.map().await, &after).await;
        published.expect("nothing is in its way");
        after
    }

    async fn go_on(&self, map: &CellMap, steps: usize) -> Result<Moved, ReshardError> {
        let steps = Steps(AtomicUsize::new(steps));
        self.resharder(map, &steps).go_on(map).await
    }

    /// How many cells serve an event.
    async fn served(&self, event: EventId) -> usize {
        let mut served = 0;
        for (_, store) in &self.stores {
            served += usize::from(store.event(event).await.expect("it answers").is_some());
        }
        served
    }
}

fn split() -> MapChange {
    MapChange::Split { cell: named("c1"), at: 0xa0, to: new_cell("new") }
}

fn moved() -> MapChange {
    MapChange::Move { cell: named("c1"), to: new_cell("new") }
}

fn dropped() -> MapChange {
    MapChange::Drop { cell: named("c1") }
}

/// A new event whose id ends in a byte.
fn event_ending_in(byte: u8) -> NewEvent {
    let mut id = Uuid::now_v7().into_bytes();
    id[15] = byte;
    let name = EventName::parse("Sale").expect("valid");
    let seats = Capacity::parse(1_000, CapacityMax::HIGHEST).expect("valid");
    NewEvent::new(Uuid::from_bytes(id).into(), name, seats)
}

fn key(first: u8, last: u8) -> IdempotencyKey {
    let mut hash = [first; 32];
    hash[31] = last;
    IdempotencyKey::new(KeyHash::new(hash), Fingerprint::new([7; 32]))
}

fn register(event: EventId, who: &str) -> (RegistrationId, EventCommand) {
    let id = RegistrationId::beside(event, Uuid::now_v7());
    let address = EmailAddress::parse(&format!("{who}@example.org")).expect("valid");
    let claim = Claim::new(id, address);
    (id, EventCommand::new(event, Caller::Anyone, Command::Register(claim.into())))
}

/// Sells a seat, and retries as long as the event is on its way.
async fn sell(server: &CellStore, event: EventId, who: &str) -> RegistrationId {
    let (id, command) = register(event, who);
    loop {
        let executed = server.execute(std::slice::from_ref(&command), WhenBusy::Wait).await;
        match executed.expect("the cells answer").remove(0) {
            Execution::Decided(Outcome::Refused(Refusal::EventMoving)) | Execution::Busy => {
                sleep(Duration::from_millis(5)).await;
            }
            // It left after its cell was looked up.
            Execution::Decided(Outcome::Refused(Refusal::EventNotFound)) => {
                assert!(server.is_moving(event).await.expect("it answers"), "{event} is lost");
                sleep(Duration::from_millis(5)).await;
            }
            Execution::Unknown => panic!("no commit was lost"),
            Execution::Decided(outcome) => {
                assert!(outcome.registration().is_some(), "{outcome:?}");
                return id;
            }
        }
    }
}

async fn create(server: &CellStore, byte: u8) -> Event {
    server.create_event(event_ending_in(byte)).await.expect("it answers")
}

/// All events that a server lists.
async fn listed(server: &CellStore) -> Vec<EventId> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let limit = PageLimit::parse(3).expect("a valid limit");
        let page = server.events(Caller::Operator, after, limit).await.expect("it answers");
        assert!(page.missing.is_empty());
        all.extend(page.items.iter().map(|event| event.id));
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
}

/// Sells until it is stopped, and returns what it sold.
async fn sell_on(
    server: Arc<CellStore>,
    events: Vec<EventId>,
    stop: Arc<AtomicBool>,
) -> Vec<RegistrationId> {
    let mut sold = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        for event in &events {
            sold.push(sell(&server, *event, &format!("who{}", sold.len())).await);
        }
    }
    sold
}

async fn a_change_loses_no_sale(kinds: [fn() -> Backend; 3], change: MapChange) {
    let places = Places::of(kinds).await;
    let before = places.map().await;
    let server = Arc::new(places.server(&before));
    let mut events = Vec::new();
    for byte in [0x00, 0x7f, 0x80, 0x9f, 0xa0, 0xc0, 0xff] {
        events.push(create(&server, byte).await.id);
    }
    let stop = Arc::new(AtomicBool::new(false));
    let selling = tokio::spawn(sell_on(Arc::clone(&server), events.clone(), Arc::clone(&stop)));
    sleep(Duration::from_millis(50)).await;

    let after = places.publish(&change).await;
    server.install(&after, places.stores_of(&after));
    let done = places.go_on(&after, usize::MAX).await.expect("nothing is in its way");
    let change = after.change().expect("there is one");
    let is_to_go = |event: &&EventId| {
        let [.., byte] = event.as_uuid().into_bytes();
        change.bytes.has(byte)
    };
    assert_eq!(done, Moved { moved: events.iter().filter(is_to_go).count() as u64, failed: 0 });
    let settled = places.map().await;
    assert_eq!(settled, after.settled());
    sleep(Duration::from_millis(50)).await;
    server.install(&settled, places.stores_of(&settled));
    sleep(Duration::from_millis(50)).await;
    stop.store(true, Ordering::Relaxed);
    let sold = selling.await.expect("it sells");
    assert!(sold.len() > events.len(), "{}", sold.len());

    // A server that starts only now finds all of it.
    let server = places.server(&settled);
    for id in &sold {
        assert!(server.registration(*id).await.expect("it answers").is_some(), "{id} is lost");
    }
    let booked = |event: Option<Event>| u64::from(event.expect("it is there").booked_count);
    let mut all = 0;
    for event in &events {
        all += booked(server.event(*event).await.expect("it answers"));
        assert_eq!(places.served(*event).await, 1);
    }
    assert_eq!(all, sold.len() as u64);
    let audit = server.audit().await.expect("the cells answer");
    assert!(audit.differences.is_empty(), "{audit:?}");
    let mut expected = events.clone();
    expected.reverse();
    assert_eq!(listed(&server).await, expected);
}

/// A test of each of the changes, on cells of each kind.
macro_rules! on_all {
    ($($test:ident: $run:ident, $change:ident;)*) => {
        $(
            mod $test {
                use super::*;

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn on_sqlite() {
                    $run([Backend::sqlite; 3], $change()).await;
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn on_postgres() {
                    $run([Backend::postgres; 3], $change()).await;
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn from_sqlite_to_postgres() {
                    $run([Backend::postgres, Backend::sqlite, Backend::postgres], $change()).await;
                }
            }
        )*
    };
}

on_all! {
    a_cell_is_split_while_it_sells: a_change_loses_no_sale, split;
    a_cell_is_moved_while_it_sells: a_change_loses_no_sale, moved;
    a_cell_is_dropped_while_it_sells: a_change_loses_no_sale, dropped;
    a_stopped_change_is_gone_on_with: a_stopped_change_is_resumed, split;
    a_stopped_move_is_gone_on_with: a_stopped_change_is_resumed, moved;
}

/// Wherever the change is stopped, each event can be had from every server that uses the newest
/// map.
async fn a_stopped_change_is_resumed(kinds: [fn() -> Backend; 3], change: MapChange) {
    let clock = ManualClock::default();
    let places = Places::by_clock(kinds, Some(&clock)).await;
    let server = places.server(&places.map().await);
    let mut events = Vec::new();
    for byte in [0x10, 0xa0, 0xff] {
        let event = create(&server, byte).await.id;
        sell(&server, event, "ada").await;
        events.push(event);
    }
    let after = places.publish(&change).await;
    server.install(&after, places.stores_of(&after));
    let mut stopped = 0;
    loop {
        // One step further each time: completed steps are not repeated, but for the copy of an event whose move was
        // stopped.
        let went = places.go_on(&after, stopped).await;
        for event in &events {
            assert!(places.served(*event).await <= 1, "{event} is in two cells");
        }
        match went {
            Ok(Moved { failed: 0, .. }) => break,
            Ok(_) | Err(ReshardError::Stopped) => stopped += 1,
            Err(error) => panic!("{error:?}"),
        }
        assert_eq!(places.state().await, ChangeState::Changing(after.clone()));
        assert!(stopped < 200, "it never ends");
        // The mover that was stopped has a lease.
        clock.advance_micros(MOVE_LEASE.num_microseconds().expect("it is short") + 1);
    }
    assert!(stopped > 5, "the control: it was stopped only {stopped} times");
    assert_eq!(places.state().await, ChangeState::Settled(after.settled()));
    for event in events {
        sell(&server, event, "bob").await;
        assert_eq!(places.served(event).await, 1);
    }
    // It is safe to repeat, too.
    assert_eq!(places.go_on(&after, usize::MAX).await.expect("it is done"), Moved::default());
}

/// A publisher is killed at any moment: the next one ends its publication, and no other change can begin before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_publisher_ends_a_publication() {
    let places = Arc::new(Places::of([Backend::postgres; 3]).await);
    let mut seen = HashSet::new();
    for round in 0..40_u64 {
        let before = places.map().await;
        let change = match round % 2 {
            0 => MapChange::Split { cell: named("c1"), at: 0xa0, to: new_cell("new") },
            _ => MapChange::Drop { cell: named("new") },
        };
        let after = before.changed(&change).expect("it can be");
        let killed = {
            let (places, before, after) = (Arc::clone(&places), before.clone(), after.clone());
            tokio::spawn(async move {
                let steps = Steps(AtomicUsize::new(0));
                let _ = places.resharder(&after, &steps).publish(&before, &after).await;
            })
        };
        sleep(Duration::from_micros(350 * round)).await;
        killed.abort();
        // What it has sent may still be on its way.
        let _ = killed.await;
        sleep(Duration::from_millis(20)).await;

        let state = places.state().await;
        seen.insert(match &state {
            ChangeState::Settled(_) => 0,
            ChangeState::Publishing { .. } => 1,
            ChangeState::Changing(_) => 2,
        });
        let steps = Steps(AtomicUsize::new(usize::MAX));
        let resharder = places.resharder(&after, &steps);
        if let ChangeState::Publishing { before: begun_before, after: begun } = &state {
            assert_eq!((begun_before, begun), (&before, &after));
            let other = MapChange::Move { cell: named("c1"), to: new_cell("another") };
            let other = before.changed(&other).expect("it can be");
            let refused = resharder.publish(&before, &other).await;
            assert!(matches!(refused, Err(ReshardError::Changed)), "{refused:?}");
        }
        for _ in 0..2 {
            resharder.publish(&before, &after).await.expect("nothing is in its way");
        }
        assert_eq!(places.state().await, ChangeState::Changing(after.clone()));
        resharder.go_on(&after).await.expect("nothing is in its way");
        assert_eq!(places.state().await, ChangeState::Settled(after.settled()));
    }
    assert!(seen.len() > 1, "it was always killed at the same point: {seen:?}");
}

/// A server with the map before neither creates another cell's event, nor finds an event in two places.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_with_an_old_map_is_refused_and_notified() {
    for kind in [Backend::sqlite as fn() -> Backend, Backend::postgres] {
        let places = Places::of([kind; 3]).await;
        let first = places.map().await;
        let (old, new) = (places.server(&first), places.server(&first));
        let event = create(&old, 0xb0).await;
        let sold = sell(&old, event.id, "ada").await;

        let after = places.publish(&split()).await;
        new.install(&after, places.stores_of(&after));
        let refused = old.create_event(event_ending_in(0xb1)).await;
        assert!(matches!(&refused, Err(error) if error.is_foreign_byte()), "{refused:?}");
        tokio::time::timeout(Duration::from_secs(5), old.outdated()).await.expect("it learns so");
        // All else goes on, and an event that was there may be created again under its id.
        create(&old, 0x81).await;
        let mut again = event_ending_in(0);
        again = again.with(|again| again.id = event.id).expect("valid");
        for server in [&old, &new] {
            let found = server.create_event(again.clone()).await.expect("it answers");
            assert_eq!(found.created_at, event.created_at);
            sell(server, event.id, &format!("bob{server:p}")).await;
        }
        let made = create(&new, 0xb2).await;
        let unknown = old.event(made.id).await.expect("it answers");
        assert_eq!(unknown, None, "it is where this one does not look");

        places.go_on(&after, usize::MAX).await.expect("nothing is in its way");
        assert_eq!(old.event(event.id).await.expect("it answers"), None);
        assert!(old.is_moving(event.id).await.expect("it answers"), "it is not lost");
        let (_, command) = register(event.id, "eve");
        let executed = old.execute(&[command], WhenBusy::Wait).await.expect("it answers");
        let is_moving =
            matches!(executed[0], Execution::Decided(Outcome::Refused(Refusal::EventMoving)));
        assert!(is_moving, "{executed:?}");
        let found = new.registration(sold).await.expect("it answers");
        assert_eq!(found.map(|found| found.event_id), Some(event.id));
        let settled = places.map().await;
        old.install(&settled, places.stores_of(&settled));
        sell(&old, event.id, "eve").await;
        create(&old, 0xb3).await;
    }
}

/// A request that created an event gets the same answer before, while and after that event moves.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_answered_throughout_a_move() {
    let all: [[fn() -> Backend; 3]; 3] = [
        [Backend::sqlite; 3],
        [Backend::postgres; 3],
        [Backend::postgres, Backend::sqlite, Backend::postgres],
    ];
    for kinds in all {
        let places = Places::of(kinds).await;
        let server = places.server(&places.map().await);
        let create = async |key| match server.create_event_once(event_ending_in(0x01), key).await {
            Ok(Outcome::EventChanged(event)) => event.id,
            Ok(Outcome::Replayed(before)) => match *before {
                Outcome::EventChanged(event) => event.id,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        };
        let (before, meanwhile) = (key(1, 0xb0), key(2, 0xb0));
        let first = create(before).await;
        let after = places.publish(&split()).await;
        server.install(&after, places.stores_of(&after));
        assert_eq!(create(before).await, first);
        let second = create(meanwhile).await;
        assert_eq!(create(meanwhile).await, second);
        assert!(places.store("new").event(second).await.expect("it answers").is_some());
        places.go_on(&after, usize::MAX).await.expect("nothing is in its way");
        for _ in 0..2 {
            assert_eq!((create(before).await, create(meanwhile).await), (first, second));
            let settled = places.map().await;
            server.install(&settled, places.stores_of(&settled));
        }
        for event in [first, second] {
            assert_eq!(places.served(event).await, 1);
        }
        assert_eq!(listed(&server).await.len(), 2);
    }
}

/// Stops a move when an event is in neither cell.
const STOPS_BETWEEN: Until = Until(|step| step == Step::HandedOver);

/// An event that is on its way into a cell from a store outside, by a mover that slept, may arrive there after the cell
/// has lost its byte. No server would look for it there once the change has ended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_ends_only_once_nothing_can_arrive_any_more() {
    for kind in [Backend::sqlite as fn() -> Backend, Backend::postgres] {
        let places = Places::of([kind; 3]).await;
        let outside = kind();
        let outside = outside.open_to_move(None).await;
        let event = outside.create_event(event_ending_in(0xb0)).await.expect("it answers").id;
        let before = places.map().await;
        let after = before.changed(&split()).expect("it can be");
        let sleeps = Meanwhile(|step| {
            if step == Step::MadeRoom {
                now(async {
                    assert_eq!(places.publish(&split()).await, after);
                    let waits = places.go_on(&after, usize::MAX).await;
                    let waits = waits.expect("nothing is in its way");
                    assert_eq!(waits, Moved { moved: 0, failed: 1 });
                    let to_go = count_to_go(&after, &**places.store("c1")).await;
                    assert_eq!(to_go.expect("it answers"), 1);
                    assert_eq!(places.map().await, after);
                });
            }
            true
        });
        let mover = mover(&*outside, &**places.store("c1"), &sleeps);
        mover.move_event(event).await.expect("it goes on");

        let done = places.go_on(&after, usize::MAX).await.expect("nothing is in its way");
        assert_eq!(done, Moved { moved: 1, failed: 0 });
        let settled = places.map().await;
        assert_eq!(settled, after.settled());
        assert_eq!(places.served(event).await, 1);
        let found = places.server(&settled).event(event).await.expect("it answers");
        assert!(found.is_some(), "no server finds it");
    }
}

/// The same, by a mover that was killed: another takes its move over, or abandons it, although the cell has lost the
/// byte. The change would not end otherwise.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_into_a_cell_that_has_lost_its_byte_is_taken_over_or_abandoned() {
    for (kind, is_abandoned) in [Backend::sqlite as fn() -> Backend, Backend::postgres]
        .into_iter()
        .flat_map(|kind| [(kind, false), (kind, true)])
    {
        let places = Places::of([kind; 3]).await;
        let (outside, clock) = (kind(), ManualClock::default());
        let outside = outside.open_to_move(Some(clock.as_clock())).await;
        let event = outside.create_event(event_ending_in(0xb0)).await.expect("it answers").id;
        let (killed, free) = (Until(|step| step == Step::MadeRoom), Steps(usize::MAX.into()));
        let mover = mover(&*outside, &**places.store("c1"), &killed);
        let stopped = mover.move_event(event).await;
        assert!(matches!(stopped, Err(MoveError::Stopped)), "{stopped:?}");
        let after = places.publish(&split()).await;
        let waits = places.go_on(&after, usize::MAX).await.expect("nothing is in its way");
        assert_eq!(waits, Moved { moved: 0, failed: 1 });

        clock.advance_micros(MOVE_LEASE.num_microseconds().expect("it is short") + 1);
        let mover = Mover { observer: &free, ..mover };
        if is_abandoned {
            assert!(mover.abandon(event).await.expect("it can be"));
        } else {
            mover.move_event(event).await.expect("it is taken over");
        }
        let done = places.go_on(&after, usize::MAX).await.expect("nothing is in its way");
        assert_eq!(done, Moved { moved: u64::from(!is_abandoned), failed: 0 });
        assert_eq!(places.map().await, after.settled());
        assert_eq!(places.served(event).await, usize::from(!is_abandoned));
        // The cell makes no other room.
        let other = outside.create_event(event_ending_in(0xb1)).await.expect("it answers").id;
        let refused = mover.move_event(other).await;
        assert!(matches!(refused, Err(MoveError::Taken)), "{refused:?}");
    }
}

/// Asks again while it is unavailable: on a busy machine it may be on its way for longer than a request waits.
async fn until_available<T, F>(ask: impl Fn() -> F) -> Option<T>
where
    F: Future<Output = Result<Option<T>, StoreError>>,
{
    let answered = async {
        loop {
            match ask().await {
                Err(StoreError::Unavailable(_)) => {}
                answer => return answer.expect("it answers"),
            }
        }
    };
    timeout(Duration::from_secs(60), answered).await.expect("it comes in time")
}

/// A request for an event that is between two cells waits a moment and is then answered that it is unavailable: a
/// worker that was answered that there is none would drop its mail.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_between_two_cells_is_never_reported_missing() {
    for kind in [Backend::sqlite as fn() -> Backend, Backend::postgres] {
        let places = Places::of([kind; 3]).await;
        let server = Arc::new(places.server(&places.map().await));
        let event = create(&server, 0xb0).await.id;
        let sold = sell(&server, event, "ada").await;
        let after = places.publish(&split()).await;
        server.install(&after, places.stores_of(&after));
        let stopped = Steps(AtomicUsize::new(usize::MAX));
        let resharder =
            Resharder { observer: &STOPS_BETWEEN, ..places.resharder(&after, &stopped) };
        let stopped = resharder.go_on(&after).await;
        assert!(matches!(stopped, Err(ReshardError::Stopped)), "{stopped:?}");
        assert_eq!(places.served(event).await, 0, "the control");

        fn is_none<T: std::fmt::Debug>(answer: &Result<Option<T>, StoreError>) -> bool {
            assert!(matches!(answer, Ok(None) | Err(StoreError::Unavailable(_))), "{answer:?}");
            answer.is_ok()
        }
        assert!(!is_none(&server.event(event).await));
        assert!(!is_none(&server.registration(sold).await));
        assert!(!is_none(&server.registration_counts(event).await));
        assert!(!is_none(&server.live_registrations(event, None, PageLimit::MAX).await));
        let available = server.availability(&[event]).await;
        assert!(matches!(available, Err(StoreError::Unavailable(_))), "{available:?}");
        // An event that never existed is reported as missing at once.
        let never = event_ending_in(0xb1).id;
        assert!(is_none(&server.event(never).await));

        // A request from before it arrived gets it when it does.
        let lookup = {
            let server = Arc::clone(&server);
            tokio::spawn(async move {
                let found = until_available(|| server.event(event)).await;
                (found, until_available(|| server.registration(sold)).await)
            })
        };
        places.go_on(&after, usize::MAX).await.expect("nothing is in its way");
        let (found, registration) = lookup.await.expect("it ends");
        assert!(found.is_some());
        assert!(registration.is_some());
    }
}

/// The same of a registration with an old id, which ends differently from its event's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_registration_id_is_never_reported_missing_during_a_move() {
    for kind in [Backend::sqlite as fn() -> Backend, Backend::postgres] {
        let places = Places::of([kind; 3]).await;
        let server = places.server(&places.map().await);
        let event = create(&server, 0xb0).await.id;
        // Ids that lead to the home, to the source, and to the target.
        let mut sold = Vec::new();
        for ends in [0x10, 0x90, 0xc0] {
            let mut id = Uuid::now_v7().into_bytes();
            id[15] = ends;
            let id = RegistrationId::from(Uuid::from_bytes(id));
            let address = EmailAddress::parse(&format!("who{ends}@example.org")).expect("valid");
            let command = Command::Register(Claim::new(id, address).into());
            let command = EventCommand::new(event, Caller::Anyone, command);
            let done = server.execute(&[command], WhenBusy::Wait).await.expect("it answers");
            assert!(
                matches!(&done[0], Execution::Decided(outcome) if outcome.registration().is_some())
            );
            sold.push(id);
        }
        let after = places.publish(&split()).await;
        server.install(&after, places.stores_of(&after));
        let all = Steps(AtomicUsize::new(usize::MAX));
        let resharder = Resharder { observer: &STOPS_BETWEEN, ..places.resharder(&after, &all) };
        let stopped = resharder.go_on(&after).await;
        assert!(matches!(stopped, Err(ReshardError::Stopped)), "{stopped:?}");
        assert_eq!(places.served(event).await, 0, "the control");

        for id in &sold {
            let found = server.registration(*id).await;
            assert!(matches!(found, Err(StoreError::Unavailable(_))), "{id}: {found:?}");
            let history = server.history(*id, PageLimit::MAX).await;
            assert!(matches!(history, Err(StoreError::Unavailable(_))), "{id}: {history:?}");
            // Its event is found all the same, and reports that it is on its way.
            let known = server.events_by_registration(&[*id]).await.expect("they answer");
            assert_eq!(known, [Some(event)]);
        }
        #[cfg(feature = "negative-control")]
        {
            let flaw = booking_cells::CellFlaw::BetweenByIdAlone;
            let bad = places.server(&after).with_flaw(flaw);
            let none = bad.registration(sold[0]).await.expect("they answer");
            assert_eq!(none, None, "the control");
        }
        // An id that no registration has is reported as missing at once, unless it may lead there.
        let mut nobody = Uuid::now_v7().into_bytes();
        nobody[15] = 0x10;
        let nobody = RegistrationId::from(Uuid::from_bytes(nobody));
        assert_eq!(server.registration(nobody).await.expect("they answer"), None);

        places.go_on(&after, usize::MAX).await.expect("nothing is in its way");
        for id in &sold {
            let found = server.registration(*id).await.expect("they answer");
            assert_eq!(found.map(|found| found.event_id), Some(event));
        }
    }
}

/// A mover that slept, while others ended the change and changed the map back, moves nothing again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mover_that_slept_moves_nothing_by_an_old_map() {
    for kind in [Backend::sqlite as fn() -> Backend, Backend::postgres] {
        let places = Places::of([kind; 3]).await;
        let event = create(&places.server(&places.map().await), 0xb0).await.id;
        let of_then = places.publish(&split()).await;
        places.go_on(&of_then, usize::MAX).await.expect("nothing is in its way");
        let back = MapChange::Drop { cell: named("new") };
        // Its bytes go back to the cell before it in their order, which had them.
        let back = places.publish(&back).await;
        let late = places.go_on(&of_then, usize::MAX).await;
        assert!(matches!(late, Err(ReshardError::Changed)), "{late:?}");
        places.go_on(&back, usize::MAX).await.expect("nothing is in its way");
        let late = places.go_on(&of_then, usize::MAX).await;
        assert!(matches!(late, Err(ReshardError::Changed)), "{late:?}");
        let server = places.server(&places.map().await);
        assert!(server.event(event).await.expect("it answers").is_some());
        assert_eq!(places.served(event).await, 1);
        // Not even if it read the map before that was changed: the cell refuses it.
        let steps = Steps(AtomicUsize::new(usize::MAX));
        let mover = mover(&**places.store("c1"), &**places.store("new"), &steps);
        let refused = mover.move_event(event).await;
        assert!(matches!(refused, Err(MoveError::Taken)), "{refused:?}");
        sell(&server, event, "ada").await;
    }
}

/// However many other events are between them, and whatever the last page has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn remaining_events_are_counted_page_by_page() {
    for of_others in
        [0, EVENTS_AT_ONCE - 3, EVENTS_AT_ONCE - 2, EVENTS_AT_ONCE - 1, EVENTS_AT_ONCE + 1]
    {
        let places = Places::of([Backend::sqlite; 3]).await;
        let server = places.server(&places.map().await);
        create(&server, 0xb0).await;
        for _ in 0..of_others {
            create(&server, 0x81).await;
        }
        create(&server, 0xff).await;
        let after = places.publish(&split()).await;
        let count = async || {
            let counted = count_to_go(&after, &**places.store("c1")).await;
            counted.expect("it answers")
        };
        assert_eq!(count().await, 2, "beside {of_others}");
        let moved = places.go_on(&after, usize::MAX).await.expect("nothing is in its way");
        assert_eq!((moved, count().await), (Moved { moved: 2, failed: 0 }, 0));
        let settled = places.map().await;
        let settled = count_to_go(&settled, &**places.store("c1")).await;
        assert_eq!(settled.expect("it is not asked"), 0);
    }
}

/// An organizer's events need the organizer where they go.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn organizers_go_with_their_events() {
    let places = Places::of([Backend::sqlite, Backend::postgres, Backend::sqlite]).await;
    let server = places.server(&places.map().await);
    let name = OrganizerName::parse("Ada").expect("valid");
    let organizer = Organizer::new(OrganizerId::from(Uuid::now_v7()), name);
    let id = TokenId::from(Uuid::now_v7());
    let token = NewToken::new(id, organizer.clone(), TokenHash::new([3; 32]));
    server.create_token(token).await.expect("it answers").expect("there is room");
    let new = event_ending_in(0xc0).with(|new| new.organizer_id = Some(organizer.id));
    let event = server.create_event(new.expect("valid")).await.expect("it answers");
    let after = places.publish(&split()).await;
    places.go_on(&after, usize::MAX).await.expect("nothing is in its way");
    let there = places.store("new").event(event.id).await.expect("it answers");
    assert_eq!(there.and_then(|event| event.organizer_id), Some(organizer.id));
    assert!(places.store("new").signing_seeds().await.expect("it answers").is_empty());
}

/// The control: a server that does not look where events still are does not find them.
#[cfg(feature = "negative-control")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_looks_only_in_the_target_misses_events() {
    let places = Places::of([Backend::sqlite; 3]).await;
    let server = places.server(&places.map().await);
    let event = create(&server, 0xb0).await.id;
    let after = places.publish(&split()).await;
    let (good, bad) = (places.server(&after), places.server(&after));
    let bad = bad.with_flaw(booking_cells::CellFlaw::OnlyWhereTheyGo);
    let found = async |server: &CellStore| server.event(event).await.map(|event| event.is_some());
    assert_eq!(found(&good).await.map_err(|_: StoreError| ()), Ok(true));
    assert_eq!(found(&bad).await.map_err(|_: StoreError| ()), Ok(false));
}
