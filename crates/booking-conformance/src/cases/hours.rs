//! Hours and ends: when seats are given out, and that a finished event gives out none.

use crate::Fixture;
use crate::tools::*;
use booking_core::{
    BookingStore, Caller, Command, Edit, Event, EventCommand, EventId, EventRules, EventTimes,
    OfferTtl, Outcome, PageLimit, Refusal, Registration, Status, Timing,
};
use chrono::{DateTime, TimeDelta, Utc};

const CLOSED: Outcome = Outcome::Refused(Refusal::Closed);

/// An event with these times, whose offers last a day.
async fn create_at(store: &dyn BookingStore, seats: u32, times: EventTimes) -> Event {
    let new = new_event("In time", seats)
        .with(|new| {
            (new.details.starts_at, new.details.ends_at) = (times.starts_at, times.ends_at);
        })
        .expect("in order");
    store.create_event(new).await.expect("the store answers")
}

async fn create_until(store: &dyn BookingStore, seats: u32, ends_at: DateTime<Utc>) -> Event {
    let times = EventTimes { ends_at: Some(ends_at), ..EventTimes::default() };
    create_at(store, seats, times).await
}

fn edit(event_id: EventId, edit: Edit) -> EventCommand {
    EventCommand::new(event_id, Caller::Operator, Command::Edit(Box::new(edit)))
}

fn ends_at(event_id: EventId, at: DateTime<Utc>) -> EventCommand {
    edit(event_id, Edit { ends_at: Some(Some(at)), ..Edit::default() })
}

fn scan(registration: &Registration, scanned_at: Option<DateTime<Utc>>) -> EventCommand {
    let command = Command::CheckIn(booking_core::CheckIn {
        registration_id: registration.id,
        generation: registration.generation,
        scan_id: uuid::Uuid::now_v7(),
        scanned_at,
    });
    EventCommand::new(registration.event_id, Caller::Operator, command)
}

/// From its end on an event takes no registrations, and no registration advances; without an end it is over a day after
/// its start, and without either never.
pub async fn a_finished_event_gives_out_no_seats(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let in_an_hour = clock.now() + TimeDelta::hours(1);
    let of_end = EventTimes { ends_at: Some(in_an_hour), ..EventTimes::default() };
    let of_beginning =
        EventTimes { starts_at: Some(in_an_hour - EventTimes::LASTS), ends_at: None };
    for times in [of_end, of_beginning] {
        let event = create_at(&*store, 2, times).await;
        let ada = confirmed(execute_one(&*store, register(event.id, "ada")).await);
        clock.advance_micros(3_599 * SECOND);
        let kept = held(execute_one(&*store, hold(event.id, "kept", 600)).await);
        let waits = waitlisted(execute_one(&*store, queue_up(event.id, "waits")).await);
        clock.advance_micros(SECOND - 1);
        assert_eq!(execute_one(&*store, register(event.id, "late")).await, SOLD_OUT);

        clock.advance_micros(1);
        let asked = [
            register(event.id, "late"),
            queue_up(event.id, "late"),
            hold(event.id, "late", 60),
            // Nor does it report who is registered.
            register(event.id, "ada"),
            confirm(&kept),
            confirm(&waits),
            transfer(&ada, "grace", None),
        ];
        for command in asked {
            let shown = format!("{:?}", command.command);
            assert_eq!(execute_one(&*store, command).await, CLOSED, "{shown}");
        }
        // Attendees keep their seats and may cancel; the waitlist is not served for it.
        let again = execute_one(&*store, confirm(&ada)).await;
        assert_eq!(confirmed(again).status, Status::Confirmed, "twice is the same");
        execute_one(&*store, cancel(&ada)).await;
        let after = read(&*store, event.id).await;
        assert_eq!((after.booked_count, after.waitlist_count), (1, 1));
        assert_eq!(look(&*store, waits.id).await.status, Status::Waitlisted);
        let due = store.due_events(PageLimit::MAX).await.expect("the store answers");
        assert!(!due.contains(&event.id), "there is nothing to tidy");
        clock.advance_micros(600 * SECOND);
        execute_one(&*store, EventCommand::new(event.id, Caller::Operator, Command::Settle)).await;
        assert_eq!(look(&*store, waits.id).await.status, Status::Waitlisted);

        // A later end lets them in.
        execute_one(&*store, ends_at(event.id, clock.now() + TimeDelta::hours(1))).await;
        assert_eq!(look(&*store, waits.id).await.status, Status::Offered);
        confirmed(execute_one(&*store, register(event.id, "late")).await);
        assert_audit_is_clean(&*store).await;
        clock.advance_micros(-4_200 * SECOND);
    }
    let event = create(&*store, 1).await;
    clock.advance_micros(3_650 * DAY);
    confirmed(execute_one(&*store, register(event.id, "ada")).await);
}

