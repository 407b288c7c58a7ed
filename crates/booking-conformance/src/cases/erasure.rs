//! Erasing personal data: by address, and when an event has been over for its retention period.

use crate::Fixture;
use crate::tools::*;
use booking_core::{
    BookingStore, Caller, Command, ERASED_MAX, Edit, EmailAddress, Event, EventCommand, EventId,
    FactKind, Fingerprint, IdempotencyKey, KeyHash, Listed, Outcome, PageLimit, PersonName,
    Refusal, Registration, Retention, Status,
};
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::Arc;
use tokio::task::JoinSet;

fn erase(registration: &Registration) -> EventCommand {
    let registration_id = registration.id;
    EventCommand::new(registration.event_id, Caller::Operator, Command::Erase { registration_id })
}

fn erase_due(event_id: EventId) -> EventCommand {
    EventCommand::new(event_id, Caller::Operator, Command::EraseDue)
}

fn keyed(command: EventCommand, hash: u8) -> EventCommand {
    let (hash, fingerprint) = (KeyHash::new([hash; 32]), Fingerprint::new([0; 32]));
    command.with_key(Some(IdempotencyKey::new(hash, fingerprint)))
}

#[track_caller]
fn erased(outcome: Outcome) -> Registration {
    match outcome {
        Outcome::Erased(registration) => registration,
        other => panic!("not erased: {other:?}"),
    }
}

/// The ids of the registrations of `who`.
async fn of(store: &dyn BookingStore, who: &str) -> Vec<booking_core::RegistrationId> {
    let found = store.registrations_of(&address(who), PageLimit::MAX).await;
    let mut ids: Vec<_> = found.expect("the store answers").iter().map(|(_, id)| *id).collect();
    ids.sort_unstable();
    ids
}

async fn kinds(store: &dyn BookingStore, of: &Registration) -> Vec<FactKind> {
    let history = store.history(of.id, PageLimit::MAX).await.expect("the store answers");
    history.expect("it exists").iter().map(|entry| entry.kind).collect()
}

/// An event that is over at the given instant.
async fn over_at(
    store: &dyn BookingStore,
    seats: u32,
    ends_at: DateTime<Utc>,
    retention_days: Option<i64>,
) -> Event {
    let new = new_event("An event that ends", seats)
        .with(|new| {
            new.details.ends_at = Some(ends_at);
            new.details.retention =
                retention_days.map(|days| Retention::parse(days).expect("valid"));
        })
        .expect("in order");
    store.create_event(new).await.expect("the store answers")
}

/// Every current and former registration of an address is found in every event; after erasure only anonymous rows are
/// left.
pub async fn every_registration_of_an_address_is_found_and_erased(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let (first, second) = (create(&*store, 3).await, create(&*store, 1).await);
    let mut named = claim(first.id, "ada");
    (named.person.name, named.token_hash) = (PersonName::parse("Ada").ok(), Some(token_hash(1)));
    let seat = EventCommand::new(first.id, Caller::Operator, Command::Register(named.into()));
    let seat = confirmed(execute_one(&*store, seat).await);
    let given_up = confirmed(execute_one(&*store, register(second.id, "ada")).await);
    execute_one(&*store, cancel(&given_up)).await;
    confirmed(execute_one(&*store, register(second.id, "grace")).await);
    let waiting = waitlisted(execute_one(&*store, queue_up(second.id, "ada")).await);
    let others = confirmed(execute_one(&*store, register(first.id, "grace")).await);

    let mut all = [seat.id, given_up.id, waiting.id];
    all.sort_unstable();
    assert_eq!(of(&*store, "ada").await, all);
    let two = PageLimit::parse(2).expect("valid");
    let some = store.registrations_of(&address("ada"), two).await.expect("the store answers");
    assert_eq!(some.len(), 2);
    for registration in [&seat, &given_up, &waiting] {
        let after = erased(execute_one(&*store, erase(registration)).await);
        assert_eq!(after.person.user_email, EmailAddress::erased(registration.id));
        assert_eq!((after.person.name.clone(), after.token_hash), (None, None));
        assert_eq!((after.id, after.created_at), (registration.id, registration.created_at));
        assert!(!after.status.is_live(), "{:?}", after.status);
        assert_eq!(look(&*store, registration.id).await, after);
        let version = read(&*store, registration.event_id).await.version;
        assert_eq!(erased(execute_one(&*store, erase(registration)).await), after, "twice");
        assert_eq!(read(&*store, registration.event_id).await.version, version, "changes nothing");
    }
    assert_eq!(of(&*store, "ada").await, []);
    let expected = [FactKind::Registered, FactKind::Cancelled, FactKind::Erased];
    assert_eq!(kinds(&*store, &seat).await, expected);
    assert_eq!(kinds(&*store, &given_up).await, expected);
    assert_eq!(look(&*store, others.id).await, others);
    assert_eq!(read(&*store, first.id).await.booked_count, 1);
    assert_eq!(read(&*store, second.id).await.waitlist_count, 0);
    assert_audit_is_clean(&*store).await;
    confirmed(execute_one(&*store, register(first.id, "ada")).await);
    let mut nobody = others;
    nobody.id = new_registration_id(first.id);
    let refused = execute_one(&*store, erase(&nobody)).await;
    assert_eq!(refused, Outcome::Refused(Refusal::RegistrationNotFound));
}

