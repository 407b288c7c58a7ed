//! Databases and stores for the tests of this crate.

#![allow(dead_code, clippy::allow_attributes, reason = "each test file uses a part of it")]

pub(crate) mod statements;

use async_trait::async_trait;
use booking_conformance::Fixture;
use booking_core::prelude::*;
use booking_core::{
    Answers, Caller, Capacity, CapacityMax, Claim, Clock, Command, EmailAddress, Event,
    EventCommand, EventId, EventName, Execution, Fingerprint, Hold, HoldTtl, IdempotencyKey,
    KeyHash, NewEvent, NewToken, OnFull, Organizer, OrganizerName, OrganizerToken, Outcome,
    Register, Registration, RegistrationId, TokenHash, Transfer, WhenBusy,
};
use booking_pg::{PgOptions, PgStore};
use booking_testkit::{Database, Template};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

pub(crate) const REACHABLE_WITHIN: Duration = Duration::from_secs(60);

/// A database of its own with our tables.
pub(crate) fn migrated_database() -> Database {
    static TEMPLATE: OnceLock<Template> = OnceLock::new();
    let template = TEMPLATE.get_or_init(|| {
        booking_testkit::shared().template_async("migrated", async |url| {
            connect(&url, 2).await.migrate().await.expect("the migrations run");
        })
    });
    booking_testkit::shared().database(Some(template))
}

pub(crate) fn options(url: &str, pool_size: usize) -> PgOptions {
    PgOptions { pool_size, ..PgOptions::parse(url).expect("a valid URL") }
}

pub(crate) async fn connect(url: &str, pool_size: usize) -> PgStore {
    PgStore::connect(&options(url, pool_size), REACHABLE_WITHIN).await.expect("it is there")
}

/// A session beside the store's.
pub(crate) async fn session(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("it is there");
    tokio::spawn(connection);
    client
}

/// Has another session make `change` and commit it when `work` waits for that, and returns the result of
/// `work`.
pub(crate) async fn changed_meanwhile<T: Send + 'static>(
    database: &Database,
    change: &str,
    work: impl Future<Output = T> + Send + 'static,
) -> T {
    let other = session(database.url()).await;
    other.batch_execute(&format!("BEGIN; {change}")).await.expect("it is done");
    let working = tokio::spawn(work);
    let waiting = "SELECT count(*) FROM pg_stat_activity \
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let began = Instant::now();
    while number(database, waiting) == 0 {
        assert!(began.elapsed() < Duration::from_secs(60), "it does not wait");
        assert!(!working.is_finished(), "it did not wait");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    other.batch_execute("COMMIT").await.expect("the session is alive");
    working.await.expect("it ends")
}

/// A store over a database of its own, with `alter` applied to it.
pub(crate) struct PgFixture {
    pub(crate) database: Database,
    pub(crate) alter: fn(PgStore) -> PgStore,
}

impl PgFixture {
    pub(crate) fn new() -> Self {
        Self { database: migrated_database(), alter: |store| store }
    }
}

#[async_trait]
impl Fixture for PgFixture {
    async fn open(&self, clock: Option<Clock>) -> Arc<dyn BookingStore> {
        let options = PgOptions { clock, ..options(self.database.url(), 6) };
        let store = PgStore::connect(&options, REACHABLE_WITHIN).await.expect("it is there");
        Arc::new((self.alter)(store))
    }

    /// Every column of every row of all our tables.
    async fn dump_everything(&self) -> Vec<u8> {
        self.database.dump()
    }
}

pub(crate) fn new_event(seats: i64) -> NewEvent {
    let name = EventName::parse("An event").expect("valid");
    let capacity = Capacity::parse(seats, CapacityMax::default()).expect("valid");
    NewEvent::new(Uuid::now_v7().into(), name, capacity)
}

pub(crate) async fn create(store: &PgStore, seats: i64) -> Event {
    store.create_event(new_event(seats)).await.expect("the store answers")
}

pub(crate) fn address(who: &str) -> EmailAddress {
    EmailAddress::parse(&format!("{who}@example.org")).expect("valid")
}

pub(crate) fn claim(event_id: EventId, who: &str) -> Claim {
    Claim::new(RegistrationId::beside(event_id, Uuid::now_v7()), address(who))
}

pub(crate) fn register(event_id: EventId, who: &str) -> EventCommand {
    EventCommand::new(event_id, Caller::Operator, Command::Register(claim(event_id, who).into()))
}

/// Asks for a seat, or a place in the queue.
pub(crate) fn queue_up(event_id: EventId, who: &str) -> EventCommand {
    let register = Register { on_full: OnFull::Waitlist, ..Register::from(claim(event_id, who)) };
    EventCommand::new(event_id, Caller::Operator, Command::Register(register))
}

/// Asks for a seat for a minute.
pub(crate) fn hold(event_id: EventId, who: &str) -> EventCommand {
    let ttl = HoldTtl::parse(60).expect("valid");
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

pub(crate) fn transfer(registration: &Registration, who: &str) -> EventCommand {
    let transfer = Transfer {
        registration_id: registration.id,
        person: address(who).into(),
        token_hash: None,
    };
    EventCommand::new(registration.event_id, Caller::Operator, Command::Transfer(transfer))
}

pub(crate) fn key(hash: u8, fingerprint: u8) -> IdempotencyKey {
    IdempotencyKey::new(KeyHash::new([hash; 32]), Fingerprint::new([fingerprint; 32]))
}

/// A new token, recognized by `token`, of the organizer called `name`.
pub(crate) fn new_token(name: &str, token: u8) -> NewToken {
    let name = OrganizerName::parse(name).expect("valid");
    let organizer = Organizer::new(Uuid::now_v7().into(), name);
    NewToken::new(Uuid::now_v7().into(), organizer, TokenHash::new([token; 32]))
}

/// A token for which there is room.
pub(crate) async fn create_token(store: &PgStore, new: NewToken) -> OrganizerToken {
    store.create_token(new).await.expect("the store answers").expect("there is room")
}

/// Executes `batch`, waiting where events are busy.
pub(crate) async fn execute(store: &PgStore, batch: &[EventCommand]) -> Vec<Outcome> {
    let executions = store.execute(batch, WhenBusy::Wait).await.expect("the store answers");
    let decided = executions.into_iter().map(|execution| match execution {
        Execution::Decided(outcome) => outcome,
        Execution::Busy => panic!("a store that was told to wait answered Busy"),
        Execution::Unknown => panic!("no commit was lost"),
    });
    decided.collect()
}

/// Executes a command that must succeed.
pub(crate) async fn succeed(store: &PgStore, command: EventCommand) -> Registration {
    let outcome = execute(store, &[command]).await.remove(0);
    outcome.registration().cloned().unwrap_or_else(|| panic!("it did not go well: {outcome:?}"))
}

/// A number that `database` returns.
pub(crate) fn number(database: &Database, sql: &str) -> i64 {
    let value = database.sql(sql)[0][0].clone().expect("it is not NULL");
    value.parse().unwrap_or_else(|_| panic!("{sql} is {value}"))
}
