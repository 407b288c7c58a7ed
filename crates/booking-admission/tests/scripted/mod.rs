//! A store in memory that can be held up, made busy and made to fail, and that records its batches.

mod delivery;
mod trace;

use async_trait::async_trait;
use booking_conformance::MemoryStore;
use booking_core::{
    Agenda, AuditReport, Availability, Caller, Capacity, CapacityMax, Claim, Command, Connections,
    EmailAddress, Event, EventCommand, EventCursor, EventId, EventName, Execution, HistoryEntry,
    IdempotencyKey, KeyStore, Listed, NewEvent, NewToken, OrganizerId, OrganizerStore,
    OrganizerToken, Outcome, Page, PageLimit, Questions, ReadStore, Registration,
    RegistrationCounts, RegistrationCursor, RegistrationId, SeatLane, SeatStore, SigningSeed,
    StartCursor, StoreError, StoreHealth, TicketKey, TokenId, Totals, UpkeepStore, WhenBusy,
};
use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;
pub(crate) use trace::Executed;
use trace::Trace;
use uuid::Uuid;

#[derive(Debug)]
pub(crate) struct ScriptedStore {
    memory: MemoryStore,
    /// Each batch takes one permit, if `is_gated`.
    gate: Semaphore,
    is_gated: AtomicBool,
    /// Events whose rows another transaction holds.
    held: Mutex<HashSet<EventId>>,
    /// Taken when a held event's row becomes free.
    released: Semaphore,
    pub(crate) broken: Mutex<HashSet<EventId>>,
    /// Events whose commands are executed, and nobody gets to know it.
    pub(crate) unknown: Mutex<HashSet<EventId>>,
    pub(crate) panics: AtomicBool,
    batches: Mutex<Vec<Vec<EventCommand>>>,
    /// The registrations of commands that came as the first.
    firsts: Mutex<HashSet<Option<RegistrationId>>>,
    /// The places of events that are not in the default place.
    places: Mutex<HashMap<EventId, SeatLane>>,
    at_once: AtomicUsize,
    trace: Trace,
    /// What batches do at random: take a while, find the store away, panic.
    chance: Mutex<Option<fastrand::Rng>>,
}

impl ScriptedStore {
    pub(crate) fn new() -> Self {
        Self::over(MemoryStore::default())
    }

    pub(crate) fn over(memory: MemoryStore) -> Self {
        Self {
            memory,
            gate: Semaphore::new(0),
            is_gated: AtomicBool::new(false),
            held: Mutex::default(),
            released: Semaphore::new(0),
            broken: Mutex::default(),
            unknown: Mutex::default(),
            panics: AtomicBool::new(false),
            batches: Mutex::default(),
            firsts: Mutex::default(),
            places: Mutex::default(),
            at_once: AtomicUsize::new(1),
            trace: Trace::default(),
            chance: Mutex::default(),
        }
    }

    /// From now on the store runs so many batches at the same time.
    pub(crate) fn take_at_once(&self, batches: usize) {
        self.at_once.store(batches, Ordering::SeqCst);
    }

    /// From now on an event is in that place.
    pub(crate) fn put(&self, event: EventId, place: SeatLane) {
        self.places.lock().expect("no test panics here").insert(event, place);
    }

    /// From now on every batch behaves at random.
    pub(crate) fn leave_to_chance(&self, seed: u64) {
        let chance = fastrand::Rng::with_seed(seed);
        *self.chance.lock().expect("no test panics here") = Some(chance);
    }

    /// The batches that were executed, or are under way.
    pub(crate) fn executed(&self) -> Vec<Executed> {
        self.trace.executed()
    }

    fn by_chance<T>(&self, draw: impl FnOnce(&mut fastrand::Rng) -> T) -> Option<T> {
        self.chance.lock().expect("no test panics here").as_mut().map(draw)
    }

    /// From now on each batch waits until it is let through.
    pub(crate) fn close_gate(&self) {
        self.is_gated.store(true, Ordering::SeqCst);
    }

    pub(crate) fn let_through(&self, batches: usize) {
        self.gate.add_permits(batches);
    }

    pub(crate) fn hold(&self, event: EventId) {
        self.held.lock().expect("no test panics here").insert(event);
    }

    pub(crate) fn release(&self, event: EventId) {
        self.held.lock().expect("no test panics here").remove(&event);
        self.released.add_permits(1_000);
    }

    /// The batches that have arrived, the one under way included.
    pub(crate) fn batches(&self) -> Vec<Vec<EventCommand>> {
        self.batches.lock().expect("no test panics here").clone()
    }

    pub(crate) async fn create(&self, seats: i64) -> EventId {
        let name = EventName::parse("An event").expect("valid");
        let seats = Capacity::parse(seats, CapacityMax::default()).expect("valid");
        let new = NewEvent::new(Uuid::now_v7().into(), name, seats);
        self.memory.create_event(new).await.expect("it answers").id
    }

