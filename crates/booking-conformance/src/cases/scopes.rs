//! Identifiers are scoped to one event: ids, addresses, tokens, keys.

use crate::Fixture;
use crate::tools::*;
use booking_core::{
    BookingStore, Caller, CheckIn, Claim, Command, Correct, CorrectedAddress, Event, EventCommand,
    EventId, Fingerprint, Hold, HoldTtl, IdempotencyKey, KeyHash, Listed, Outcome, PageLimit,
    Person, PersonName, Refusal, Registration, RegistrationId, RenewLink, Retention, Status,
};
use chrono::TimeDelta;
use uuid::Uuid;

/// Holds a seat for a named attendee with a manage token.
fn hold_as(event_id: EventId, id: RegistrationId, who: &str, token: u8) -> EventCommand {
    let name = PersonName::parse(&format!("Dr {who}")).expect("a valid name");
    let person = Person { name: Some(name), ..Person::from(address(who)) };
    let claim = Claim { registration_id: id, person, token_hash: Some(token_hash(token)) };
    EventCommand::new(
        event_id,
        Caller::Operator,
        Command::Hold(Hold { claim, ttl: HoldTtl::default() }),
    )
}

/// Every command that can be executed on a hold: each on an untouched hold.
fn changes(of: &Registration) -> Vec<(&'static str, Vec<EventCommand>)> {
    let registration_id = of.id;
    let command = |command| EventCommand::new(of.event_id, Caller::Operator, command);
    let corrected = Correct {
        registration_id,
        name: Some(PersonName::parse("Put right").ok()),
        address: Some(CorrectedAddress {
            user_email: address("right"),
            token_hash: Some(token_hash(21)),
        }),
        answers: None,
    };
    let renewed = RenewLink::new(registration_id, token_hash(22));
    let scan = CheckIn {
        registration_id,
        generation: of.generation,
        scan_id: Uuid::from_u128(23),
        scanned_at: None,
    };
    let (scan, undo) = (Command::CheckIn(scan), Command::UndoCheckIn { registration_id });
    vec![
        ("confirmed", vec![confirm(of)]),
        ("cancelled", vec![cancel(of)]),
        ("given up when confirmed", vec![confirm(of), cancel(of)]),
        ("transferred", vec![confirm(of), transfer(of, "heir", Some(20))]),
        ("corrected", vec![command(Command::Correct(corrected))]),
        ("given another link", vec![command(Command::RenewLink(renewed))]),
        ("checked in", vec![confirm(of), command(scan.clone())]),
        ("let out again", vec![confirm(of), command(scan), command(undo)]),
        ("erased", vec![command(Command::Erase { registration_id })]),
    ]
}

/// An event with all its registrations.
async fn state(store: &dyn BookingStore, id: EventId) -> (Event, Vec<Registration>) {
    (read(store, id).await, read_listed(store, id, Listed::All, PageLimit::MAX).await)
}

/// Makes two registrations in two events, executes every command on the one and then on the other, and checks after
/// each that the other is unchanged: its row, its event, and the answer to its claim.
async fn assert_apart(
    fixture: &dyn Fixture,
    claims: impl Fn([EventId; 2]) -> [EventCommand; 2] + Send + Sync,
) {
    let store = fixture.open(None).await;
    let kinds = {
        let events = [create(&*store, 2).await.id, create(&*store, 2).await.id];
        let some = held(execute_one(&*store, claims(events)[0].clone()).await);
        changes(&some).len()
    };
    for kind in 0..kinds {
        let events = [create(&*store, 2).await.id, create(&*store, 2).await.id];
        let claims = claims(events);
        let mut made = Vec::new();
        for claim in &claims {
            made.push(held(execute_one(&*store, claim.clone()).await));
        }
        for (here, there) in [(0, 1), (1, 0)] {
            let before = state(&*store, events[there]).await;
            let (what, commands) = changes(&made[here]).remove(kind);
            for command in commands {
                let outcome = execute_one(&*store, command).await;
                let found = outcome.registration().map(|row| (row.id, row.event_id));
                assert_eq!(found, Some((made[here].id, events[here])), "{what}: {outcome:?}");
            }
            let after = state(&*store, events[there]).await;
            assert_eq!(after, before, "one was {what}, and the other has changed");
            // Executed again, each finds its own registration in its current state.
            for at in [here, there] {
                let again = execute_one(&*store, claims[at].clone()).await;
                let rows = state(&*store, events[at]).await.1;
                assert_eq!(again.registration(), rows.first(), "one was {what}: {again:?}");
                assert_eq!(rows.len(), 1, "one was {what}: {rows:?}");
            }
        }
    }
    assert_audit_is_clean(&*store).await;
}

