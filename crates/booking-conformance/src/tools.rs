use booking_core::{
    Answers, BookingStore, Caller, Capacity, CapacityMax, Claim, Clock, Command, Contact,
    Description, EmailAddress, Event, EventCommand, EventId, EventName, Execution, Hold, HoldTtl,
    IdempotencyKey, Language, Listed, NewEvent, NewToken, OfferTtl, OnFull, Organizer, OrganizerId,
    OrganizerName, Outcome, PageLimit, Refusal, Register, Registration, RegistrationCursor,
    RegistrationId, RemindHours, TimeZone, Transfer, Venue, WhenBusy,
};
use chrono::{DateTime, Utc};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use uuid::Uuid;

/// A clock that stands still until it is advanced.
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

    /// Its time.
    pub fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0.load(Ordering::SeqCst)).expect("a time chrono knows")
    }

    /// The clock as a store takes it.
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

pub(crate) fn capacity(seats: u32) -> Capacity {
    Capacity::parse(seats.into(), CapacityMax::HIGHEST).expect("a valid capacity")
}

pub(crate) fn new_event(name: &str, seats: u32) -> NewEvent {
    let name = EventName::parse(name).expect("a valid name");
    NewEvent::new(Uuid::now_v7().into(), name, capacity(seats))
}

/// The same, to be created under `key`.
pub(crate) fn new_event_under(key: IdempotencyKey, name: &str, seats: u32) -> NewEvent {
    let id = EventId::beside(&key.hash, Uuid::now_v7());
    new_event(name, seats).with(|new| new.id = id).expect("in order")
}

/// The same event with every optional field set.
pub(crate) fn elaborate(new: NewEvent) -> NewEvent {
    let instant = |day: i64| DateTime::from_timestamp_micros(1_760_000_000_000_001 + day * DAY);
    let elaborated = new.with(|new| {
        new.details.description = Description::parse("Doors at 19:00").expect("valid");
        (new.details.starts_at, new.details.ends_at) = (instant(9), instant(10));
        new.details.timezone = Some(TimeZone::parse("Europe/Berlin").expect("a zone"));
        new.details.venue = Some(Venue::parse("Quasimodo, Kantstraße 12a").expect("valid"));
        new.details.language = Language::De;
        new.details.remind_hours = RemindHours::parse(24).ok();
        new.details.organizer_name = OrganizerName::parse("Jazz Club").ok();
        new.details.contact = Contact::parse("https://jazz.example/contact").ok();
        (new.rules.opens_at, new.rules.closes_at) = (instant(0), instant(8));
        new.rules.waitlist_enabled = false;
        new.rules.offer_ttl = Some(OfferTtl::parse(90).expect("valid"));
        new.rules.confirms_address = true;
    });
    elaborated.expect("in order")
}

/// In microseconds.
pub(crate) const SECOND: i64 = 1_000_000;
pub(crate) const DAY: i64 = 86_400 * SECOND;

pub(crate) async fn create(store: &dyn BookingStore, capacity: u32) -> Event {
    let new = new_event("An event", capacity);
    store.create_event(new).await.expect("the store answers")
}

/// Creates an event whose id ends as another's does, so that it is in the same place.
pub(crate) async fn create_beside(store: &dyn BookingStore, event: &Event, capacity: u32) -> Event {
    let id = RegistrationId::beside(event.id, Uuid::now_v7()).as_uuid();
    let new = new_event("An event", capacity).with(|new| new.id = id.into()).expect("in order");
    store.create_event(new).await.expect("the store answers")
}

pub(crate) fn address(who: impl std::fmt::Display) -> EmailAddress {
    EmailAddress::parse(&format!("{who}@example.org")).expect("a valid address")
}

pub(crate) fn new_registration_id(event_id: EventId) -> RegistrationId {
    RegistrationId::beside(event_id, Uuid::now_v7())
}

pub(crate) fn claim(event_id: EventId, who: impl std::fmt::Display) -> Claim {
    Claim::new(new_registration_id(event_id), address(who))
}

pub(crate) fn register(event_id: EventId, who: impl std::fmt::Display) -> EventCommand {
    EventCommand::new(event_id, Caller::Operator, Command::Register(claim(event_id, who).into()))
}

pub(crate) fn register_as(
    event_id: EventId,
    registration_id: RegistrationId,
    user_email: EmailAddress,
) -> EventCommand {
    let claim = Claim::new(registration_id, user_email);
    EventCommand::new(event_id, Caller::Operator, Command::Register(claim.into()))
}

/// Asks for a seat, or else a place on the waitlist.
pub(crate) fn queue_up(event_id: EventId, who: impl std::fmt::Display) -> EventCommand {
    let register = Register { on_full: OnFull::Waitlist, ..Register::from(claim(event_id, who)) };
    EventCommand::new(event_id, Caller::Operator, Command::Register(register))
}