/// Before the event is over, an erased seat goes to the attendee who waits longest.
pub async fn an_erased_seat_goes_to_the_head_of_the_waitlist(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let event = create(&*store, 1).await;
    let seat = confirmed(execute_one(&*store, register(event.id, "ada")).await);
    let next = waitlisted(execute_one(&*store, queue_up(event.id, "grace")).await);
    let last = waitlisted(execute_one(&*store, queue_up(event.id, "kay")).await);
    let after = erased(execute_one(&*store, erase(&seat)).await);
    assert_eq!((after.status, after.generation), (Status::Cancelled, seat.generation + 1));
    assert_eq!(look(&*store, next.id).await.status, Status::Offered);
    assert_eq!(look(&*store, last.id).await.position, Some(1));
    assert_eq!(read(&*store, event.id).await.booked_count, 1);
    assert_audit_is_clean(&*store).await;
}

/// Once it is over, all counts stay, and the erased seat is not given out again.
pub async fn a_finished_event_keeps_its_counts_after_erasure(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let event = over_at(&*store, 1, clock.now() + TimeDelta::hours(1), None).await;
    let seat = confirmed(execute_one(&*store, register(event.id, "ada")).await);
    let waiting = waitlisted(execute_one(&*store, queue_up(event.id, "grace")).await);
    clock.advance_micros(3_600 * SECOND);
    let before = read(&*store, event.id).await;
    let erasing = [erase(&seat), erase(&waiting), transfer(&seat, "kay", None)];
    let outcomes = execute(&*store, &erasing).await;
    assert_eq!(outcomes[2], Outcome::Refused(Refusal::Closed));
    let after = erased(outcomes[0].clone());
    assert_eq!((after.status, after.generation), (Status::Confirmed, seat.generation));
    assert_eq!(erased(outcomes[1].clone()).position, Some(1));
    let now = read(&*store, event.id).await;
    assert_eq!((now.booked_count, now.waitlist_count), (1, 1));
    assert_eq!(now.version.get(), before.version.get() + 2);
    assert_eq!(kinds(&*store, &seat).await, [FactKind::Registered, FactKind::Erased]);
    assert_audit_is_clean(&*store).await;
}