    /// An event with seats for all, whose id ends in this byte.
    pub(crate) async fn create_ending(&self, last: u8) -> EventId {
        let mut id = Uuid::now_v7().into_bytes();
        id[id.len() - 1] = last;
        let name = EventName::parse("An event").expect("valid");
        let seats = Capacity::parse(10_000, CapacityMax::default()).expect("valid");
        let new = NewEvent::new(Uuid::from_bytes(id).into(), name, seats);
        self.memory.create_event(new).await.expect("it answers").id
    }

    fn is_held(&self, event: EventId) -> bool {
        self.held.lock().expect("no test panics here").contains(&event)
    }
}

#[async_trait]
impl SeatStore for ScriptedStore {
    async fn create_event(&self, new: NewEvent) -> Result<Event, StoreError> {
        self.memory.create_event(new).await
    }

    async fn create_event_once(
        &self,
        new: NewEvent,
        key: IdempotencyKey,
    ) -> Result<Outcome, StoreError> {
        self.memory.create_event_once(new, key).await
    }

    async fn execute(
        &self,
        batch: &[EventCommand],
        when_busy: WhenBusy,
    ) -> Result<Vec<Execution>, StoreError> {
        self.batches.lock().expect("no test panics here").push(batch.to_vec());
        for item in batch.iter().filter(|item| item.is_first) {
            let is_new = self.firsts.lock().expect("it is checked").insert(item.registration_id());
            assert!(is_new, "it was sent before: {item:?}");
        }
        let under_way = self.trace.begin(batch);
        if let Some(micros) = self.by_chance(|rng| rng.u64(0..3_000)) {
            tokio::time::sleep(Duration::from_micros(micros)).await;
            match self.by_chance(|rng| rng.u32(0..100)) {
                Some(0..4) => {
                    return Err(StoreError::unavailable(std::io::Error::other("it is away")));
                }
                Some(4) => panic!("the script says so"),
                _ => {}
            }
        }
        if self.is_gated.load(Ordering::SeqCst) {
            self.gate.acquire().await.expect("it is never closed").forget();
        }
        assert!(!self.panics.swap(false, Ordering::SeqCst), "the script says so");
        let broken = self.broken.lock().expect("no test panics here").clone();
        if batch.iter().any(|item| broken.contains(&item.event_id)) {
            return Err(StoreError::broken(std::io::Error::other("a row that must not be")));
        }
        while when_busy == WhenBusy::Wait && batch.iter().any(|item| self.is_held(item.event_id)) {
            self.released.acquire().await.expect("it is never closed").forget();
        }
        let held: Vec<_> = batch.iter().map(|item| self.is_held(item.event_id)).collect();
        let free = batch.iter().zip(&held).filter(|(_, is_held)| !**is_held);
        let free: Vec<_> = free.map(|(item, _)| item.clone()).collect();
        let mut decided = self.memory.execute(&free, when_busy).await?.into_iter();
        under_way.decided(&free);
        let executions = held.into_iter().map(|is_held| match is_held {
            true => Execution::Busy,
            false => decided.next().expect("an answer for each that is free"),
        });
        let unknown = self.unknown.lock().expect("no test panics here");
        let told = batch.iter().zip(executions).map(|(item, execution)| {
            if unknown.contains(&item.event_id) { Execution::Unknown } else { execution }
        });
        Ok(told.collect())
    }

    fn lane_of(&self, event: EventId) -> SeatLane {
        let places = self.places.lock().expect("no test panics here");
        places.get(&event).copied().unwrap_or_default()
    }

