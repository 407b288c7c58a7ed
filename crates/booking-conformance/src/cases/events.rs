//! The event itself: its hours, its edits, its end.

use crate::Fixture;
use crate::tools::*;
use booking_core::{
    Caller, Command, Edit, EventCommand, EventId, EventName, EventRules, EventStatus, EventTag,
    FactKind, Listed, OfferTtl, Outcome, PageLimit, Precondition, Refusal, Status, Venue, Version,
};
use chrono::TimeDelta;
use std::sync::Arc;
use tokio::task::JoinSet;
use uuid::Uuid;

const CLOSED: Outcome = Outcome::Refused(Refusal::Closed);

fn edit(event_id: EventId, edit: Edit) -> EventCommand {
    EventCommand::new(event_id, Caller::Operator, Command::Edit(Box::new(edit)))
}

#[track_caller]
fn changed(outcome: Outcome) -> booking_core::Event {
    match outcome {
        Outcome::EventChanged(event) => *event,
        other => panic!("not changed: {other:?}"),
    }
}

/// Registration opens and closes at the given instants, by the store's clock.
pub async fn registration_opens_and_closes_on_time(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let rules = EventRules {
        opens_at: Some(clock.now() + TimeDelta::seconds(10)),
        closes_at: Some(clock.now() + TimeDelta::seconds(20)),
        ..EventRules::default()
    };
    let new = new_event("Doors at ten", 9).with(|new| new.rules = rules).expect("in order");
    let event = store.create_event(new).await.expect("the store answers");
    clock.advance_micros(10 * SECOND - 1);
    for command in [register(event.id, "a"), queue_up(event.id, "a"), hold(event.id, "a", 60)] {
        assert_eq!(execute_one(&*store, command).await, CLOSED);
    }
    clock.advance_micros(1);
    confirmed(execute_one(&*store, register(event.id, "a")).await);
    let kept = held(execute_one(&*store, hold(event.id, "b", 60)).await);
    clock.advance_micros(10 * SECOND - 1);
    confirmed(execute_one(&*store, register(event.id, "c")).await);
    clock.advance_micros(1);
    assert_eq!(execute_one(&*store, register(event.id, "d")).await, CLOSED);
    // Nor does it report who is registered: asking would leave no trace.
    assert_eq!(execute_one(&*store, register(event.id, "a")).await, CLOSED);
    confirmed(execute_one(&*store, confirm(&kept)).await);
}

/// A draft takes no registrations until it is published.
pub async fn a_draft_takes_no_registrations(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let rules = EventRules { status: EventStatus::Draft, ..EventRules::default() };
    let new = new_event("Not yet", 9).with(|new| new.rules = rules).expect("in order");
    let event = store.create_event(new).await.expect("the store answers");
    for command in [register(event.id, "a"), queue_up(event.id, "a"), hold(event.id, "a", 60)] {
        assert_eq!(execute_one(&*store, command).await, CLOSED);
    }
    let publish = Edit { publish: true, ..Edit::default() };
    let published = changed(execute_one(&*store, edit(event.id, publish)).await);
    assert_eq!(published.rules.status, EventStatus::Published);
    confirmed(execute_one(&*store, register(event.id, "a")).await);
}

/// The fact of each edit says whether the event was published, moved, or edited otherwise.
pub async fn each_event_change_is_recorded_with_its_kind(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let rules = EventRules { status: EventStatus::Draft, ..EventRules::default() };
    let new = elaborate(new_event("Not yet", 9)).with(|new| new.rules = rules).expect("in order");
    let event = store.create_event(new).await.expect("the store answers");
    let venue = |name| Some(Some(Venue::parse(name).expect("valid")));
    let renamed = Some(EventName::parse("At last").expect("valid"));
    let edits = [
        ("event_moved", Edit { venue: venue("Elsewhere"), name: renamed, ..Edit::default() }),
        // Published, not moved, although its venue is set with it.
        ("event_published", Edit { publish: true, venue: venue("Here"), ..Edit::default() }),
        ("event_edited", Edit { capacity: Some(capacity(7)), ..Edit::default() }),
    ];
    for (kind, change) in edits {
        let is_kept = async || {
            let dump = fixture.dump_everything().await;
            dump.windows(kind.len()).any(|window| window == kind.as_bytes())
        };
        assert!(!is_kept().await, "{kind} was kept before it was so");
        changed(execute_one(&*store, edit(event.id, change.clone())).await);
        assert!(is_kept().await, "{kind} is not kept");
        // A repeated edit changes nothing.
        let again = changed(execute_one(&*store, edit(event.id, change)).await);
        assert_eq!(again, read(&*store, event.id).await);
    }
    assert_eq!(read(&*store, event.id).await.version, Version::new(4));
    assert_audit_is_clean(&*store).await;
}

