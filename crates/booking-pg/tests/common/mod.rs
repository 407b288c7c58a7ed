//! Databases and stores for the tests of this crate.

#![allow(dead_code, clippy::allow_attributes, reason = "each test file uses a part of it")]

use async_trait::async_trait;
use booking_conformance::Fixture;
use booking_core::{
    BookingStore, Capacity, CapacityMax, Claim, Clock, Command, EmailAddress, Event, EventCommand,
    EventId, EventName, NewEvent,
};
use booking_pg::{PgOptions, PgStore};
use booking_testkit::{Database, Template};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use uuid::Uuid;

pub(crate) const REACHABLE_WITHIN: Duration = Duration::from_secs(20);

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

/// A store over a database of its own, through any change that `alter` makes to it.
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

pub(crate) fn register(event_id: EventId, who: &str) -> EventCommand {
    let claim = Claim::new(Uuid::now_v7().into(), address(who));
    EventCommand::new(event_id, Command::Register(claim.into()))
}
