//! What the test files share.

use booking_core::prelude::*;
use booking_core::{
    Caller, Capacity, CapacityMax, Claim, Command, EmailAddress, ErrorChain, Event, EventCommand,
    EventId, EventName, Execution, Hold, HoldTtl, NewEvent, NewToken, OnFull, Organizer,
    OrganizerName, OrganizerToken, Outcome, Register, Registration, RegistrationId, TokenHash,
    Transfer, WhenBusy,
};
use booking_sqlite::{Options, SqliteStore};
use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::Connection;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tempfile::TempDir;
use uuid::Uuid;

/// A directory with a database, which goes when this does.
pub(crate) struct Database {
    directory: TempDir,
}

impl Database {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().expect("a directory") }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("booking.db")
    }

    pub(crate) async fn open(&self) -> SqliteStore {
        self.open_with(Options::default()).await
    }

    pub(crate) async fn open_with(&self, options: Options) -> SqliteStore {
        SqliteStore::open(self.path(), options).await.expect("opened")
    }

    /// A connection that bypasses the store.
    pub(crate) fn connect(&self) -> Connection {
        Connection::open(self.path()).expect("opened")
    }
}

/// A clock that advances only when a test advances it.
#[derive(Clone)]
pub(crate) struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicI64::new(1_800_000_000_000_000)))
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0.load(Ordering::SeqCst)).expect("in range")
    }

    pub(crate) fn advance(&self, by: TimeDelta) {
        let micros = by.num_microseconds().expect("in range");
        self.0.fetch_add(micros, Ordering::SeqCst);
    }

    /// Options of a store that uses this clock.
    pub(crate) fn options(&self) -> Options {
        let clock = self.clone();
        Options { clock: Some(Arc::new(move || clock.now())), ..Options::default() }
    }
}

pub(crate) fn new_event(capacity: i64) -> NewEvent {
    let name = EventName::parse("An event").expect("valid");
    let capacity = Capacity::parse(capacity, CapacityMax::HIGHEST).expect("valid");
    NewEvent::new(Uuid::now_v7().into(), name, capacity)
}

pub(crate) async fn create(store: &SqliteStore, capacity: i64) -> Event {
    store.create_event(new_event(capacity)).await.expect("the store answers")
}

/// A new token, recognized by `token`, of the organizer called `name`.
pub(crate) fn new_token(name: &str, token: u8) -> NewToken {
    let name = OrganizerName::parse(name).expect("valid");
    let organizer = Organizer::new(Uuid::now_v7().into(), name);
    NewToken::new(Uuid::now_v7().into(), organizer, TokenHash::new([token; 32]))
}

/// A token for which there is room.
pub(crate) async fn create_token(store: &SqliteStore, new: NewToken) -> OrganizerToken {
    store.create_token(new).await.expect("the store answers").expect("there is room")
}

pub(crate) fn address(who: impl std::fmt::Display) -> EmailAddress {
    EmailAddress::parse(&format!("{who}@example.org")).expect("valid")
}

pub(crate) fn claim(event_id: EventId, who: impl std::fmt::Display) -> Claim {
    Claim::new(RegistrationId::beside(event_id, Uuid::now_v7()), address(who))
}

pub(crate) fn register(event_id: EventId, who: impl std::fmt::Display) -> EventCommand {
    EventCommand::new(event_id, Caller::Operator, Command::Register(claim(event_id, who).into()))
}

pub(crate) fn hold(event_id: EventId, who: impl std::fmt::Display) -> EventCommand {
    hold_for(event_id, who, HoldTtl::default())
}

pub(crate) fn hold_for(
    event_id: EventId,
    who: impl std::fmt::Display,
    ttl: HoldTtl,
) -> EventCommand {
    let hold = Hold { claim: claim(event_id, who), ttl };
    EventCommand::new(event_id, Caller::Operator, Command::Hold(hold))
}

pub(crate) fn cancel(event_id: EventId, registration_id: RegistrationId) -> EventCommand {
    EventCommand::new(event_id, Caller::Operator, Command::Cancel { registration_id })
}

pub(crate) fn wait(event_id: EventId, who: impl std::fmt::Display) -> EventCommand {
    let register = Register { on_full: OnFull::Waitlist, ..Register::from(claim(event_id, who)) };
    EventCommand::new(event_id, Caller::Operator, Command::Register(register))
}

pub(crate) fn transfer(
    event_id: EventId,
    registration_id: RegistrationId,
    to: impl std::fmt::Display,
) -> EventCommand {
    let transfer = Transfer { registration_id, person: address(to).into(), token_hash: None };
    EventCommand::new(event_id, Caller::Operator, Command::Transfer(transfer))
}

/// Executes `batch` in one transaction.
pub(crate) async fn execute(store: &SqliteStore, batch: &[EventCommand]) -> Vec<Outcome> {
    let executions = store.execute(batch, WhenBusy::Wait).await.expect("the store answers");
    executions
        .into_iter()
        .map(|execution| match execution {
            Execution::Decided(outcome) => outcome,
            Execution::Busy => panic!("there is only one lock"),
            Execution::Unknown => panic!("no commit was lost"),
        })
        .collect()
}

/// Executes one command, and returns its registration.
pub(crate) async fn done(store: &SqliteStore, command: EventCommand) -> Registration {
    let outcome = execute(store, &[command]).await.remove(0);
    outcome.registration().cloned().unwrap_or_else(|| panic!("not done: {outcome:?}"))
}

pub(crate) async fn confirm(store: &SqliteStore, command: EventCommand) -> Registration {
    let outcome = execute(store, &[command]).await.remove(0);
    match outcome {
        Outcome::Confirmed(registration) => registration,
        other => panic!("not confirmed: {other:?}"),
    }
}

/// An error with all of its sources.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    ErrorChain(error).to_string()
}

/// Asserts that every event's counts are those of its rows.
pub(crate) async fn audit(store: &SqliteStore) {
    assert_eq!(store.audit().await.expect("the store answers").differences, []);
}