/// An edit changes the fields that it names, and no others.
pub async fn an_edit_changes_only_the_fields_it_names(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let other = create(&*store, 2).await;
    let new = elaborate(new_event("Before", 5))
        .with(|new| new.id = Uuid::now_v7().into())
        .expect("in order");
    let before = store.create_event(new).await.expect("the store answers");
    let venue = Venue::parse("Elsewhere").expect("valid");
    let some = Edit {
        if_match: Some(Version::FIRST.into()),
        venue: Some(Some(venue.clone())),
        ends_at: Some(None),
        closes_at: Some(None),
        capacity: Some(capacity(7)),
        offer_ttl: Some(None),
        waitlist_enabled: Some(true),
        ..Edit::default()
    };
    let after = changed(execute_one(&*store, edit(before.id, some.clone())).await);
    let mut expected = before.clone();
    (expected.details.venue, expected.details.ends_at) = (Some(venue), None);
    (expected.rules.closes_at, expected.rules.offer_ttl) = (None, None);
    (expected.rules.waitlist_enabled, expected.capacity) = (true, capacity(7));
    (expected.version, expected.sequence) = (Version::new(2), 1);
    (expected.changed_at, expected.details_changed_at) = (after.changed_at, after.changed_at);
    assert_eq!(after, expected);
    assert!(after.changed_at >= before.changed_at);
    assert_eq!(read(&*store, before.id).await, after);
    // An edit that changes nothing succeeds, whatever version it names: a client repeats it after a lost answer.
    assert_eq!(changed(execute_one(&*store, edit(before.id, some)).await), after);
    assert_eq!(changed(execute_one(&*store, edit(before.id, Edit::default())).await), after);

    let stale = Edit {
        if_match: Some(Version::FIRST.into()),
        offer_ttl: Some(Some(OfferTtl::default())),
        ..Edit::default()
    };
    let refused = execute_one(&*store, edit(before.id, stale)).await;
    let current = Version::new(2);
    assert_eq!(refused, Outcome::Refused(Refusal::VersionMismatch { current }));
    let backwards = Edit {
        ends_at: Some(before.details.starts_at.map(|start| start - TimeDelta::microseconds(1))),
        ..Edit::default()
    };
    let refused = execute_one(&*store, edit(before.id, backwards)).await;
    assert_eq!(refused, Outcome::Refused(Refusal::OutOfOrder));
    assert_eq!(read(&*store, before.id).await, after);
    assert_eq!(read(&*store, other.id).await, other);
    let nothing = edit(Uuid::now_v7().into(), Edit::default());
    assert_eq!(execute_one(&*store, nothing).await, EVENT_NOT_FOUND);
    assert_audit_is_clean(&*store).await;
}

/// An edit with a precondition is made only in a state that it names: neither at another version, nor at that version
/// of another history, as after a restored backup.
pub async fn an_edit_is_made_only_if_its_precondition_holds(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let event = create(&*store, 5).await;
    clock.advance_micros(SECOND);
    let renamed = |name: &str, tags: Vec<EventTag>| {
        let name = Some(EventName::parse(name).expect("valid"));
        let if_match = Precondition::any_of(tags);
        edit(event.id, Edit { name, if_match, ..Edit::default() })
    };
    let first = EventTag::from(&event);
    let elsewhere = EventTag { changed_at: Some(clock.now()), ..first };
    let stale = async |name, tags| {
        let refused = execute_one(&*store, renamed(name, tags)).await;
        assert!(
            matches!(refused, Outcome::Refused(Refusal::VersionMismatch { .. })),
            "{refused:?}"
        );
    };
    stale("a", vec![]).await;
    stale("a", vec![elsewhere]).await;
    let second = changed(execute_one(&*store, renamed("a", vec![elsewhere, first])).await);
    assert_eq!((second.version, second.changed_at), (Version::new(2), clock.now()));
    stale("b", vec![first]).await;
    // Changes of a batch have the batch's time.
    clock.advance_micros(SECOND);
    let bare = EventTag { version: Version::new(3), changed_at: None };
    let of_batch = EventTag { changed_at: Some(clock.now()), ..bare };
    let of_before = EventTag { changed_at: Some(second.changed_at), ..bare };
    let batch = [
        renamed("b", vec![EventTag::from(&second)]),
        renamed("c", vec![of_before]),
        renamed("d", vec![of_batch]),
        renamed("e", vec![EventTag { version: Version::new(4), changed_at: None }]),
    ];
    let outcomes = execute(&*store, &batch).await;
    let current = Version::new(3);
    assert_eq!(outcomes[1], Outcome::Refused(Refusal::VersionMismatch { current }));
    let last = changed(outcomes[3].clone());
    assert_eq!((last.version, last.details.name.as_str()), (Version::new(5), "e"));
    assert_eq!(read(&*store, event.id).await, last);
}