pub(crate) fn hold(event_id: EventId, who: impl std::fmt::Display, seconds: i64) -> EventCommand {
    let ttl = HoldTtl::parse(seconds).expect("a valid time");
    EventCommand::new(
        event_id,
        Caller::Operator,
        Command::Hold(Hold { claim: claim(event_id, who), ttl }),
    )
}

pub(crate) fn confirm(registration: &Registration) -> EventCommand {
    let registration_id = registration.id;
    EventCommand::new(
        registration.event_id,
        Caller::Operator,
        Command::Confirm { registration_id, answers: Answers::default() },
    )
}

pub(crate) fn cancel(registration: &Registration) -> EventCommand {
    let registration_id = registration.id;
    EventCommand::new(registration.event_id, Caller::Operator, Command::Cancel { registration_id })
}

pub(crate) fn transfer(
    registration: &Registration,
    who: impl std::fmt::Display,
    token: Option<u8>,
) -> EventCommand {
    let transfer = Transfer {
        registration_id: registration.id,
        person: address(who).into(),
        token_hash: token.map(token_hash),
    };
    EventCommand::new(registration.event_id, Caller::Operator, Command::Transfer(transfer))
}

pub(crate) fn token_hash(token: u8) -> booking_core::TokenHash {
    booking_core::TokenHash::new([token; 32])
}

/// An organizer for whom tokens may be made.
pub(crate) fn organizer(number: u8) -> Organizer {
    let name = OrganizerName::parse(&format!("Organizer {number}")).expect("a valid name");
    Organizer::new(organizer_id(number), name)
}

pub(crate) fn organizer_id(number: u8) -> OrganizerId {
    Uuid::from_u128(number.into()).into()
}

/// A token of `organizer`, recognized by `token`.
pub(crate) fn new_token(organizer: Organizer, token: u8) -> NewToken {
    NewToken::new(Uuid::now_v7().into(), organizer, token_hash(token))
}

pub(crate) const SOLD_OUT: Outcome = Outcome::Refused(Refusal::SoldOut);
pub(crate) const ALREADY_REGISTERED: Outcome = Outcome::Refused(Refusal::AlreadyRegistered);
pub(crate) const EVENT_NOT_FOUND: Outcome = Outcome::Refused(Refusal::EventNotFound);

/// Executes `batch`, waiting where events are busy.
pub(crate) async fn execute(store: &dyn BookingStore, batch: &[EventCommand]) -> Vec<Outcome> {
    let executions = store.execute(batch, WhenBusy::Wait).await.expect("the store answers");
    assert_eq!(executions.len(), batch.len(), "an answer for each command");
    let decided = executions.into_iter().map(|execution| match execution {
        Execution::Decided(outcome) => outcome,
        Execution::Busy => panic!("a store that was told to wait answered Busy"),
        Execution::Unknown => panic!("nothing failed, and the store answered Unknown"),
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
        other => panic!("not confirmed: {other:?}"),
    }
}

#[track_caller]
pub(crate) fn held(outcome: Outcome) -> Registration {
    match outcome {
        Outcome::Held(registration) => registration,
        other => panic!("not held: {other:?}"),
    }
}

#[track_caller]
pub(crate) fn to_confirm(outcome: Outcome) -> Registration {
    match outcome {
        Outcome::ToConfirm(registration) => registration,
        other => panic!("not to be confirmed by mail: {other:?}"),
    }
}

#[track_caller]
pub(crate) fn waitlisted(outcome: Outcome) -> Registration {
    match outcome {
        Outcome::Waitlisted(registration) => registration,
        other => panic!("not on the waitlist: {other:?}"),
    }
}

pub(crate) async fn read(store: &dyn BookingStore, id: EventId) -> Event {
    store.event(id).await.expect("the store answers").expect("the event exists")
}

/// The events that `caller` sees, read page by page.
pub(crate) async fn read_events(
    store: &dyn BookingStore,
    caller: Caller,
    limit: PageLimit,
) -> Vec<Event> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = store.events(caller, after, limit).await.expect("the store answers");
        assert!(page.items.len() <= limit.get());
        all.extend(page.items);
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
}

/// A registration as it is now.
pub(crate) async fn look(store: &dyn BookingStore, id: RegistrationId) -> Registration {
    store.registration(id).await.expect("the store answers").expect("the registration exists")
}

/// The registrations that have a seat of an event, read page by page.
pub(crate) async fn read_registrations(
    store: &dyn BookingStore,
    event_id: EventId,
    limit: PageLimit,
) -> Vec<Registration> {
    read_listed(store, event_id, Listed::Seated, limit).await
}

/// The registrations of an event, read page by page.
pub(crate) async fn read_listed(
    store: &dyn BookingStore,
    event_id: EventId,
    listed: Listed,
    limit: PageLimit,
) -> Vec<Registration> {
    let mut all = Vec::new();
    let mut after: Option<RegistrationCursor> = None;
    loop {
        let page = store.registrations(event_id, listed, after, limit).await;
        let page = page.expect("the store answers").expect("the event exists");
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
