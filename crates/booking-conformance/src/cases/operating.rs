//! What a store reports about itself.

use crate::Fixture;
use crate::tools::*;
use booking_core::{Caller, Command, EventCommand, EventRules, EventStatus, StoreHealth, Totals};

/// A working store takes writes, and has all its tables.
pub async fn a_working_store_reports_its_health(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let health = store.health().await.expect("the store answers");
    assert_eq!(health, StoreHealth::WELL);
    let connections = store.connections();
    assert!(connections.open <= connections.max, "{connections:?}");
    assert!(connections.idle <= connections.open, "{connections:?}");
    assert_eq!(connections.waiting, 0);
}

/// Totals are sums over published events, and over no others.
pub async fn totals_count_only_published_events(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let totals = async || store.totals().await.expect("the store answers");
    assert_eq!(totals().await, Totals::default());
    let rules = EventRules { status: EventStatus::Draft, ..EventRules::default() };
    let draft = new_event("Not yet", 7).with(|new| new.rules = rules).expect("in order");
    store.create_event(draft).await.expect("the store answers");
    let mut events = Vec::new();
    for seats in [2, 3, 5] {
        events.push(create(&*store, seats).await.id);
    }
    for command in [
        register(events[0], "a"),
        hold(events[0], "b", 60),
        queue_up(events[0], "c"),
        register(events[1], "a"),
        register(events[2], "a"),
        EventCommand::new(events[2], Caller::Operator, Command::CancelEvent),
    ] {
        execute_one(&*store, command).await;
    }
    let expected = Totals { events: 2, capacity: 5, booked: 3, held: 1, waiting: 1 };
    assert_eq!(totals().await, expected);
}