/// The capacity never drops below the taken seats.
pub async fn the_capacity_never_drops_below_the_booked_seats(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let event = create(&*store, 5).await;
    confirmed(execute_one(&*store, register(event.id, "a")).await);
    held(execute_one(&*store, hold(event.id, "b", 60)).await);
    let lower = |seats| edit(event.id, Edit { capacity: Some(capacity(seats)), ..Edit::default() });
    let refused = execute_one(&*store, lower(1)).await;
    assert_eq!(refused, Outcome::Refused(Refusal::CapacityBelowBooked { booked_count: 2 }));
    changed(execute_one(&*store, lower(2)).await);
    let refused = execute_one(&*store, register(event.id, "c")).await;
    assert!(matches!(refused, Outcome::Refused(Refusal::AllHeld { .. })), "{refused:?}");
    clock.advance_micros(60 * SECOND);
    changed(execute_one(&*store, lower(1)).await);
    assert_eq!(execute_one(&*store, register(event.id, "c")).await, SOLD_OUT);
    assert_audit_is_clean(&*store).await;
}

/// A rush while the capacity goes up and down never takes more seats than there are at that moment.
pub async fn a_rush_during_capacity_changes_never_oversells(fixture: &dyn Fixture) {
    let stores = [fixture.open(None).await, fixture.open(None).await];
    let event = create(&*stores[0], 5).await;
    let mut tasks = JoinSet::new();
    for task in 0..8_u32 {
        let store = Arc::clone(&stores[task as usize % 2]);
        tasks.spawn(async move {
            for turn in 0..12_u32 {
                let seats = 3 + (task * 5 + turn * 7) % 60;
                let resize = Edit { capacity: Some(capacity(seats)), ..Edit::default() };
                let mut batch = vec![register(event.id, format!("{task}-{turn}"))];
                if task % 2 == 0 {
                    batch.insert(0, edit(event.id, resize));
                }
                for outcome in execute(&*store, &batch).await {
                    if let Outcome::EventChanged(event) = outcome {
                        assert!(event.booked_count <= event.capacity.get());
                    }
                }
                let now = read(&*store, event.id).await;
                assert!(now.booked_count <= now.capacity.get());
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("no caller panicked");
    }
    assert_audit_is_clean(&*stores[0]).await;
}

/// A cancelled event has no seats taken and no waitlist, and takes no registrations.
pub async fn cancelling_an_event_ends_its_registrations(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let event = create(&*store, 2).await;
    let a = confirmed(execute_one(&*store, register(event.id, "a")).await);
    let b = held(execute_one(&*store, hold(event.id, "b", 60)).await);
    let c = waitlisted(execute_one(&*store, queue_up(event.id, "c")).await);
    let cancel_event = EventCommand::new(event.id, Caller::Operator, Command::CancelEvent);
    let batch =
        [cancel_event.clone(), register(event.id, "d"), confirm(&b), transfer(&a, "e", None)];
    let outcomes = execute(&*store, &batch).await;
    let gone = changed(outcomes[0].clone());
    assert_eq!((gone.rules.status, gone.booked_count), (EventStatus::Cancelled, 0));
    assert_eq!((gone.waitlist_count, gone.version), (0, c.event_version.next()));
    assert_eq!(outcomes[1..], [CLOSED, CLOSED, CLOSED]);
    assert_eq!(changed(execute_one(&*store, cancel_event).await), gone, "twice is the same");
    assert_eq!(read(&*store, event.id).await, gone);
    for person in [&a, &b, &c] {
        let now = look(&*store, person.id).await;
        assert_eq!((now.status, now.position, now.expires_at), (Status::Cancelled, None, None));
        let answer = execute_one(&*store, cancel(person)).await;
        assert_eq!(answer, Outcome::Cancelled(now), "it has ended already");
        let history = store.history(person.id, PageLimit::MAX).await.expect("the store answers");
        let last = history.expect("it exists").pop().map(|entry| (entry.kind, entry.version));
        let expected = Some((FactKind::EventCancelled, gone.version));
        assert_eq!(last, expected, "its history ends with what cancelled the event");
    }
    assert_eq!(read_registrations(&*store, event.id, PageLimit::MAX).await, []);
    let all = read_listed(&*store, event.id, Listed::All, PageLimit::MAX).await;
    assert!(all.iter().all(|row| row.status == Status::Cancelled) && all.len() == 3, "{all:?}");
    assert_eq!(
        execute_one(&*store, edit(event.id, Edit { publish: true, ..Edit::default() })).await,
        CLOSED
    );
    assert_eq!(store.due_events(PageLimit::MAX).await.expect("the store answers"), []);
    assert_audit_is_clean(&*store).await;
}
