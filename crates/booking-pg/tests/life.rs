//! The life of a registration, where PostgreSQL reads or refuses in its own way.

mod common;

use booking_conformance::ManualClock;
use booking_core::prelude::*;
use booking_core::{
    Actor, Caller, CheckIn, Command, EventCommand, EventId, EventStatus, FactKind, Listed, Outcome,
    PageLimit, Refusal, RegistrationId, Status, Version,
};
use booking_pg::{PgOptions, PgStore};
use booking_testkit::Database;
use common::{
    REACHABLE_WITHIN, address, cancel, confirm, connect, create, execute, hold, migrated_database,
    new_event, number, options, queue_up, register, succeed, transfer,
};
use uuid::Uuid;

const SECOND: i64 = 1_000_000;

async fn connect_by(database: &Database, clock: &ManualClock) -> PgStore {
    let options = PgOptions { clock: Some(clock.as_clock()), ..options(database.url(), 3) };
    PgStore::connect(&options, REACHABLE_WITHIN).await.expect("it is there")
}

async fn due(store: &PgStore) -> Vec<EventId> {
    store.due_events(PageLimit::MAX).await.expect("it answers")
}

async fn kinds(store: &PgStore, id: RegistrationId, limit: PageLimit) -> Vec<(FactKind, Actor)> {
    let history = store.history(id, limit).await.expect("it answers").expect("it is there");
    assert!(history.is_sorted_by(|a, b| a.version < b.version));
    history.iter().map(|entry| (entry.kind, entry.actor)).collect()
}

/// What has expired counts for nothing in any read, though its row is still held.
#[tokio::test]
async fn an_expired_hold_counts_for_nothing_before_a_sweep() {
    let database = migrated_database();
    let clock = ManualClock::default();
    let store = connect_by(&database, &clock).await;
    let event = create(&store, 3).await.id;
    let held = succeed(&store, hold(event, "ada")).await;
    succeed(&store, register(event, "grace")).await;
    clock.advance_micros(30 * SECOND);
    let later = succeed(&store, hold(event, "edsger")).await;
    assert_eq!(due(&store).await, []);

    clock.advance_micros(30 * SECOND);
    let read = store.event(event).await.expect("it answers").expect("it is there");
    assert_eq!((read.booked_count, read.is_settled), (2, false));
    let page = store.events(Caller::Operator, None, PageLimit::MAX).await.expect("it answers");
    assert_eq!(page.items, std::slice::from_ref(&read));
    let seated = store.registrations(event, Listed::Seated, None, PageLimit::MAX).await;
    let seated = seated.expect("it answers").expect("it is there").items;
    assert_eq!(seated.len(), 2);
    assert!(seated.iter().all(|row| row.id != held.id) && seated.iter().any(|r| r.id == later.id));
    let row = store.registration(held.id).await.expect("it answers").expect("it is there");
    assert_eq!((row.status, row.expires_at), (Status::Expired, None));
    assert_eq!(due(&store).await, [event]);
    let stored = "SELECT count(*) FROM registrations WHERE status = 'held'";
    assert_eq!(number(&database, stored), 2, "nobody has tidied");
    assert_eq!(store.audit().await.expect("it answers").differences, []);

    execute(&store, &[EventCommand::new(event, Caller::Operator, Command::Settle)]).await;
    assert_eq!(number(&database, stored), 1);
    assert_eq!(due(&store).await, []);
    let tidied = store.event(event).await.expect("it answers").expect("it is there");
    assert_eq!((tidied.booked_count, tidied.is_settled), (2, true));
    assert_eq!(tidied.version, read.version.next());
    assert_eq!(store.audit().await.expect("it answers").differences, []);
}

/// Longest overdue first, and no more than requested.
#[tokio::test]
async fn due_events_come_in_the_order_of_their_time() {
    let database = migrated_database();
    let clock = ManualClock::default();
    let store = connect_by(&database, &clock).await;
    let mut events = Vec::new();
    for _ in 0..3 {
        let event = create(&store, 3).await.id;
        succeed(&store, hold(event, "ada")).await;
        events.push(event);
        clock.advance_micros(1);
    }
    create(&store, 3).await;
    clock.advance_micros(60 * SECOND - 2);
    assert_eq!(due(&store).await, events[..2]);
    clock.advance_micros(1);
    assert_eq!(due(&store).await, events);
    let two = PageLimit::parse(2).expect("valid");
    assert_eq!(store.due_events(two).await.expect("it answers"), events[..2]);
}

