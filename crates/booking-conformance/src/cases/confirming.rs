//! Events that confirm addresses: a visitor's seat is held until the owner of the address confirms it by a mailed link,
//! and no other visitor learns who is registered.

use crate::Fixture;
use crate::tools::*;
use booking_core::{
    BookingStore, Caller, Claim, Command, Event, EventCommand, EventRules, FactKind, Fingerprint,
    HoldTtl, IdempotencyKey, IdempotencyRecord, KeyHash, OfferTtl, Outcome, PageLimit, Person,
    PersonName, Refusal, Status, Transfer,
};
use chrono::TimeDelta;

/// The callers that register as visitors for an event without an organizer.
const VISITORS: [Caller; 3] = [
    Caller::Anyone,
    Caller::OpenOrganizer,
    Caller::Attendee(booking_core::TokenHash::new([9; 32])),
];

async fn create_by(store: &dyn BookingStore, seats: u32, rules: EventRules) -> Event {
    let rules = EventRules { confirms_address: true, ..rules };
    let new = new_event("By mail", seats).with(|new| new.rules = rules).expect("in order");
    store.create_event(new).await.expect("the store answers")
}

async fn create_confirming(store: &dyn BookingStore, seats: u32) -> Event {
    create_by(store, seats, EventRules::default()).await
}

/// Every command that claims a seat.
fn claims(event: &Event, who: &str) -> [EventCommand; 3] {
    [register(event.id, who), queue_up(event.id, who), hold(event.id, who, 60)]
}

/// A visitor's seat is held for half an hour, in which the owner of the address may confirm it.
pub async fn a_visitors_seat_is_held_until_its_address_is_confirmed(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let event = create_confirming(&*store, 20).await;
    let ends = Some(clock.now() + TimeDelta::seconds(HoldTtl::SECONDS_MAX.into()));
    let mut seats = Vec::new();
    for (number, caller) in VISITORS.into_iter().enumerate() {
        for way in 0..3 {
            let command = claims(&event, &format!("{number}-{way}"))[way].clone().by(caller);
            let seat = to_confirm(execute_one(&*store, command.clone()).await);
            assert_eq!((seat.status, seat.expires_at), (Status::Held, ends), "{command:?}");
            let again = execute_one(&*store, command).await;
            assert_eq!(to_confirm(again), seat, "executed again");
            seats.push(seat);
        }
    }
    assert_eq!(read(&*store, event.id).await.booked_count, 9);
    let history = store.history(seats[0].id, PageLimit::MAX).await.expect("the store answers");
    let kinds: Vec<_> = history.expect("it exists").iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [FactKind::Held], "a hold as any other");
    confirmed(execute_one(&*store, confirm(&seats[0])).await);

    clock.advance_micros(i64::from(HoldTtl::SECONDS_MAX) * SECOND);
    assert_eq!(read(&*store, event.id).await.booked_count, 1, "who did not confirm has no seat");
    let late = execute_one(&*store, confirm(&seats[1])).await;
    assert_eq!(late, Outcome::Refused(Refusal::HoldExpired));
    let again = register(event.id, "0-1").by(Caller::Anyone);
    assert_ne!(to_confirm(execute_one(&*store, again).await).id, seats[1].id);
    assert_audit_is_clean(&*store).await;
}