/// An id is looked up in its event alone, by every command.
pub async fn one_id_in_two_events_is_two_registrations(fixture: &dyn Fixture) {
    assert_apart(fixture, |events| {
        let id = Uuid::now_v7().into();
        [hold_as(events[0], id, "ada", 1), hold_as(events[1], id, "grace", 2)]
    })
    .await;
    // A read by the id alone returns one of the two.
    let store = fixture.open(None).await;
    let events = [create(&*store, 1).await.id, create(&*store, 1).await.id];
    let id = Uuid::now_v7().into();
    let batch = events.map(|event| register_as(event, id, address("ada")));
    let made: Vec<_> = execute(&*store, &batch).await.into_iter().map(confirmed).collect();
    assert!(made.contains(&look(&*store, id).await));
    let found = store.events_by_registration(&[id]).await.expect("the store answers");
    assert!(found.len() == 1 && found[0].is_some_and(|event| events.contains(&event)), "{found:?}");
    let history = store.history(id, PageLimit::MAX).await.expect("the store answers");
    assert_eq!(history.map(|entries| entries.len()), Some(1), "and of no other's past");
}

/// An attendee who is registered for two events is registered twice.
pub async fn one_address_in_two_events_is_two_registrations(fixture: &dyn Fixture) {
    assert_apart(fixture, |events| {
        events.map(|event| hold_as(event, new_registration_id(event), "ada", 1))
    })
    .await;
    // And twice under one id.
    assert_apart(fixture, |events| {
        let id = Uuid::now_v7().into();
        events.map(|event| hold_as(event, id, "ada", 1))
    })
    .await;
    let store = fixture.open(None).await;
    let events = [create(&*store, 2).await.id, create(&*store, 2).await.id];
    for event in events {
        confirmed(execute_one(&*store, register(event, "kay")).await);
    }
    let found = store.registrations_of(&address("kay"), PageLimit::MAX).await;
    let mut found: Vec<_> =
        found.expect("the store answers").into_iter().map(|(event, _)| event).collect();
    found.sort_unstable();
    assert_eq!(found, events);
}

/// The same in one transaction: each event executes its own command.
pub async fn one_id_in_two_events_of_a_batch_is_two_registrations(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let events = [create(&*store, 1).await.id, create(&*store, 1).await.id];
    let id = Uuid::now_v7().into();
    let claims = [hold_as(events[0], id, "ada", 1), hold_as(events[1], id, "grace", 2)];
    let made: Vec<_> = execute(&*store, &claims).await.into_iter().map(held).collect();
    let batch = [cancel(&made[0]), confirm(&made[1]), claims[0].clone(), claims[1].clone()];
    let outcomes = execute(&*store, &batch).await;
    let found: Vec<_> = outcomes.iter().filter_map(Outcome::registration).collect();
    let statuses: Vec<_> = found.iter().map(|row| (row.event_id, row.status)).collect();
    let expected = [(events[0], Status::Cancelled), (events[1], Status::Confirmed)];
    assert_eq!(statuses, [expected, expected].concat());
    for (row, event) in found.iter().zip(events) {
        assert_eq!(state(&*store, event).await.1, [(*row).clone()]);
    }
    assert_audit_is_clean(&*store).await;
}

/// A token shared by two registrations opens both, and losing it for one leaves the other's.
pub async fn one_manage_token_of_two_registrations_manages_each(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let events = [create(&*store, 3).await.id, create(&*store, 3).await.id];
    let holder = Caller::Attendee(token_hash(1));
    let mut made = Vec::new();
    // Two in one event, and one in another.
    for (event, who) in [(events[0], "ada"), (events[0], "grace"), (events[1], "ada")] {
        let claim = hold_as(event, new_registration_id(event), who, 1);
        made.push(held(execute_one(&*store, claim).await));
    }
    let registration_id = made[0].id;
    let renewed = RenewLink::new(registration_id, token_hash(2));
    let renewed = EventCommand::new(events[0], Caller::Operator, Command::RenewLink(renewed));
    assert!(matches!(execute_one(&*store, renewed).await, Outcome::LinkRenewed(_)));
    let refused = execute_one(&*store, confirm(&made[0]).by(holder)).await;
    assert_eq!(refused, Outcome::Refused(Refusal::Forbidden));
    for other in &made[1..] {
        confirmed(execute_one(&*store, confirm(other).by(holder)).await);
    }
    execute_one(&*store, transfer(&made[1], "heir", Some(3))).await;
    let ended = execute_one(&*store, cancel(&made[2]).by(holder)).await;
    assert!(matches!(ended, Outcome::Cancelled(_)), "{ended:?}");
    assert_audit_is_clean(&*store).await;
}