/// Within one transaction an address moves from one row to another: the unique index must not see
/// the row that gives it up beside the one that takes it.
#[tokio::test]
async fn an_address_passes_between_rows_in_one_batch() {
    let database = migrated_database();
    let store = connect(database.url(), 2).await;
    let event = create(&store, 9).await.id;
    let a = succeed(&store, register(event, "a")).await;
    let b = succeed(&store, register(event, "b")).await;
    let batch = [
        register(event, "b"),
        cancel(&b),
        transfer(&a, "b"),
        register(event, "a"),
        register(event, "b"),
    ];
    let outcomes = execute(&store, &batch).await;
    let taken = Outcome::Refused(Refusal::AlreadyRegistered);
    assert_eq!((&outcomes[0], &outcomes[4]), (&taken, &taken));
    let owner =
        |at: usize| outcomes[at].registration().map(|row| (row.id, row.person.user_email.clone()));
    assert_eq!(owner(2), Some((a.id, address("b"))));
    let new_a = outcomes[3].registration().expect("it went well");
    assert_eq!(new_a.person.user_email, address("a"));

    // And in a circle, with one registration that steps aside.
    let c = succeed(&store, register(event, "c")).await;
    let batch = [transfer(&c, "aside"), transfer(&a, "c"), transfer(new_a, "b"), transfer(&c, "a")];
    let outcomes = execute(&store, &batch).await;
    assert!(outcomes.iter().all(|outcome| outcome.registration().is_some()), "{outcomes:?}");
    let mut owners = Vec::new();
    for id in [a.id, new_a.id, c.id] {
        let row = store.registration(id).await.expect("it answers").expect("it is there");
        owners.push(row.person.user_email);
    }
    assert_eq!(owners, [address("c"), address("b"), address("a")]);
    assert_eq!(store.audit().await.expect("it answers").differences, []);
}

/// A history is followed from fact to fact, through the rows of many batches and within one.
#[tokio::test]
async fn a_history_is_followed_through_many_batches() {
    let database = migrated_database();
    let store = connect(database.url(), 2).await;
    let event = create(&store, 50).await.id;
    let crowd: Vec<_> = (0..20).map(|n| register(event, &format!("before-{n}"))).collect();
    execute(&store, &crowd).await;
    let ada = succeed(&store, hold(event, "ada")).await;
    // Three changes in the middle of one batch, whose facts are one row.
    let check_in = CheckIn {
        registration_id: ada.id,
        generation: 1,
        scan_id: Uuid::now_v7(),
        scanned_at: None,
    };
    let undo = Command::UndoCheckIn { registration_id: ada.id };
    let batch = [
        register(event, "between"),
        confirm(&ada),
        transfer(&ada, "grace"),
        register(event, "among"),
        EventCommand::new(event, Caller::Operator, Command::CheckIn(check_in)),
        register(event, "after"),
    ];
    execute(&store, &batch).await;
    succeed(&store, EventCommand::new(event, Caller::Operator, undo)).await;
    let organizer = |kind| (kind, Actor::Organizer);
    let mut expected = vec![
        (FactKind::Held, Actor::Attendee),
        organizer(FactKind::Confirmed),
        organizer(FactKind::Transferred),
        organizer(FactKind::CheckedIn),
        organizer(FactKind::CheckInUndone),
    ];
    assert_eq!(kinds(&store, ada.id, PageLimit::MAX).await, expected);
    let two = PageLimit::parse(2).expect("valid");
    assert_eq!(kinds(&store, ada.id, two).await, expected[3..]);
    execute(&store, &[EventCommand::new(event, Caller::Operator, Command::CancelEvent)]).await;
    expected.push(organizer(FactKind::EventCancelled));
    assert_eq!(kinds(&store, ada.id, PageLimit::MAX).await, expected);
    assert_eq!(kinds(&store, ada.id, two).await, expected[3..]);
    let nobody = store.history(Uuid::now_v7().into(), two).await.expect("it answers");
    assert_eq!(nobody, None);
}

/// Positions are counted by the database: in a queue that many have left, they are those of the
/// remaining ones.
#[tokio::test]
async fn a_queue_position_counts_only_those_who_remain() {
    let database = migrated_database();
    let store = connect(database.url(), 2).await;
    let event = create(&store, 1).await.id;
    succeed(&store, register(event, "seated")).await;
    let queue: Vec<_> = (0..30).map(|n| queue_up(event, &format!("n{n}"))).collect();
    let waiting: Vec<_> = execute(&store, &queue).await;
    let waiting: Vec<_> = waiting.iter().filter_map(Outcome::registration).collect();
    let leaving: Vec<_> = waiting.iter().step_by(2).map(|row| cancel(row)).collect();
    execute(&store, &leaving).await;
    let last = store.registration(waiting[29].id).await.expect("it answers");
    assert_eq!(last.expect("it is there").position, Some(15));
    // Executed again, each returns its position now.
    let again = execute(&store, &queue).await;
    let places: Vec<_> = again.iter().map(|o| o.registration().and_then(|r| r.position)).collect();
    let expected: Vec<_> = (0..30).map(|n| (n % 2 == 1).then_some(n / 2 + 1)).collect();
    assert_eq!(places, expected);
    assert_eq!(store.audit().await.expect("it answers").differences, []);
}

