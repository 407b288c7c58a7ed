use booking_core::{
    BookingStore, Capacity, CapacityMax, Clock, Command, Description, EmailAddress, Event,
    EventCommand, EventId, EventName, Execution, NewEvent, Outcome, PageLimit, Register,
    Registration, RegistrationId, WhenBusy,
};
use chrono::{DateTime, Utc};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use uuid::Uuid;

/// A clock that stands still until it is told to go on.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// A clock that shows `micros` microseconds after 1970.
    pub fn at_micros(micros: i64) -> Self {
        Self(Arc::new(AtomicI64::new(micros)))
    }

    /// Moves it on by `micros` microseconds.
    pub fn advance_micros(&self, micros: i64) {
        self.0.fetch_add(micros, Ordering::SeqCst);
    }

    /// What it shows.
    pub fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0.load(Ordering::SeqCst)).expect("a time chrono knows")
    }

    /// As a store takes it.
    pub fn as_clock(&self) -> Clock {
        let clock = self.clone();
        Arc::new(move || clock.now())
    }
}

impl Default for ManualClock {
    /// Some instant with microseconds that are not zero.
    fn default() -> Self {
        Self::at_micros(1_750_000_000_123_457)
    }
}

pub(crate) fn new_event(name: &str, capacity: u32) -> NewEvent {
    NewEvent {
        id: Uuid::now_v7().into(),
        name: EventName::parse(name).expect("a valid name"),
        description: Description::default(),
        capacity: Capacity::parse(capacity.into(), CapacityMax::HIGHEST).expect("a valid capacity"),
    }
}

pub(crate) async fn create(store: &dyn BookingStore, capacity: u32) -> Event {
    let new = new_event("An event", capacity);
    store.create_event(new).await.expect("the store answers")
}

pub(crate) fn address(who: impl std::fmt::Display) -> EmailAddress {
    EmailAddress::parse(&format!("{who}@example.org")).expect("a valid address")
}

pub(crate) fn register(event_id: EventId, who: impl std::fmt::Display) -> EventCommand {
    register_as(event_id, Uuid::now_v7().into(), address(who))
}

pub(crate) fn register_as(
    event_id: EventId,
    registration_id: RegistrationId,
    user_email: EmailAddress,
) -> EventCommand {
    let register = Register { registration_id, user_email };
    EventCommand { event_id, command: Command::Register(register) }
}

/// Executes `batch`, waiting where events are busy.
pub(crate) async fn execute(store: &dyn BookingStore, batch: &[EventCommand]) -> Vec<Outcome> {
    let executions = store.execute(batch, WhenBusy::Wait).await.expect("the store answers");
    assert_eq!(executions.len(), batch.len(), "an answer for each command");
    let decided = executions.into_iter().map(|execution| match execution {
        Execution::Decided(outcome) => outcome,
        Execution::Busy => panic!("a store that was told to wait answered Busy"),
    });
    decided.collect()
}

pub(crate) async fn execute_one(store: &dyn BookingStore, command: EventCommand) -> Outcome {
    execute(store, &[command]).await.remove(0)
}

#[track_caller]
pub(crate) fn confirmed(outcome: Outcome) -> Registration {
    match outcome {
        Outcome::Confirmed(registration) => registration,
        Outcome::Refused(refusal) => panic!("refused: {refusal}"),
    }
}

pub(crate) async fn read(store: &dyn BookingStore, id: EventId) -> Event {
    store.event(id).await.expect("the store answers").expect("the event exists")
}

/// Every registration of an event, read page by page.
pub(crate) async fn read_registrations(
    store: &dyn BookingStore,
    event_id: EventId,
    limit: PageLimit,
) -> Vec<Registration> {
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let page = store.registrations(event_id, after, limit).await.expect("the store answers");
        let page = page.expect("the event exists");
        assert!(page.items.len() <= limit.get());
        all.extend(page.items);
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
}

pub(crate) async fn assert_audit_is_clean(store: &dyn BookingStore) {
    let report = store.audit().await.expect("the store answers");
    assert_eq!(report.differences, [], "the audit found differences");
}