/// A record may hold an address that has no registration any more.
pub async fn idempotency_records_of_an_address_are_purged(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let event = create(&*store, 3).await;
    // Quotes and backslashes are escaped in JSON.
    let odd = EmailAddress::parse(r#""a\"d\\a"@example.org"#).expect("an address");
    let theirs = register_as(event.id, claim(event.id, "x").registration_id, odd.clone());
    let seat = confirmed(execute_one(&*store, keyed(theirs, 1)).await);
    let grace = keyed(register(event.id, "grace"), 2);
    let kept = execute_one(&*store, grace.clone()).await;
    execute_one(&*store, transfer(&seat, "kay", None)).await;
    let nobodys = store.registrations_of(&odd, PageLimit::MAX).await.expect("the store answers");
    assert_eq!(nobodys, []);
    let purge = async |email: &EmailAddress| {
        store.purge_records_of(email, PageLimit::MAX).await.expect("the store answers")
    };
    assert_eq!(purge(&odd).await, 1);
    assert_eq!(purge(&odd).await, 0);
    // `race@` is not `grace@`.
    assert_eq!(purge(&EmailAddress::parse("race@example.org").expect("valid")).await, 0);
    let again = execute_one(&*store, grace).await;
    assert_eq!(again, Outcome::Replayed(Box::new(kept)));
}

/// Registrations are erased after the event's retention period: not earlier, all of them, and for good.
pub async fn registrations_are_erased_after_the_retention_period(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let ends_at = clock.now() + TimeDelta::days(1);
    let event = over_at(&*store, 2, ends_at, Some(1)).await;
    let kept = over_at(&*store, 2, ends_at, None).await;
    assert_eq!(event.details.retention.map(Retention::days), Some(1));
    let seat = confirmed(execute_one(&*store, register(event.id, "ada")).await);
    let held = held(execute_one(&*store, hold(event.id, "grace", 600)).await);
    let waiting = waitlisted(execute_one(&*store, queue_up(event.id, "kay")).await);
    let others = confirmed(execute_one(&*store, register(kept.id, "ada")).await);
    let erasable = async || store.erasable_events(PageLimit::MAX).await.expect("it answers");
    clock.advance_micros(2 * DAY - 1);
    assert_eq!(erasable().await, []);
    // An outcome that a client may ask for again.
    confirmed(execute_one(&*store, keyed(confirm(&seat), 1)).await);
    let before = read(&*store, event.id).await;
    assert_eq!(execute_one(&*store, erase_due(event.id)).await, Outcome::Settled);
    assert_eq!(look(&*store, seat.id).await, seat, "a microsecond early");

    clock.advance_micros(1);
    assert_eq!(erasable().await, [event.id], "its time has come");
    assert_eq!(execute_one(&*store, erase_due(event.id)).await, Outcome::Settled);
    assert_eq!(erasable().await, [], "nothing is left to be erased");
    for registration in [&seat, &held, &waiting] {
        let now = look(&*store, registration.id).await;
        assert_eq!(now.person.user_email, EmailAddress::erased(registration.id));
    }
    for who in ["grace", "kay"] {
        assert_eq!(of(&*store, who).await, []);
    }
    assert_eq!(of(&*store, "ada").await, [others.id], "another event's");
    let purged = store.purge_records_of(&address("ada"), PageLimit::MAX).await;
    assert_eq!(purged.expect("the store answers"), 0, "its records went with it");
    let after = read(&*store, event.id).await;
    assert_eq!(after.waitlist_count, before.waitlist_count);
    assert_eq!(after.booked_count, before.booked_count);
    let refused = execute_one(&*store, register(event.id, "late")).await;
    assert_eq!(refused, Outcome::Refused(Refusal::Closed), "nobody would erase them");
    let version = after.version;
    execute_one(&*store, erase_due(event.id)).await;
    assert_eq!(read(&*store, event.id).await.version, version, "again changes nothing");

    // Reopening the event makes it due for erasure again.
    let ends_at = Some(Some(clock.now() + TimeDelta::hours(1)));
    let open = Edit { closes_at: Some(None), ends_at, ..Edit::default() };
    execute_one(
        &*store,
        EventCommand::new(event.id, Caller::Operator, Command::Edit(Box::new(open))),
    )
    .await;
    let late = execute_one(&*store, queue_up(event.id, "late")).await;
    let late = waitlisted(late);
    assert_eq!(erasable().await, []);
    clock.advance_micros(DAY + 3_600 * SECOND);
    assert_eq!(erasable().await, [event.id]);
    execute_one(&*store, erase_due(event.id)).await;
    assert!(look(&*store, late.id).await.is_erased());
    assert_eq!(erasable().await, []);
    assert_audit_is_clean(&*store).await;
}

/// A cancelled event keeps personal data no longer either, and still reports that it was cancelled.
pub async fn registrations_of_a_cancelled_event_are_erased(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let event = over_at(&*store, 1, clock.now() + TimeDelta::days(1), Some(0)).await;
    let seat = confirmed(execute_one(&*store, register(event.id, "ada")).await);
    execute_one(&*store, EventCommand::new(event.id, Caller::Operator, Command::CancelEvent)).await;
    clock.advance_micros(DAY);
    execute_one(&*store, erase_due(event.id)).await;
    let after = look(&*store, seat.id).await;
    assert_eq!((after.status, after.is_erased()), (Status::Cancelled, true));
    let expected = [FactKind::Registered, FactKind::EventCancelled, FactKind::Erased];
    assert_eq!(kinds(&*store, &seat).await, expected);
    assert_eq!(store.erasable_events(PageLimit::MAX).await.expect("the store answers"), []);
    assert_audit_is_clean(&*store).await;
}

/// What is too much for one transaction is erased in steps, by whichever server.
pub async fn a_large_event_is_erased_in_steps(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let stores =
        [fixture.open(Some(clock.as_clock())).await, fixture.open(Some(clock.as_clock())).await];
    let people = ERASED_MAX + 20;
    let event = over_at(&*stores[0], people, clock.now() + TimeDelta::hours(1), Some(0)).await;
    let batch: Vec<_> = (0..people).map(|who| register(event.id, who)).collect();
    for outcome in execute(&*stores[0], &batch).await {
        confirmed(outcome);
    }
    clock.advance_micros(3_600 * SECOND);
    let unerased = async || {
        let rows = read_listed(&*stores[0], event.id, Listed::All, PageLimit::MAX).await;
        rows.iter().filter(|row| !row.is_erased()).count()
    };
    execute_one(&*stores[0], erase_due(event.id)).await;
    assert_eq!(unerased().await, 20);
    let erasable = stores[1].erasable_events(PageLimit::MAX).await.expect("the store answers");
    assert_eq!(erasable, [event.id]);
    let mut sweepers = JoinSet::new();
    for store in stores.iter().cycle().take(4) {
        let store = Arc::clone(store);
        sweepers.spawn(async move { execute_one(&*store, erase_due(event.id)).await });
    }
    while let Some(swept) = sweepers.join_next().await {
        assert_eq!(swept.expect("it does not panic"), Outcome::Settled);
    }
    assert_eq!(unerased().await, 0, "a step goes on where the one before it ended");
    assert_eq!(read(&*stores[0], event.id).await.booked_count, people);
    assert_audit_is_clean(&*stores[0]).await;
}

/// Erasing during a sale: every seat has an owner, and no personal data of the erased is left.
pub async fn erasing_during_a_sale_loses_no_seat(fixture: &dyn Fixture) {
    const SEATS: u32 = 20;
    let stores = [fixture.open(None).await, fixture.open(None).await];
    let event = create(&*stores[0], SEATS).await;
    let mut people = JoinSet::new();
    for who in 0..4 * SEATS {
        let store = Arc::clone(&stores[who as usize % 2]);
        people.spawn(async move {
            let claim = queue_up(event.id, format!("person{who}"));
            let Some(mine) = execute_one(&*store, claim).await.registration().cloned() else {
                panic!("everybody may wait");
            };
            if who % 4 == 0 {
                erased(execute_one(&*store, erase(&mine)).await);
            }
        });
    }
    while let Some(person) = people.join_next().await {
        person.expect("nobody's task panics");
    }
    let rows = read_listed(&*stores[0], event.id, Listed::All, PageLimit::MAX).await;
    assert_eq!(rows.iter().filter(|row| row.is_erased()).count() as u32, SEATS);
    assert_eq!(read(&*stores[1], event.id).await.booked_count, SEATS);
    assert_audit_is_clean(&*stores[1]).await;
}