/// The facts of a draft say that it is one.
#[tokio::test]
async fn the_first_fact_of_a_draft_names_it_a_draft() {
    let database = migrated_database();
    let store = connect(database.url(), 2).await;
    let first_kind = |id: EventId| {
        let sql = format!("SELECT body::jsonb->0->>'kind' FROM facts WHERE event_id = '{id}'");
        database.sql(&sql)
    };
    for (status, kind) in
        [(EventStatus::Draft, "event_drafted"), (EventStatus::Published, "event_created")]
    {
        let new = new_event(3).with(|new| new.rules.status = status).expect("in order");
        let event = store.create_event(new).await.expect("it answers");
        assert_eq!(first_kind(event.id), [[Some(kind.to_owned())]]);
    }
}

/// The fact of a seat that was given at once is its registration: nothing else is stored, and it is read as if it were.
#[tokio::test]
async fn a_seat_given_at_once_is_its_own_fact() {
    let database = migrated_database();
    let store = connect(database.url(), 2).await;
    let event = create(&store, 9).await.id;
    let ada = succeed(&store, register(event, "ada")).await;
    succeed(&store, hold(event, "bob")).await;
    let sold = execute(&store, &[register(event, "grace"), register(event, "kay")]).await;
    assert!(sold.iter().all(|outcome| outcome.registration().is_some()), "{sold:?}");
    // Together with anything else they are stored.
    execute(&store, &[register(event, "edsger"), hold(event, "tony")]).await;
    succeed(&store, cancel(&ada)).await;
    let stored = database.sql("SELECT version_first || '-' || version_last FROM facts ORDER BY 1");
    let stored: Vec<_> = stored.into_iter().flatten().flatten().collect();
    assert_eq!(stored, ["1-1", "3-3", "6-7", "8-8"]);

    use FactKind::{Cancelled, EventCreated, Held, Registered};
    let facts = async |after: u64, limit| {
        let limit = PageLimit::parse(limit).expect("valid");
        let facts = store.facts_after(event, Version::new(after), limit).await;
        let facts = facts.expect("it answers").into_iter();
        facts.map(|fact| (fact.version.get(), fact.fact.kind)).collect::<Vec<_>>()
    };
    let all = [EventCreated, Registered, Held, Registered, Registered, Registered, Held, Cancelled];
    let all: Vec<_> = (1..).zip(all).collect();
    assert_eq!(facts(0, 100).await, all);
    assert_eq!(facts(3, 3).await, all[3..6]);
    assert_eq!(facts(6, 100).await, all[6..]);
    let attendee = |kind| (kind, Actor::Attendee);
    let of = sold[0].registration().expect("it is one").id;
    assert_eq!(kinds(&store, of, PageLimit::MAX).await, [attendee(Registered)]);
    assert_eq!(
        kinds(&store, ada.id, PageLimit::MAX)
            .await
            .iter()
            .map(|(kind, _)| *kind)
            .collect::<Vec<_>>(),
        [Registered, Cancelled]
    );
    let one = PageLimit::parse(1).expect("valid");
    assert_eq!(kinds(&store, ada.id, one).await.len(), 1, "the last");
    assert_eq!(store.audit().await.expect("it answers").differences, []);

    // Where a fact that was stored is missing, that is noticed.
    let broken = async || {
        let report = store.audit().await.expect("it answers");
        report.differences.iter().map(|found| (found.stated, found.counted)).collect::<Vec<_>>()
    };
    database.sql("DELETE FROM facts WHERE version_first = 3");
    assert_eq!(broken().await, [(8, 7)], "a hold is not its own fact");
    for lost in ["UPDATE facts SET body = '[]'", "DELETE FROM facts"] {
        database.sql(&format!("{lost} WHERE version_first = 8"));
        store.history(ada.id, PageLimit::MAX).await.expect_err(lost);
    }
    execute(&store, &[EventCommand::new(event, Caller::Operator, Command::CancelEvent)]).await;
    database.sql("DELETE FROM facts WHERE version_first = 9");
    store.history(of, PageLimit::MAX).await.expect_err("that its event was cancelled is missing");
    // Of an event that is not here any row may be missing.
    database.sql("DELETE FROM events");
    assert_eq!(facts(0, 100).await, []);
}