/// No offer outlasts the event, whether its end was known or is brought forward.
pub async fn an_offer_ends_with_its_event(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let over_at = clock.now() + TimeDelta::hours(2);
    let event = create_until(&*store, 2, over_at).await;
    let batch = ["first", "second"].map(|who| register(event.id, who));
    let seats: Vec<_> = execute(&*store, &batch).await.into_iter().map(confirmed).collect();
    let batch = ["a", "b", "c"].map(|who| queue_up(event.id, who));
    let people: Vec<_> = execute(&*store, &batch).await.into_iter().map(waitlisted).collect();
    execute_one(&*store, cancel(&seats[0])).await;
    assert_eq!(look(&*store, people[0].id).await.expires_at, Some(over_at));

    // In one batch with an offer that is made in it, which the store has not read.
    let sooner = clock.now() + TimeDelta::hours(1);
    let outcomes = execute(&*store, &[cancel(&seats[1]), ends_at(event.id, sooner)]).await;
    assert!(matches!(outcomes[1], Outcome::EventChanged(_)), "{outcomes:?}");
    for person in &people[..2] {
        let offered = look(&*store, person.id).await;
        let expected = (Status::Offered, Some(sooner));
        assert_eq!((offered.status, offered.expires_at), expected, "an offer ends with its event");
    }
    // When the end is put off again, they stay as they are.
    execute_one(&*store, ends_at(event.id, over_at)).await;
    assert_eq!(look(&*store, people[0].id).await.expires_at, Some(sooner));

    // An end in the past ends them at once.
    execute_one(&*store, ends_at(event.id, clock.now())).await;
    for person in &people[..2] {
        assert_eq!(look(&*store, person.id).await.status, Status::Expired);
    }
    let after = read(&*store, event.id).await;
    assert_eq!((after.booked_count, after.waitlist_count), (0, 1));
    assert_eq!(execute_one(&*store, confirm(&people[0])).await, CLOSED);
    assert_eq!(look(&*store, people[2].id).await.status, Status::Waitlisted);
    assert_audit_is_clean(&*store).await;
}

/// An end that is changed twice in one batch acts as if changed in two.
pub async fn end_times_changed_in_one_batch_act_as_one_by_one(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let hours = |hours| clock.now() + TimeDelta::hours(hours);
    let cleared = |event_id| edit(event_id, Edit { ends_at: Some(None), ..Edit::default() });
    for last in [Some(hours(5)), None] {
        let mut ends = Vec::new();
        for in_one in [true, false] {
            let event = create_until(&*store, 2, hours(9)).await;
            let batch = ["first", "second"].map(|who| register(event.id, who));
            let seats: Vec<_> = execute(&*store, &batch).await.into_iter().map(confirmed).collect();
            let batch = ["a", "b"].map(|who| queue_up(event.id, who));
            let people: Vec<_> =
                execute(&*store, &batch).await.into_iter().map(waitlisted).collect();
            execute_one(&*store, cancel(&seats[0])).await;
            // One offer before, one after the end was brought forward and put off again.
            let again = last.map_or_else(|| cleared(event.id), |at| ends_at(event.id, at));
            let batch = [ends_at(event.id, hours(2)), again, cancel(&seats[1])];
            if in_one {
                execute(&*store, &batch).await;
            } else {
                for command in batch {
                    execute_one(&*store, command).await;
                }
            }
            let [a, b] = [look(&*store, people[0].id).await, look(&*store, people[1].id).await];
            ends.push((a.expires_at, b.expires_at));
            let day = clock.now() + TimeDelta::days(1);
            assert_eq!(ends.last(), Some(&(Some(hours(2)), Some(last.unwrap_or(day)))), "{in_one}");
        }
        assert_eq!(ends[0], ends[1]);
    }
    assert_audit_is_clean(&*store).await;
}