/// A visitor gets the same answer for every address; and where there is no seat, the refusal comes before the address
/// is looked at.
pub async fn only_the_address_owner_learns_that_it_is_registered(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let event = create_confirming(&*store, 4).await;
    let ada = confirmed(execute_one(&*store, register(event.id, "ada")).await);
    let grace = register(event.id, "grace").by(Caller::Anyone);
    let grace = to_confirm(execute_one(&*store, grace).await);
    let before = read(&*store, event.id).await;
    for caller in VISITORS {
        for (who, has) in [("ada", &ada), ("grace", &grace)] {
            for command in claims(&event, who).map(|command| command.by(caller)) {
                let outcome = execute_one(&*store, command.clone()).await;
                assert_eq!(outcome, Outcome::KnownAddress(has.id), "{command:?}");
                assert_eq!(execute_one(&*store, command).await, outcome, "executed again");
            }
        }
    }
    assert_eq!(read(&*store, event.id).await, before, "nothing was changed");
    // In one batch with the claim that registers the address.
    let batch = ["kay", "kay"].map(|who| register(event.id, who).by(Caller::Anyone));
    let outcomes = execute(&*store, &batch).await;
    let kay = to_confirm(outcomes[0].clone());
    assert_eq!(outcomes[1], Outcome::KnownAddress(kay.id));

    confirmed(execute_one(&*store, register(event.id, "zoe")).await);
    // Every seat is taken, and some only for a while.
    for who in ["ada", "grace", "nobody"] {
        let asked = [register(event.id, who), hold(event.id, who, 60)];
        for command in asked.map(|command| command.by(Caller::Anyone)) {
            let outcome = execute_one(&*store, command).await;
            let retry_at = kay.expires_at.expect("it is held");
            assert_eq!(outcome, Outcome::Refused(Refusal::AllHeld { retry_at }), "{who}");
        }
    }
    for seat in [&grace, &kay] {
        confirmed(execute_one(&*store, confirm(seat)).await);
    }
    for who in ["ada", "nobody"] {
        let asked = [register(event.id, who), hold(event.id, who, 60)];
        for command in asked.map(|command| command.by(Caller::Anyone)) {
            assert_eq!(execute_one(&*store, command).await, SOLD_OUT, "{who}");
        }
    }
    // A registration that has ended is unknown.
    execute_one(&*store, cancel(&ada)).await;
    let again = register(event.id, "ada").by(Caller::Anyone);
    assert_ne!(to_confirm(execute_one(&*store, again).await).id, ada.id);

    let closed = EventRules { closes_at: Some(clock.now()), ..EventRules::default() };
    let closed = create_by(&*store, 3, closed).await;
    for who in ["ada", "nobody"] {
        for command in claims(&closed, who).map(|command| command.by(Caller::Anyone)) {
            assert_eq!(execute_one(&*store, command).await, Outcome::Refused(Refusal::Closed));
        }
    }
    assert_audit_is_clean(&*store).await;
}

/// A waiting attendee is offered the freed seat, also where others would be confirmed at once: no visitor gets a seat
/// without answering a mail.
pub async fn a_waitlisted_visitor_is_offered_a_seat_where_addresses_are_confirmed(
    fixture: &dyn Fixture,
) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    for (offer_ttl, seconds) in [(OfferTtl::parse(90).ok(), 90), (None, 86_400)] {
        let rules = EventRules { offer_ttl, ..EventRules::default() };
        let event = create_by(&*store, 1, rules).await;
        let ada = confirmed(execute_one(&*store, register(event.id, "ada")).await);
        let wait = queue_up(event.id, "grace").by(Caller::Anyone);
        let grace = to_confirm(execute_one(&*store, wait.clone()).await);
        assert_eq!((grace.status, grace.position), (Status::Waitlisted, Some(1)));
        assert_eq!(to_confirm(execute_one(&*store, wait).await), grace, "executed again");
        for (who, has) in [("ada", &ada), ("grace", &grace)] {
            let wait = queue_up(event.id, who).by(Caller::Anyone);
            assert_eq!(execute_one(&*store, wait).await, Outcome::KnownAddress(has.id), "{who}");
        }
        execute_one(&*store, cancel(&ada)).await;
        let offered = look(&*store, grace.id).await;
        let ends = clock.now() + TimeDelta::seconds(seconds);
        assert_eq!((offered.status, offered.expires_at), (Status::Offered, Some(ends)));
        confirmed(execute_one(&*store, confirm(&offered)).await);
        assert_audit_is_clean(&*store).await;
    }
}

/// A caller that manages the event learns who is registered, and registers attendees directly.
pub async fn an_organizer_registers_attendees_without_confirmation_mail(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let token = store.create_token(new_token(organizer(1), 1)).await;
    token.expect("the store answers").expect("there is room");
    let new = new_event("By mail", 2).with(|new| {
        new.organizer_id = Some(organizer_id(1));
        new.rules.confirms_address = true;
    });
    let event = store.create_event(new.expect("in order")).await.expect("the store answers");
    let own = Caller::Organizer(organizer_id(1));
    confirmed(execute_one(&*store, register(event.id, "ada").by(own)).await);
    for command in claims(&event, "ada").map(|command| command.by(own)) {
        assert_eq!(execute_one(&*store, command).await, ALREADY_REGISTERED);
    }
    let grace = held(execute_one(&*store, hold(event.id, "grace", 60).by(own)).await);
    assert_eq!(grace.expires_at, Some(clock.now() + TimeDelta::seconds(60)));
    waitlisted(execute_one(&*store, queue_up(event.id, "kay").by(own)).await);
    let others = Caller::Organizer(organizer_id(0));
    for command in claims(&event, "ada").map(|command| command.by(others)) {
        assert_eq!(execute_one(&*store, command).await, EVENT_NOT_FOUND);
    }
    let known = queue_up(event.id, "ada").by(Caller::OpenOrganizer);
    let known = execute_one(&*store, known).await;
    assert!(matches!(known, Outcome::KnownAddress(_)), "{known:?}");
    assert_audit_is_clean(&*store).await;
}

