//! Finding registrations of an event, and counting them.

use crate::Fixture;
use crate::tools::*;
use booking_core::{
    BookingStore, Caller, CheckIn, Command, Edit, Event, EventCommand, EventStatus, Listed,
    Outcome, PageLimit, Refusal, Register, Registration, RegistrationCounts,
};
use chrono::TimeDelta;
use uuid::Uuid;

fn check_in(registration: &Registration) -> EventCommand {
    let scan = CheckIn::new(registration.id, registration.generation, Uuid::now_v7());
    EventCommand::new(registration.event_id, Caller::Operator, Command::CheckIn(scan))
}

async fn all(store: &dyn BookingStore, event: &Event) -> Vec<Registration> {
    read_listed(store, event.id, Listed::All, PageLimit::MAX).await
}

async fn counts(store: &dyn BookingStore, event: &Event) -> RegistrationCounts {
    let counts = store.registration_counts(event.id).await.expect("the store answers");
    counts.expect("the event exists")
}

/// The counts, made by looking at each registration.
async fn counted(store: &dyn BookingStore, event: &Event) -> RegistrationCounts {
    let mut counts = RegistrationCounts::default();
    all(store, event).await.iter().for_each(|row| counts.add(row));
    counts
}

/// Registrations are read by id as the listing shows them, each in the place of its id; those of other events are not
/// found.
pub async fn registrations_are_read_by_id(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let event = create(&*store, 3).await;
    let other = create_beside(&*store, &event, 3).await;
    let ada = confirmed(execute_one(&*store, register(event.id, "ada")).await);
    let kept = held(execute_one(&*store, hold(event.id, "grace", 60)).await);
    let gone = confirmed(execute_one(&*store, register(event.id, "edsger")).await);
    execute_one(&*store, cancel(&gone)).await;
    let elsewhere = confirmed(execute_one(&*store, register(other.id, "ada")).await);
    for seconds in [1, 60] {
        clock.advance_micros(seconds * SECOND);
        let mut listed = all(&*store, &event).await;
        assert_eq!(listed.len(), 3);
        listed.reverse();
        let mut ids: Vec<_> = listed.iter().map(|row| row.id).collect();
        let mut expected: Vec<_> = listed.into_iter().map(Some).collect();
        for (at, id) in [(1, elsewhere.id), (3, Uuid::now_v7().into())] {
            ids.insert(at, id);
            expected.insert(at, None);
        }
        ids.push(ada.id);
        expected.push(expected.iter().flatten().find(|row| row.id == ada.id).cloned());
        let found = store.registrations_by_id(event.id, &ids).await.expect("the store answers");
        assert_eq!(found, Some(expected), "{seconds} s: {kept:?}");
    }
    let none = store.registrations_by_id(event.id, &[]).await.expect("the store answers");
    assert_eq!(none, Some(Vec::new()));
    let nowhere = store.registrations_by_id(Uuid::now_v7().into(), &[ada.id]).await;
    assert_eq!(nowhere.expect("the store answers"), None);
}

/// Only live registrations are read by address: cancelled and expired ones are not found.
pub async fn live_registrations_are_read_by_address(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let event = create(&*store, 3).await;
    let other = create_beside(&*store, &event, 3).await;
    let ada = confirmed(execute_one(&*store, register(event.id, "ada")).await);
    let kept = held(execute_one(&*store, hold(event.id, "grace", 60)).await);
    let gone = confirmed(execute_one(&*store, register(event.id, "edsger")).await);
    execute_one(&*store, cancel(&gone)).await;
    execute_one(&*store, register(other.id, "barbara")).await;
    let asked = ["edsger", "grace", "nobody", "ada", "barbara"].map(address);
    let found = async || {
        let found = store.registrations_by_address(event.id, &asked).await;
        found.expect("the store answers").expect("the event exists")
    };
    let expected = [None, Some(kept), None, Some(ada), None];
    assert_eq!(found().await, expected);
    clock.advance_micros(61 * SECOND);
    let [_, _, _, ada, _] = expected;
    assert_eq!(found().await, [None, None, None, ada, None]);
    let call_off = EventCommand::new(event.id, Caller::Operator, Command::CancelEvent);
    execute_one(&*store, call_off).await;
    assert!(found().await.iter().all(Option::is_none), "nobody is live in a cancelled event");
    let nowhere = store.registrations_by_address(Uuid::now_v7().into(), &asked).await;
    assert_eq!(nowhere.expect("the store answers"), None);
}