/// After registration closes there are no new registrations, but a hold may be confirmed, and the waitlist is served.
pub async fn holds_and_the_waitlist_are_served_after_registration_closes(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let closes_at = clock.now() + TimeDelta::seconds(60);
    let new = new_event("Doors", 2)
        .with(|new| {
            new.rules = EventRules {
                closes_at: Some(closes_at),
                offer_ttl: OfferTtl::parse(300).ok(),
                ..new.rules
            };
        })
        .expect("in order");
    let event = store.create_event(new).await.expect("the store answers");
    let ada = confirmed(execute_one(&*store, register(event.id, "ada")).await);
    let kept = held(execute_one(&*store, hold(event.id, "kept", 600)).await);
    let waits = waitlisted(execute_one(&*store, queue_up(event.id, "waits")).await);
    clock.advance_micros(60 * SECOND);
    let asked = [
        register(event.id, "late"),
        queue_up(event.id, "late"),
        hold(event.id, "late", 60),
        register(event.id, "ada"),
    ];
    for command in asked {
        assert_eq!(execute_one(&*store, command).await, CLOSED);
    }
    confirmed(execute_one(&*store, confirm(&kept)).await);
    let moved = execute_one(&*store, transfer(&ada, "grace", None)).await;
    let Outcome::Transferred(grace) = moved else { panic!("{moved:?}") };
    execute_one(&*store, cancel(&grace)).await;
    assert_eq!(look(&*store, waits.id).await.status, Status::Offered);
    confirmed(execute_one(&*store, confirm(&waits)).await);
    assert_audit_is_clean(&*store).await;
}

/// A full event may conceal who is registered; while there are seats, a duplicate is reported.
pub async fn a_full_event_may_conceal_who_is_registered(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let create = async |conceals_registered| {
        let new = new_event("Discreet", 2)
            .with(|new| {
                new.rules.conceals_registered = conceals_registered;
            })
            .expect("in order");
        store.create_event(new).await.expect("the store answers")
    };
    let (discreet, open) = (create(true).await, create(false).await);
    for event in [&discreet, &open] {
        confirmed(execute_one(&*store, register(event.id, "ada")).await);
        assert_eq!(execute_one(&*store, register(event.id, "ada")).await, ALREADY_REGISTERED);
        confirmed(execute_one(&*store, register(event.id, "grace")).await);
    }
    for who in ["ada", "nobody"] {
        assert_eq!(execute_one(&*store, register(discreet.id, who)).await, SOLD_OUT);
        assert_eq!(execute_one(&*store, hold(discreet.id, who, 60)).await, SOLD_OUT);
    }
    assert_eq!(execute_one(&*store, register(open.id, "ada")).await, ALREADY_REGISTERED);
    // Joining the waitlist leaves a trace, and a registered attendee must be told.
    assert_eq!(execute_one(&*store, queue_up(discreet.id, "ada")).await, ALREADY_REGISTERED);
    let shown = read(&*store, discreet.id).await;
    assert!(shown.rules.conceals_registered);
    let conceals_registered = Some(false);
    let revealed = Edit { conceals_registered, ..Edit::default() };
    execute_one(&*store, edit(discreet.id, revealed)).await;
    assert_eq!(execute_one(&*store, register(discreet.id, "ada")).await, ALREADY_REGISTERED);
}

