//! Correcting the attendee of a registration: the seat and the ticket stay.

use crate::Fixture;
use crate::tools::*;
use booking_core::{
    Caller, CheckIn, Command, Correct, CorrectedAddress, EventCommand, FactKind, OnFull, Outcome,
    PageLimit, PersonName, Refusal, Register, Registration, RenewLink,
};
use uuid::Uuid;

fn name(text: &str) -> PersonName {
    PersonName::parse(text).expect("a valid name")
}

fn correct(
    of: &Registration,
    who: Option<&str>,
    called: Option<Option<&str>>,
    token: u8,
) -> EventCommand {
    let address = who.map(|who| CorrectedAddress {
        user_email: address(who),
        token_hash: Some(token_hash(token)),
    });
    let name = called.map(|called| called.map(name));
    let registration_id = of.id;
    let correct = Correct { name, address, ..Correct::new(registration_id) };
    EventCommand::new(of.event_id, Caller::Operator, Command::Correct(correct))
}

fn renew(of: &Registration, token: u8) -> EventCommand {
    let renew = RenewLink::new(of.id, token_hash(token));
    EventCommand::new(of.event_id, Caller::Operator, Command::RenewLink(renew))
}

#[track_caller]
fn corrected(outcome: Outcome) -> Registration {
    match outcome {
        Outcome::Corrected(registration) => registration,
        other => panic!("not corrected: {other:?}"),
    }
}

fn scan(of: &Registration) -> EventCommand {
    let (registration_id, generation) = (of.id, of.generation);
    let scan_id = Uuid::now_v7();
    let check_in = CheckIn { registration_id, generation, scan_id, scanned_at: None };
    EventCommand::new(of.event_id, Caller::Operator, Command::CheckIn(check_in))
}

/// A registration that `token` manages.
fn register_with(event_id: booking_core::EventId, who: &str, token: u8) -> EventCommand {
    let claim = booking_core::Claim { token_hash: Some(token_hash(token)), ..claim(event_id, who) };
    let register = Register { on_full: OnFull::Waitlist, ..Register::from(claim) };
    EventCommand::new(event_id, Caller::Operator, Command::Register(register))
}

/// The attendee corrects the name, the organizer the address: on a full event too. The ticket and the waitlist place
/// stay.
pub async fn a_correction_keeps_the_ticket_valid(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let event = create(&*store, 2).await;
    let ada = confirmed(execute_one(&*store, register_with(event.id, "adda", 1)).await);
    confirmed(execute_one(&*store, register(event.id, "grace")).await);
    let waits = waitlisted(execute_one(&*store, register_with(event.id, "waits", 2)).await);

    let (holder, stranger) = (Caller::Attendee(token_hash(1)), Caller::Attendee(token_hash(2)));
    let named = correct(&ada, None, Some(Some("Ada")), 9);
    let refused = execute_one(&*store, named.clone().by(stranger)).await;
    assert_eq!(refused, Outcome::Refused(Refusal::Forbidden));
    let row = corrected(execute_one(&*store, named.clone().by(holder)).await);
    assert_eq!((row.person.name.clone(), row.generation), (Some(name("Ada")), ada.generation));
    assert_eq!(row.token_hash, Some(token_hash(1)), "the link stays");
    let again = corrected(execute_one(&*store, named.by(holder)).await);
    assert_eq!(again, row, "again changes nothing");

    // An address is not corrected with the link, which may be in the wrong person's hands.
    let moved = correct(&ada, Some("ada"), None, 3);
    let refused = execute_one(&*store, moved.clone().by(holder)).await;
    assert_eq!(refused, Outcome::Refused(Refusal::Forbidden));
    let row = corrected(execute_one(&*store, moved.clone()).await);
    assert_eq!(
        (row.person.user_email.clone(), row.person.name.clone()),
        (address("ada"), Some(name("Ada")))
    );
    assert_eq!((row.token_hash, row.generation), (Some(token_hash(3)), ada.generation));
    assert_eq!(corrected(execute_one(&*store, moved).await), row, "executed again");
    assert_eq!(look(&*store, ada.id).await, row);
    let taken = execute_one(&*store, correct(&ada, Some("grace"), None, 4)).await;
    assert_eq!(taken, ALREADY_REGISTERED);
    // The wrong address is free again, the right one is taken.
    let batch = [register(event.id, "ada"), queue_up(event.id, "adda")];
    let outcomes = execute(&*store, &batch).await;
    assert_eq!(outcomes[0], ALREADY_REGISTERED);
    waitlisted(outcomes[1].clone());

    // A waiting attendee keeps the place, and a name can be cleared.
    let row = corrected(execute_one(&*store, correct(&waits, Some("w"), Some(None), 5)).await);
    assert_eq!((row.position, row.person.name), (Some(1), None));
    assert!(matches!(execute_one(&*store, scan(&ada)).await, Outcome::CheckedIn(_)));
    // A name can be corrected after check-in too.
    corrected(execute_one(&*store, correct(&ada, None, Some(Some("Ada L.")), 9)).await);
    let history = store.history(ada.id, PageLimit::MAX).await.expect("the store answers");
    let kinds: Vec<_> = history.expect("it is there").iter().map(|entry| entry.kind).collect();
    use FactKind::{CheckedIn, Corrected, Registered};
    assert_eq!(kinds, [Registered, Corrected, Corrected, CheckedIn, Corrected]);
    assert_eq!(read(&*store, event.id).await.booked_count, 2);
    assert_audit_is_clean(&*store).await;
}