/// A key belongs to its event, or to the creation of one.
pub async fn one_key_in_three_scopes_is_three_requests(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let key = |fingerprint| {
        IdempotencyKey::new(KeyHash::new([1; 32]), Fingerprint::new([fingerprint; 32]))
    };
    let new = new_event("It ends", 3)
        .with(|new| {
            new.details.ends_at = Some(clock.now() + TimeDelta::hours(1));
            new.details.retention = Retention::parse(0).ok();
        })
        .expect("in order");
    let ends = store.create_event(new).await.expect("the store answers").id;
    let goes_on = create(&*store, 3).await.id;
    let ask = async |event: EventId, command: Command, fingerprint: u8| {
        let command =
            EventCommand::new(event, Caller::Operator, command).with_key(Some(key(fingerprint)));
        execute_one(&*store, command).await
    };
    let seat = |event| Command::Register(claim(event, "ada").into());
    let first = ask(ends, seat(ends), 1).await;
    let second = ask(goes_on, seat(goes_on), 2).await;
    confirmed(first.clone());
    confirmed(second.clone());
    let create_once = async || {
        let new = new_event_under(key(3), "Once", 3);
        store.create_event_once(new, key(3)).await.expect("the store answers")
    };
    let third = create_once().await;
    assert!(matches!(third, Outcome::EventChanged(_)), "{third:?}");
    let again = |outcome: &Outcome| Outcome::Replayed(Box::new(outcome.clone()));
    assert_eq!(ask(ends, seat(ends), 1).await, again(&first));
    assert_eq!(ask(goes_on, seat(goes_on), 2).await, again(&second));
    assert_eq!(create_once().await, again(&third));
    assert_eq!(ask(ends, seat(ends), 2).await, Outcome::Refused(Refusal::KeyReused));

    // Purging the records of one event leaves the other's.
    clock.advance_micros(3_600 * SECOND);
    let erase = EventCommand::new(ends, Caller::Operator, Command::EraseDue);
    assert_eq!(execute_one(&*store, erase).await, Outcome::Settled);
    assert_eq!(ask(ends, Command::Replay, 1).await, Outcome::Settled);
    assert_eq!(ask(goes_on, Command::Replay, 2).await, again(&second));
    assert_eq!(create_once().await, again(&third));
    assert_audit_is_clean(&*store).await;
}

/// Revoking one token leaves the other tokens of its organizer, and those of others.
pub async fn revoking_a_token_leaves_the_others_valid(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let make = async |new| {
        clock.advance_micros(1);
        store.create_token(new).await.expect("the store answers").expect("there is room")
    };
    let new = new_token(organizer(1), 1);
    let first = make(new.clone()).await;
    let second = make(new_token(organizer(1), 2)).await;
    // A name in another case is another organizer's.
    let mut shouted = organizer(2);
    shouted.name = "ORGANIZER 1".parse().expect("a valid name");
    let other = make(new_token(shouted.clone(), 3)).await;
    assert_eq!((&second.organizer, &other.organizer), (&first.organizer, &shouted));

    let revoked = store.revoke_token(first.id).await.expect("the store answers");
    let revoked = revoked.expect("it is there");
    assert_eq!(revoked.revoked_at, Some(clock.now()));
    assert_eq!(make(new).await, revoked, "asking for it again does not bring it back");
    // Nor is the organizer deleted that has no other token.
    let mut of_that_name = organizer(9);
    of_that_name.name = shouted.name.clone();
    store.revoke_token(other.id).await.expect("the store answers");
    let later = make(new_token(of_that_name, 4)).await;
    assert_eq!(later.organizer, shouted);
    let tokens = store.tokens().await.expect("the store answers");
    let good: Vec<_> = tokens.iter().filter(|token| token.revoked_at.is_none()).collect();
    assert_eq!(good, [&later, &second]);
}
