//! What has expired counts for nothing, whatever the rows say.

use crate::common::{
    Database, ManualClock, audit, confirm, create, done, execute, hold, hold_for, register, wait,
};
use booking_core::prelude::*;
use booking_core::{
    Caller, Command, Event, EventCommand, HoldTtl, Listed, Outcome, PageLimit, Refusal, Status,
};
use booking_sqlite::SqliteStore;
use chrono::TimeDelta;

async fn read(store: &SqliteStore, event: &Event) -> Event {
    store.event(event.id).await.expect("the store answers").expect("it is there")
}

async fn listed(store: &SqliteStore, event: &Event, listed: Listed) -> Vec<Status> {
    let page = store.registrations(event.id, listed, None, PageLimit::MAX).await;
    let rows = page.expect("the store answers").expect("it is there").items;
    rows.into_iter().map(|row| row.status).collect()
}

/// The seats taken and held by the event's own row, and how many of its rows are held.
fn stored(database: &Database) -> (i64, i64, i64) {
    let stored = "SELECT booked_count, held_count,
        (SELECT count(*) FROM registrations WHERE registrations.status = 'held') FROM events";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    database.connect().query_row(stored, [], read).expect("read")
}

fn minutes(minutes: i64) -> HoldTtl {
    HoldTtl::parse(minutes * 60).expect("valid")
}

#[tokio::test]
async fn expired_holds_are_not_counted_before_a_sweep() {
    let (database, clock) = (Database::new(), ManualClock::new());
    let store = database.open_with(clock.options()).await;
    let event = create(&store, 3).await;
    let short = done(&store, hold_for(event.id, "short", minutes(1))).await;
    done(&store, hold_for(event.id, "long", minutes(2))).await;
    confirm(&store, register(event.id, "seated")).await;
    let full = read(&store, &event).await;
    assert_eq!((full.booked_count, full.is_settled), (3, true));
    let refused = execute(&store, &[register(event.id, "late")]).await.remove(0);
    let retry_at = short.expires_at.expect("it ends");
    assert_eq!(refused, Outcome::Refused(Refusal::AllHeld { retry_at }));

    clock.advance(TimeDelta::minutes(1) - TimeDelta::microseconds(1));
    assert_eq!(read(&store, &event).await, full);
    clock.advance(TimeDelta::microseconds(1));
    let later = read(&store, &event).await;
    assert_eq!((later.booked_count, later.is_settled), (2, false));
    assert_eq!(later.version, full.version);
    let page =
        store.events(Caller::Operator, None, PageLimit::MAX).await.expect("the store answers");
    assert_eq!(page.items, [later]);
    let seated = [Status::Held, Status::Confirmed];
    assert_eq!(listed(&store, &event, Listed::Seated).await, seated);
    let all = [Status::Expired, Status::Held, Status::Confirmed];
    assert_eq!(listed(&store, &event, Listed::All).await, all);
    let ended = store.registration(short.id).await.expect("the store answers").expect("there");
    assert_eq!((ended.status, ended.expires_at), (Status::Expired, None));
    // Nothing was swept, and nothing is wrong with that.
    assert_eq!(stored(&database), (3, 2, 2));
    audit(&store).await;

    confirm(&store, register(event.id, "late")).await;
    assert_eq!(stored(&database), (3, 1, 1));
    let now = read(&store, &event).await;
    assert_eq!((now.booked_count, now.is_settled), (3, true));
    audit(&store).await;
}

#[tokio::test]
async fn due_events_are_listed_and_settled() {
    let (database, clock) = (Database::new(), ManualClock::new());
    let store = database.open_with(clock.options()).await;
    let [first, second, third] =
        [create(&store, 1).await, create(&store, 1).await, create(&store, 1).await];
    done(&store, hold_for(second.id, "a", minutes(2))).await;
    done(&store, hold_for(first.id, "a", minutes(1))).await;
    done(&store, wait(first.id, "b")).await;
    done(&store, hold_for(third.id, "a", minutes(3))).await;
    let due = async |limit| {
        let limit = PageLimit::parse(limit).expect("valid");
        store.due_events(limit).await.expect("the store answers")
    };
    assert_eq!(due(9).await, []);
    clock.advance(TimeDelta::minutes(2));
    assert_eq!(due(9).await, [first.id, second.id]);
    assert_eq!(due(1).await, [first.id]);
    let settle =
        [first.id, second.id].map(|id| EventCommand::new(id, Caller::Operator, Command::Settle));
    assert_eq!(execute(&store, &settle).await, [Outcome::Settled, Outcome::Settled]);
    assert_eq!(due(9).await, []);
    // The seat of the first was offered, for a day; nobody waited for that of the second.
    assert_eq!(listed(&store, &first, Listed::All).await, [Status::Expired, Status::Offered]);
    assert_eq!(listed(&store, &second, Listed::Seated).await, []);
    clock.advance(TimeDelta::days(1));
    assert_eq!(due(9).await, [third.id, first.id]);
    audit(&store).await;
}

/// One decision sweeps only so many: the next continues, and none is counted in between.
#[tokio::test]
async fn the_next_transaction_sweeps_what_exceeds_one() {
    let (database, clock) = (Database::new(), ManualClock::new());
    let store = database.open_with(clock.options()).await;
    let event = create(&store, 1_500).await;
    for batch in (0..1_500).collect::<Vec<_>>().chunks(500) {
        let holds: Vec<_> = batch.iter().map(|who| hold(event.id, who)).collect();
        execute(&store, &holds).await;
    }
    clock.advance(TimeDelta::hours(1));
    assert_eq!(read(&store, &event).await.booked_count, 0);
    let mut transactions = 0;
    while let [due] = store.due_events(PageLimit::MAX).await.expect("the store answers")[..] {
        execute(&store, &[EventCommand::new(due, Caller::Operator, Command::Settle)]).await;
        assert_eq!(read(&store, &event).await.booked_count, 0);
        audit(&store).await;
        transactions += 1;
    }
    assert_eq!((transactions, stored(&database)), (2, (0, 0, 0)));
}

#[tokio::test]
async fn a_cancelled_event_has_no_registrations_left() {
    let (database, clock) = (Database::new(), ManualClock::new());
    let store = database.open_with(clock.options()).await;
    let event = create(&store, 2).await;
    let held = done(&store, hold(event.id, "held")).await;
    confirm(&store, register(event.id, "seated")).await;
    let waits = done(&store, wait(event.id, "waits")).await;
    assert_eq!(waits.position, Some(1));
    execute(&store, &[EventCommand::new(event.id, Caller::Operator, Command::CancelEvent)]).await;
    assert_eq!(listed(&store, &event, Listed::Seated).await, []);
    assert_eq!(listed(&store, &event, Listed::All).await, [Status::Cancelled; 3]);
    let read_one = async |id| {
        let read = store.registration(id).await.expect("the store answers").expect("there");
        (read.status, read.position)
    };
    assert_eq!(read_one(waits.id).await, (Status::Cancelled, None));
    clock.advance(TimeDelta::hours(1));
    assert_eq!(read_one(held.id).await, (Status::Expired, None));
    assert_eq!(read(&store, &event).await.booked_count, 0);
    assert_eq!(store.due_events(PageLimit::MAX).await.expect("the store answers"), []);
    audit(&store).await;
}