/// A transfer to the address that the registration has already, with another name, is a correction.
pub async fn a_transfer_to_oneself_is_a_correction(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let event = create(&*store, 1).await;
    let ada = confirmed(execute_one(&*store, register_with(event.id, "ada", 1)).await);
    let to_herself = |called: Option<&str>| {
        let mut command = transfer(&ada, "ada", Some(7));
        let Command::Transfer(transfer) = &mut command.command else { unreachable!() };
        transfer.person.name = called.map(name);
        command.by(Caller::Attendee(token_hash(1)))
    };
    for _ in 0..2 {
        let outcome = execute_one(&*store, to_herself(Some("Ada"))).await;
        let Outcome::Transferred(row) = outcome else { panic!("{outcome:?}") };
        assert_eq!(row.person.name, Some(name("Ada")));
        assert_eq!((row.generation, row.token_hash), (ada.generation, ada.token_hash));
    }
    assert_eq!(execute_one(&*store, to_herself(None)).await, ALREADY_REGISTERED);
    let history = store.history(ada.id, PageLimit::MAX).await.expect("the store answers");
    assert_eq!(history.expect("it is there").len(), 2);
}

/// A new link invalidates the old one, and nothing else.
pub async fn a_new_link_invalidates_the_old_one(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let event = create(&*store, 1).await;
    let ada = confirmed(execute_one(&*store, register_with(event.id, "ada", 1)).await);
    let by = |token, command: EventCommand| command.by(Caller::Attendee(token_hash(token)));
    let refused = execute_one(&*store, by(1, renew(&ada, 1))).await;
    assert_eq!(refused, Outcome::Refused(Refusal::Forbidden), "who has lost it cannot ask");
    let outcome = execute_one(&*store, renew(&ada, 2)).await;
    let Outcome::LinkRenewed(row) = outcome.clone() else { panic!("{outcome:?}") };
    let expected = Registration {
        token_hash: Some(token_hash(2)),
        event_version: row.event_version,
        ..ada.clone()
    };
    assert_eq!(row, expected);
    assert_eq!(execute_one(&*store, renew(&ada, 2)).await, outcome, "executed again");
    let refused = execute_one(&*store, by(1, cancel(&ada))).await;
    assert_eq!(refused, Outcome::Refused(Refusal::Forbidden));
    let ended = execute_one(&*store, by(2, cancel(&ada))).await;
    assert!(matches!(ended, Outcome::Cancelled(_)), "{ended:?}");

    // An ended registration cannot be corrected, and a cancelled event renews no links.
    let not_correctable = Outcome::Refused(Refusal::NotCorrectable);
    assert_eq!(execute_one(&*store, renew(&ada, 3)).await, not_correctable);
    let late = correct(&ada, Some("other"), None, 3);
    assert_eq!(execute_one(&*store, late).await, not_correctable);
    let grace = confirmed(execute_one(&*store, register(event.id, "grace")).await);
    execute_one(&*store, EventCommand::new(event.id, Caller::Operator, Command::CancelEvent)).await;
    for command in [renew(&grace, 4), correct(&grace, Some("other"), None, 4)] {
        let closed = execute_one(&*store, command).await;
        assert_eq!(closed, Outcome::Refused(Refusal::Closed));
    }
    assert_audit_is_clean(&*store).await;
}