/// An attendee can neither learn by a transfer who else is registered, nor give a seat to an address that did not ask
/// for it. The organizer can transfer.
pub async fn a_seat_is_not_transferred_to_an_unconfirmed_address(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let event = create_confirming(&*store, 3).await;
    let claim = Claim { token_hash: Some(token_hash(3)), ..claim(event.id, "ada") };
    let command = Command::Register(claim.into());
    let command = EventCommand::new(event.id, Caller::Operator, command);
    let ada = confirmed(execute_one(&*store, command).await);
    confirmed(execute_one(&*store, register(event.id, "grace")).await);
    let own = Caller::Attendee(token_hash(3));
    for who in ["grace", "nobody", "ada"] {
        let outcome = execute_one(&*store, transfer(&ada, who, Some(4)).by(own)).await;
        assert_eq!(outcome, Outcome::Refused(Refusal::NotTransferable), "{who}");
    }
    let name = PersonName::parse("Ada Lovelace").ok();
    let person = Person { name, ..ada.person.clone() };
    let renamed = Transfer::new(ada.id, person.clone());
    let renamed = EventCommand::new(event.id, own, Command::Transfer(renamed));
    let renamed = execute_one(&*store, renamed).await;
    assert_eq!(renamed.registration().map(|row| &row.person), Some(&person), "a correction");

    let outcome = execute_one(&*store, transfer(&ada, "grace", Some(4))).await;
    assert_eq!(outcome, ALREADY_REGISTERED);
    let outcome = execute_one(&*store, transfer(&ada, "kay", Some(4))).await;
    assert!(matches!(outcome, Outcome::Transferred(_)), "{outcome:?}");
    assert_audit_is_clean(&*store).await;
}

/// The answer for a registered address is stored as long as the answer for an unregistered one, and replayed for the
/// same request alone.
pub async fn an_outcome_sent_by_mail_is_replayed_under_its_key(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let event = create_confirming(&*store, 3).await;
    let ada = confirmed(execute_one(&*store, register(event.id, "ada")).await);
    let keyed = |who: &str, hash: u8, fingerprint: u8| {
        let (hash, fingerprint) = (KeyHash::new([hash; 32]), Fingerprint::new([fingerprint; 32]));
        let key = Some(IdempotencyKey::new(hash, fingerprint));
        register(event.id, who).by(Caller::Anyone).with_key(key)
    };
    let known = execute_one(&*store, keyed("ada", 1, 1)).await;
    assert_eq!(known, Outcome::KnownAddress(ada.id));
    let made = execute_one(&*store, keyed("grace", 2, 1)).await;
    let grace = to_confirm(made.clone());
    execute_one(&*store, cancel(&grace)).await;
    let kept = IdempotencyRecord::KEPT.num_microseconds().expect("a day");
    clock.advance_micros(kept - 1);
    for (who, hash, first) in [("ada", 1, &known), ("grace", 2, &made)] {
        let again = execute_one(&*store, keyed(who, hash, 1)).await;
        assert_eq!(again, Outcome::Replayed(Box::new(first.clone())), "{who}");
        let other = execute_one(&*store, keyed(who, hash, 2)).await;
        assert_eq!(other, Outcome::Refused(Refusal::KeyReused), "{who}");
    }
    clock.advance_micros(1);
    assert_eq!(execute_one(&*store, keyed("ada", 1, 2)).await, known);
    assert_ne!(to_confirm(execute_one(&*store, keyed("grace", 2, 2)).await).id, grace.id);
    assert_audit_is_clean(&*store).await;
}