    fn batches_at_once(&self, _: u16) -> usize {
        self.at_once.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl ReadStore for ScriptedStore {
    async fn event(&self, id: EventId) -> Result<Option<Event>, StoreError> {
        self.memory.event(id).await
    }

    async fn availability(&self, ids: &[EventId]) -> Result<Vec<Option<Availability>>, StoreError> {
        self.memory.availability(ids).await
    }

    async fn events(
        &self,
        caller: Caller,
        after: Option<EventCursor>,
        limit: PageLimit,
    ) -> Result<Page<Event, EventCursor>, StoreError> {
        self.memory.events(caller, after, limit).await
    }

    async fn events_by_start(
        &self,
        caller: Caller,
        agenda: Agenda,
        after: Option<StartCursor>,
        limit: PageLimit,
    ) -> Result<Page<Event, StartCursor>, StoreError> {
        self.memory.events_by_start(caller, agenda, after, limit).await
    }

    async fn registrations(
        &self,
        event_id: EventId,
        listed: Listed,
        after: Option<RegistrationCursor>,
        limit: PageLimit,
    ) -> Result<Option<Page<Registration, RegistrationCursor>>, StoreError> {
        self.memory.registrations(event_id, listed, after, limit).await
    }

    async fn registrations_by_id(
        &self,
        event_id: EventId,
        ids: &[RegistrationId],
    ) -> Result<Option<Vec<Option<Registration>>>, StoreError> {
        self.memory.registrations_by_id(event_id, ids).await
    }

    async fn registrations_by_address(
        &self,
        event_id: EventId,
        addresses: &[EmailAddress],
    ) -> Result<Option<Vec<Option<Registration>>>, StoreError> {
        self.memory.registrations_by_address(event_id, addresses).await
    }

    async fn registration_counts(
        &self,
        event_id: EventId,
    ) -> Result<Option<RegistrationCounts>, StoreError> {
        self.memory.registration_counts(event_id).await
    }

    async fn questions(&self, id: EventId) -> Result<Option<Questions>, StoreError> {
        self.memory.questions(id).await
    }

    async fn registration(&self, id: RegistrationId) -> Result<Option<Registration>, StoreError> {
        self.memory.registration(id).await
    }

    async fn events_by_registration(
        &self,
        ids: &[RegistrationId],
    ) -> Result<Vec<Option<EventId>>, StoreError> {
        self.memory.events_by_registration(ids).await
    }

    async fn history(
        &self,
        id: RegistrationId,
        limit: PageLimit,
    ) -> Result<Option<Vec<HistoryEntry>>, StoreError> {
        self.memory.history(id, limit).await
    }
}

#[async_trait]
impl OrganizerStore for ScriptedStore {
    async fn create_token(&self, new: NewToken) -> Result<Option<OrganizerToken>, StoreError> {
        self.memory.create_token(new).await
    }

    async fn tokens(&self) -> Result<Vec<OrganizerToken>, StoreError> {
        self.memory.tokens().await
    }

    async fn revoke_token(&self, id: TokenId) -> Result<Option<OrganizerToken>, StoreError> {
        self.memory.revoke_token(id).await
    }

    async fn assign_events(
        &self,
        organizer_id: OrganizerId,
        limit: PageLimit,
    ) -> Result<u64, StoreError> {
        self.memory.assign_events(organizer_id, limit).await
    }
}

#[async_trait]
impl KeyStore for ScriptedStore {
    async fn signing_seeds(&self) -> Result<Vec<SigningSeed>, StoreError> {
        self.memory.signing_seeds().await
    }

    async fn add_signing_seed(
        &self,
        seed: SigningSeed,
        only_first: bool,
    ) -> Result<(), StoreError> {
        self.memory.add_signing_seed(seed, only_first).await
    }

    async fn show_ticket_keys(&self, keys: &[TicketKey]) -> Result<(), StoreError> {
        self.memory.show_ticket_keys(keys).await
    }

    async fn ticket_keys(&self) -> Result<Vec<TicketKey>, StoreError> {
        self.memory.ticket_keys().await
    }
}

#[async_trait]
impl UpkeepStore for ScriptedStore {
    async fn due_events(&self, limit: PageLimit) -> Result<Vec<EventId>, StoreError> {
        self.memory.due_events(limit).await
    }

    async fn erasable_events(&self, limit: PageLimit) -> Result<Vec<EventId>, StoreError> {
        self.memory.erasable_events(limit).await
    }

    async fn registrations_of(
        &self,
        user_email: &EmailAddress,
        limit: PageLimit,
    ) -> Result<Vec<(EventId, RegistrationId)>, StoreError> {
        self.memory.registrations_of(user_email, limit).await
    }

    async fn purge_records_of(
        &self,
        user_email: &EmailAddress,
        limit: PageLimit,
    ) -> Result<u64, StoreError> {
        self.memory.purge_records_of(user_email, limit).await
    }

    async fn purge_former_holders_of(
        &self,
        user_email: &EmailAddress,
        limit: PageLimit,
    ) -> Result<u64, StoreError> {
        self.memory.purge_former_holders_of(user_email, limit).await
    }

    async fn purge_records(&self, limit: PageLimit) -> Result<u64, StoreError> {
        self.memory.purge_records(limit).await
    }

    async fn audit(&self) -> Result<AuditReport, StoreError> {
        self.memory.audit().await
    }

    async fn health(&self) -> Result<StoreHealth, StoreError> {
        self.memory.health().await
    }

    async fn totals(&self) -> Result<Totals, StoreError> {
        self.memory.totals().await
    }

    fn connections(&self) -> Connections {
        self.memory.connections()
    }
}

pub(crate) fn register(event_id: EventId, who: impl std::fmt::Display) -> EventCommand {
    let user_email = EmailAddress::parse(&format!("{who}@example.org")).expect("valid");
    let id = RegistrationId::beside(event_id, Uuid::now_v7());
    let claim = Claim::new(id, user_email);
    EventCommand::new(event_id, Caller::Operator, Command::Register(claim.into())).first()
}

/// The registration that a command names; for one that names none, a fixed id that no command names.
pub(crate) fn registration_of(item: &EventCommand) -> RegistrationId {
    match &item.command {
        Command::Register(asked) => asked.claim.registration_id,
        Command::Hold(asked) => asked.claim.registration_id,
        _ => Uuid::nil().into(),
    }
}
