//! What the test files share.

use booking_core::{
    BookingStore, Capacity, CapacityMax, Command, Description, EmailAddress, Event, EventCommand,
    EventId, EventName, Execution, NewEvent, Outcome, Register, Registration, WhenBusy,
};
use booking_sqlite::{Options, SqliteStore};
use rusqlite::Connection;
use std::path::PathBuf;
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

    /// A way around the store.
    pub(crate) fn connect(&self) -> Connection {
        Connection::open(self.path()).expect("opened")
    }
}

pub(crate) async fn create(store: &SqliteStore, capacity: i64) -> Event {
    let new = NewEvent {
        id: Uuid::now_v7().into(),
        name: EventName::parse("An event").expect("valid"),
        description: Description::default(),
        capacity: Capacity::parse(capacity, CapacityMax::HIGHEST).expect("valid"),
    };
    store.create_event(new).await.expect("the store answers")
}

pub(crate) fn register(event_id: EventId, who: impl std::fmt::Display) -> EventCommand {
    let command = Command::Register(Register {
        registration_id: Uuid::now_v7().into(),
        user_email: EmailAddress::parse(&format!("{who}@example.org")).expect("valid"),
    });
    EventCommand { event_id, command }
}

pub(crate) async fn confirm(store: &SqliteStore, command: EventCommand) -> Registration {
    let executions = store.execute(&[command], WhenBusy::Wait).await.expect("the store answers");
    match executions.into_iter().next() {
        Some(Execution::Decided(Outcome::Confirmed(registration))) => registration,
        other => panic!("not confirmed: {other:?}"),
    }
}

/// An error with all that lies beneath it.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(&format!(": {source}"));
        next = source.source();
    }
    text
}