/// Counts agree with the listing: an expired hold counts as expired in that instant, swept or not, and nothing is live
/// in a cancelled event.
pub async fn counts_agree_with_the_listed_registrations(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let event = create(&*store, 4).await;
    let beside = create_beside(&*store, &event, 4).await;
    execute_one(&*store, register(beside.id, "ada")).await;
    assert_eq!(counts(&*store, &event).await, RegistrationCounts::default());

    let ada = confirmed(execute_one(&*store, register(event.id, "ada")).await);
    let gone = confirmed(execute_one(&*store, register(event.id, "edsger")).await);
    execute_one(&*store, cancel(&gone)).await;
    execute_one(&*store, hold(event.id, "grace", 60)).await;
    for who in ["barbara", "niklaus", "dennis", "ken"] {
        execute_one(&*store, queue_up(event.id, who)).await;
    }
    let inside = execute_one(&*store, check_in(&ada)).await;
    assert!(matches!(inside, Outcome::CheckedIn(_)), "{inside:?}");
    let seats = RegistrationCounts {
        confirmed: 3,
        held: 1,
        waitlisted: 2,
        cancelled: 1,
        checked_in: 1,
        ..RegistrationCounts::default()
    };
    assert_eq!(counts(&*store, &event).await, seats);
    assert_eq!(counted(&*store, &event).await, seats);

    // Its hold has expired, and is not swept.
    clock.advance_micros(61 * SECOND);
    let run_out = RegistrationCounts { held: 0, expired: 1, ..seats };
    assert_eq!(counts(&*store, &event).await, run_out);
    assert_eq!(counted(&*store, &event).await, run_out);

    // Swept, and offered to the head of the waitlist.
    let settle = EventCommand::new(event.id, Caller::Operator, Command::Settle);
    execute_one(&*store, settle).await;
    let offered = RegistrationCounts { offered: 1, waitlisted: 1, ..run_out };
    assert_eq!(counts(&*store, &event).await, offered);
    assert_eq!(counted(&*store, &event).await, offered);

    let call_off = EventCommand::new(event.id, Caller::Operator, Command::CancelEvent);
    execute_one(&*store, call_off).await;
    let ended = RegistrationCounts {
        cancelled: 6,
        expired: 1,
        checked_in: 1,
        ..RegistrationCounts::default()
    };
    assert_eq!(counts(&*store, &event).await, ended);
    assert_eq!(counted(&*store, &event).await, ended);
    let nowhere = store.registration_counts(Uuid::now_v7().into()).await;
    assert_eq!(nowhere.expect("the store answers"), None);
    assert_eq!(counts(&*store, &beside).await.confirmed, 1);
}

/// A caller that manages the event registers attendees outside its hours, in a draft, and without a confirmation mail;
/// no other caller does, and the capacity holds for all.
pub async fn an_organizer_registers_attendees_outside_the_hours(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    store.create_token(new_token(organizer(1), 1)).await.expect("the store answers");
    let hours = |hours| Some(clock.now() + TimeDelta::hours(hours));
    let new = new_event("Not yet", 3).with(|new| {
        new.organizer_id = Some(organizer_id(1));
        new.rules.status = EventStatus::Draft;
        (new.rules.opens_at, new.rules.closes_at) = (hours(1), hours(2));
        new.details.ends_at = hours(4);
        new.rules.confirms_address = true;
    });
    let event = store.create_event(new.expect("in order")).await.expect("the store answers");
    let owner = Caller::Organizer(organizer_id(1));
    let ask = async |caller, who: &str, as_organizer| {
        let register = Register { as_organizer, ..Register::from(claim(event.id, who)) };
        let command = EventCommand::new(event.id, caller, Command::Register(register));
        execute_one(&*store, command).await
    };
    let refused = Outcome::Refused;
    assert_eq!(ask(owner, "ada", false).await, refused(Refusal::Closed), "it is a draft");
    confirmed(ask(owner, "ada", true).await);
    for stranger in [Caller::Anyone, Caller::Organizer(organizer_id(2))] {
        assert_eq!(ask(stranger, "eve", true).await, EVENT_NOT_FOUND, "{stranger:?}");
    }
    let publish = Edit { publish: true, ..Edit::default() };
    let publish = Command::Edit(Box::new(publish));
    let outcome = execute_one(&*store, EventCommand::new(event.id, owner, publish)).await;
    assert!(matches!(outcome, Outcome::EventChanged(_)), "{outcome:?}");
    assert_eq!(ask(owner, "grace", false).await, refused(Refusal::Closed), "it opens later");
    confirmed(ask(owner, "grace", true).await);
    assert_eq!(ask(owner, "ada", true).await, ALREADY_REGISTERED);
    for stranger in [Caller::Anyone, Caller::Attendee(token_hash(7))] {
        assert_eq!(ask(stranger, "eve", true).await, refused(Refusal::Forbidden), "{stranger:?}");
    }
    clock.advance_micros(3 * 3_600 * SECOND);
    assert_eq!(ask(owner, "barbara", false).await, refused(Refusal::Closed), "it has closed");
    confirmed(ask(owner, "barbara", true).await);
    assert_eq!(ask(owner, "edsger", true).await, SOLD_OUT, "seats are as for everybody");
    clock.advance_micros(3_600 * SECOND);
    assert_eq!(ask(owner, "edsger", true).await, refused(Refusal::Closed), "it is over");
    assert_eq!(read(&*store, event.id).await.booked_count, 3);
    assert_audit_is_clean(&*store).await;
}
