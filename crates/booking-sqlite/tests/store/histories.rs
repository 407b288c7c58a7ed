//! The facts of a registration, followed backwards.

use crate::common::{
    Database, ManualClock, audit, cancel, create, done, execute, hold, new_event, register,
    transfer, wait,
};
use booking_core::prelude::*;
use booking_core::{
    Actor, Answers, Caller, CheckIn, Command, EventCommand, EventId, EventStatus, FactKind,
    HistoryEntry, PageLimit, RegistrationId, StoreError, Version,
};
use booking_sqlite::SqliteStore;
use chrono::TimeDelta;
use uuid::Uuid;

async fn history(store: &SqliteStore, id: RegistrationId, limit: PageLimit) -> Vec<HistoryEntry> {
    store.history(id, limit).await.expect("the store answers").expect("it is there")
}

/// An attendee waits, is offered a seat, accepts it, checks in and out again, and transfers it.
async fn long_life(store: &SqliteStore, event: EventId, clock: &ManualClock) -> RegistrationId {
    let first = done(store, register(event, "first")).await.id;
    let id = done(store, wait(event, "second")).await.id;
    let step = async |command| {
        clock.advance(TimeDelta::seconds(1));
        done(store, EventCommand::new(event, Caller::Operator, command)).await
    };
    step(Command::Cancel { registration_id: first }).await;
    step(Command::Confirm { registration_id: id, answers: Answers::default() }).await;
    let scan_id = Uuid::now_v7();
    let check_in = CheckIn { registration_id: id, generation: 0, scan_id, scanned_at: None };
    step(Command::CheckIn(check_in)).await;
    step(Command::UndoCheckIn { registration_id: id }).await;
    // Between facts about others, in one transaction.
    let (stranger, friend) = (register(event, "stranger"), transfer(event, id, "third"));
    execute(store, &[stranger.clone(), friend, stranger]).await;
    id
}

#[tokio::test]
async fn a_long_history_is_returned_in_order() {
    let (database, clock) = (Database::new(), ManualClock::new());
    let store = database.open_with(clock.options()).await;
    let event = create(&store, 1).await;
    let id = long_life(&store, event.id, &clock).await;
    let entries = history(&store, id, PageLimit::MAX).await;
    let kinds: Vec<_> = entries.iter().map(|entry| (entry.kind, entry.actor)).collect();
    let expected = [
        (FactKind::Waitlisted, Actor::Attendee),
        (FactKind::Offered, Actor::System),
        (FactKind::Confirmed, Actor::Organizer),
        (FactKind::CheckedIn, Actor::Organizer),
        (FactKind::CheckInUndone, Actor::Organizer),
        (FactKind::Transferred, Actor::Organizer),
    ];
    assert_eq!(kinds, expected);
    assert!(entries.is_sorted_by(|a, b| a.version < b.version && a.recorded_at <= b.recorded_at));
    assert_eq!(entries[5].recorded_at - entries[1].recorded_at, TimeDelta::seconds(3));
    let read = store.registration(id).await.expect("the store answers").expect("it is there");
    assert_eq!(
        (read.created_version, read.event_version),
        (entries[0].version, entries[5].version)
    );

    // The last entries, and the event's own end after those.
    let two = PageLimit::parse(2).expect("valid");
    assert_eq!(history(&store, id, two).await, entries[4..]);
    execute(&store, &[EventCommand::new(event.id, Caller::Operator, Command::CancelEvent)]).await;
    let ended = history(&store, id, two).await;
    assert_eq!(ended[..2], entries[4..]);
    assert_eq!((ended.len(), ended[2].kind), (3, FactKind::EventCancelled));
    audit(&store).await;
}

#[tokio::test]
async fn the_history_of_a_cancelled_registration_omits_the_end_of_its_event() {
    let database = Database::new();
    let store = database.open().await;
    let event = create(&store, 1).await;
    let id = done(&store, register(event.id, "ada")).await.id;
    let cancelled = EventCommand::new(event.id, Caller::Operator, Command::CancelEvent);
    execute(&store, &[cancel(event.id, id), cancelled]).await;
    let kinds: Vec<_> =
        history(&store, id, PageLimit::MAX).await.iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [FactKind::Registered, FactKind::Cancelled]);
    let nobody = store.history(Uuid::now_v7().into(), PageLimit::MAX).await;
    assert_eq!(nobody.expect("the store answers"), None);
}

#[tokio::test]
async fn a_history_with_a_gap_is_broken() {
    for gap in [
        "DELETE FROM facts WHERE version_first > 2",
        "UPDATE facts SET version_first = version_first + 1 WHERE version_first > 2",
        "UPDATE facts SET body = replace(body, 'registration_id', 'x') WHERE version_first = 3",
    ] {
        let database = Database::new();
        let store = database.open().await;
        let event = create(&store, 1).await;
        let id = done(&store, register(event.id, "ada")).await.id;
        done(&store, transfer(event.id, id, "grace")).await;
        let unchecked = "PRAGMA ignore_check_constraints = ON";
        database.connect().execute_batch(&format!("{unchecked}; {gap}")).expect("written");
        let failure = store.history(id, PageLimit::MAX).await.expect_err("a fact is missing");
        assert!(matches!(failure, StoreError::Broken(_)), "{gap}: {failure:?}");
    }
}

/// The facts of a draft say that it is one.
#[tokio::test]
async fn the_first_fact_of_a_draft_names_it_a_draft() {
    let database = Database::new();
    let store = database.open().await;
    for (status, kind) in
        [(EventStatus::Draft, "event_drafted"), (EventStatus::Published, "event_created")]
    {
        let new = new_event(3).with(|new| new.rules.status = status).expect("in order");
        let event = store.create_event(new).await.expect("the store answers");
        let sql = "SELECT body ->> '$[0].kind' FROM facts WHERE event_id = ?1";
        let stored: String = database
            .connect()
            .query_row(sql, [event.id.as_uuid().as_bytes()], |row| row.get(0))
            .expect("one row of facts");
        assert_eq!(stored, kind);
    }
}

/// The fact of a seat that was given at once is its registration: nothing else is stored, and it is read as if it were.
#[tokio::test]
async fn a_seat_given_at_once_is_its_own_fact() {
    let database = Database::new();
    let store = database.open().await;
    let event = create(&store, 9).await.id;
    let ada = done(&store, register(event, "ada")).await.id;
    execute(&store, &[register(event, "grace"), register(event, "kay")]).await;
    // Together with anything else they are stored.
    execute(&store, &[register(event, "edsger"), hold(event, "tony")]).await;
    done(&store, cancel(event, ada)).await;
    let connection = database.connect();
    let stored = "SELECT group_concat(version_first || '-' || version_last) FROM facts";
    let stored: String = connection.query_row(stored, [], |row| row.get(0)).expect("it is there");
    assert_eq!(stored, "1-1,5-6,7-7");

    use FactKind::{Cancelled, EventCreated, Held, Registered};
    let facts = store.facts_after(event, Version::new(0), PageLimit::MAX).await;
    let facts = facts.expect("the store answers").into_iter();
    let facts: Vec<_> = facts.map(|fact| (fact.version.get(), fact.fact.kind)).collect();
    let all = [EventCreated, Registered, Registered, Registered, Registered, Held, Cancelled];
    assert_eq!(facts, (1..).zip(all).collect::<Vec<_>>());
    let kinds: Vec<_> =
        history(&store, ada, PageLimit::MAX).await.iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [Registered, Cancelled]);
    audit(&store).await;
}