/// A scan is never refused for its time; the outcome says whether the attendee is early or late.
pub async fn a_scan_reports_early_and_late_attendees(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let made_at = clock.now();
    let starts_at = made_at + TimeDelta::days(3);
    let ends_at = starts_at + TimeDelta::hours(2);
    let times = EventTimes { starts_at: Some(starts_at), ends_at: Some(ends_at) };
    let event = create_at(&*store, 9, times).await;
    let batch: Vec<_> = (0..6).map(|who| register(event.id, who)).collect();
    let people: Vec<_> = execute(&*store, &batch).await.into_iter().map(confirmed).collect();
    clock.advance_micros(4 * DAY);
    let year_zero = DateTime::from_timestamp(-62_167_219_200, 0);
    let early = starts_at - TimeDelta::hours(24);
    let expected = [
        (year_zero, made_at, Timing::Early),
        (
            Some(early - TimeDelta::microseconds(1)),
            early - TimeDelta::microseconds(1),
            Timing::Early,
        ),
        (Some(early), early, Timing::OnTime),
        (
            Some(ends_at - TimeDelta::microseconds(1)),
            ends_at - TimeDelta::microseconds(1),
            Timing::OnTime,
        ),
        (Some(ends_at), ends_at, Timing::Late),
        (None, clock.now(), Timing::Late),
    ];
    for (person, (scanned_at, at, timing)) in people.iter().zip(expected) {
        let outcome = execute_one(&*store, scan(person, scanned_at)).await;
        let Outcome::CheckedIn(admitted) = outcome else { panic!("{outcome:?}") };
        let found = admitted.registration.check_in.map(|check_in| check_in.at);
        assert_eq!((found, admitted.timing), (Some(at), timing));
    }
}

/// What identifies a state of an event: its version and when that was made. What calendars need: when the details last
/// changed, and how often the time or place did.
pub async fn an_event_reports_when_it_was_changed(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let made_at = clock.now();
    let event = create(&*store, 1).await;
    let marks = async || {
        let event = read(&*store, event.id).await;
        (event.changed_at, event.details_changed_at, event.sequence)
    };
    assert_eq!(marks().await, (made_at, made_at, 0));
    let mut at = made_at;
    let mut announced_at = made_at;
    let mut sequence = 0;
    let soon = Some(Some(made_at + TimeDelta::days(1)));
    let parsed = |text| booking_core::EventName::parse(text).ok();
    let steps = [
        (register(event.id, "ada"), false, false),
        (edit(event.id, Edit { capacity: Some(capacity(3)), ..Edit::default() }), false, false),
        (edit(event.id, Edit { name: parsed("Another"), ..Edit::default() }), true, false),
        (edit(event.id, Edit { starts_at: soon, ..Edit::default() }), true, true),
        (edit(event.id, Edit { closes_at: soon, ..Edit::default() }), false, false),
        (EventCommand::new(event.id, Caller::Operator, Command::CancelEvent), true, true),
    ];
    for (command, is_announced, is_moved) in steps {
        clock.advance_micros(SECOND);
        at += TimeDelta::seconds(1);
        announced_at = if is_announced { at } else { announced_at };
        sequence += u32::from(is_moved);
        let answered = execute_one(&*store, command.clone()).await;
        assert_eq!(marks().await, (at, announced_at, sequence), "{:?}", command.command);
        if let Outcome::EventChanged(changed) = answered {
            assert_eq!(*changed, read(&*store, event.id).await);
        }
        clock.advance_micros(SECOND);
        at += TimeDelta::seconds(1);
        // Commands that change nothing leave them.
        execute_one(&*store, EventCommand::new(event.id, Caller::Operator, Command::Settle)).await;
        assert_eq!(marks().await.0, at - TimeDelta::seconds(1));
    }
}
