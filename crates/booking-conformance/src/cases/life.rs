//! The life of a registration: confirmed, cancelled, transferred, and its history.

use crate::Fixture;
use crate::tools::*;
use booking_core::{
    Actor, Answers, Caller, Command, EventCommand, FactKind, Listed, Outcome, PageLimit, Refusal,
    Status,
};
use uuid::Uuid;

const FORBIDDEN: Outcome = Outcome::Refused(Refusal::Forbidden);

/// A hold becomes a seat; confirming twice is the same success.
pub async fn a_hold_is_confirmed_once(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let event = create(&*store, 1).await;
    let kept = held(execute_one(&*store, hold(event.id, "ada", 60)).await);
    assert_eq!(kept.expires_at, Some(clock.now() + chrono::TimeDelta::seconds(60)));
    assert_eq!((kept.status, read(&*store, event.id).await.booked_count), (Status::Held, 1));
    clock.advance_micros(60 * SECOND - 1);
    let seat = confirmed(execute_one(&*store, confirm(&kept)).await);
    assert_eq!((seat.status, seat.expires_at), (Status::Confirmed, None));
    assert_eq!(seat.event_version, kept.event_version.next());
    clock.advance_micros(DAY);
    assert_eq!(confirmed(execute_one(&*store, confirm(&kept)).await), seat);
    assert_eq!(look(&*store, seat.id).await, seat);
    let after = read(&*store, event.id).await;
    assert_eq!((after.booked_count, after.version), (1, seat.event_version));
    assert_audit_is_clean(&*store).await;
}

/// A cancelled seat is free for others, and for the same address again.
pub async fn a_cancelled_seat_can_be_registered_again(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let event = create(&*store, 1).await;
    let first = confirmed(execute_one(&*store, register(event.id, "ada")).await);
    let ended = execute_one(&*store, cancel(&first)).await;
    let Outcome::Cancelled(row) = &ended else { panic!("{ended:?}") };
    assert_eq!((row.status, row.generation), (Status::Cancelled, 1));
    assert_eq!(execute_one(&*store, cancel(&first)).await, ended, "twice is the same");
    assert_eq!(read(&*store, event.id).await.booked_count, 0);
    assert_eq!(read_registrations(&*store, event.id, PageLimit::MAX).await, []);

    let again = confirmed(execute_one(&*store, register(event.id, "ada")).await);
    assert_ne!(again.id, first.id);
    assert_eq!(execute_one(&*store, register(event.id, "grace")).await, SOLD_OUT);
    let refused = execute_one(&*store, confirm(&first)).await;
    assert_eq!(refused, Outcome::Refused(Refusal::HoldExpired), "what has ended stays ended");
    let all = read_listed(&*store, event.id, Listed::All, PageLimit::MAX).await;
    assert_eq!(all, [row.clone(), again]);
    assert_audit_is_clean(&*store).await;
}

/// Unknown ids are reported, by each command that takes one.
pub async fn an_unknown_registration_is_reported(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let event = create(&*store, 1).await;
    let mut nobody = confirmed(execute_one(&*store, register(event.id, "ada")).await);
    nobody.id = Uuid::now_v7().into();
    let undo = Command::UndoCheckIn { registration_id: nobody.id };
    let asked = [
        confirm(&nobody),
        cancel(&nobody),
        transfer(&nobody, "grace", None),
        EventCommand::new(event.id, Caller::Operator, undo),
    ];
    for outcome in execute(&*store, &asked).await {
        assert_eq!(outcome, Outcome::Refused(Refusal::RegistrationNotFound));
    }
    assert_eq!(store.registration(nobody.id).await.expect("the store answers"), None);
    assert_eq!(store.history(nobody.id, PageLimit::MAX).await.expect("the store answers"), None);
    let known = read_registrations(&*store, event.id, PageLimit::MAX).await[0].id;
    let events =
        store.events_by_registration(&[nobody.id, known, known]).await.expect("the store answers");
    assert_eq!(events, [None, Some(event.id), Some(event.id)]);
    assert_eq!(store.events_by_registration(&[]).await.expect("the store answers"), []);
    let events =
        store.events_where_ids_lead(&[nobody.id, known, known]).await.expect("the store answers");
    assert_eq!(events, [None, Some(event.id), Some(event.id)], "its id leads there");
}

/// The new holder has the seat, and the former holder's token is void.
pub async fn a_seat_is_transferred_to_another_attendee(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let event = create(&*store, 2).await;
    let mut claim = claim(event.id, "ada");
    claim.token_hash = Some(token_hash(1));
    let register_ada =
        EventCommand::new(event.id, Caller::Operator, Command::Register(claim.into()));
    let ada = confirmed(execute_one(&*store, register_ada).await);
    let owner = Caller::Attendee(token_hash(1));

    let command = transfer(&ada, "grace", Some(2)).by(owner);
    let outcome = execute_one(&*store, command.clone()).await;
    let Outcome::Transferred(seat) = &outcome else { panic!("{outcome:?}") };
    assert_eq!((seat.id, &seat.person.user_email, seat.generation), (ada.id, &address("grace"), 1));
    assert_eq!((seat.created_version, seat.created_at), (ada.created_version, ada.created_at));
    assert_eq!(execute_one(&*store, command).await, outcome, "executed again");
    assert_eq!(look(&*store, ada.id).await, *seat);
    assert_eq!(execute_one(&*store, cancel(&ada).by(owner)).await, FORBIDDEN);

    // The address that transferred it may register again, and the new one is registered.
    let back = confirmed(execute_one(&*store, register(event.id, "ada")).await);
    assert_eq!(execute_one(&*store, transfer(&back, "grace", None)).await, ALREADY_REGISTERED);
    let ended = execute_one(&*store, cancel(&back)).await;
    assert!(matches!(ended, Outcome::Cancelled(_)), "{ended:?}");
    let refused = execute_one(&*store, transfer(&back, "edsger", None)).await;
    assert_eq!(refused, Outcome::Refused(Refusal::NotTransferable));
    assert_audit_is_clean(&*store).await;
}

/// A token opens its own registration.
pub async fn a_manage_token_opens_only_its_own_registration(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let event = create(&*store, 3).await;
    let mut claim = claim(event.id, "ada");
    claim.token_hash = Some(token_hash(1));
    let ada = EventCommand::new(event.id, Caller::Operator, Command::Register(claim.into()));
    let ada = confirmed(execute_one(&*store, ada).await);
    let grace = confirmed(execute_one(&*store, register(event.id, "grace")).await);
    let before = read(&*store, event.id).await;
    for token in [0, 2] {
        let other = Caller::Attendee(token_hash(token));
        for command in [cancel(&ada), confirm(&ada), transfer(&ada, "eve", Some(9)), cancel(&grace)]
        {
            assert_eq!(execute_one(&*store, command.by(other)).await, FORBIDDEN);
        }
    }
    assert_eq!(read(&*store, event.id).await, before);
    let ended = execute_one(&*store, cancel(&ada).by(Caller::Attendee(token_hash(1)))).await;
    assert!(matches!(ended, Outcome::Cancelled(_)), "{ended:?}");
}

/// In one batch an address moves from one registration to another, and back, in any order.
pub async fn an_address_moves_between_registrations_in_one_batch(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let event = create(&*store, 3).await;
    let a = confirmed(execute_one(&*store, register(event.id, "a")).await);
    let b = confirmed(execute_one(&*store, register(event.id, "b")).await);
    // The two swap, by way of a third address.
    let batch = [
        transfer(&a, "x", Some(1)),
        transfer(&b, "a", Some(2)),
        transfer(&a, "b", Some(3)),
        register(event.id, "x"),
        register(event.id, "a"),
    ];
    let outcomes = execute(&*store, &batch).await;
    assert!(matches!(outcomes[2], Outcome::Transferred(_)), "{outcomes:?}");
    let x = confirmed(outcomes[3].clone());
    assert_eq!(outcomes[4], ALREADY_REGISTERED);
    let emails = |rows: Vec<booking_core::Registration>| -> Vec<_> {
        rows.into_iter().map(|row| (row.id, row.person.user_email)).collect()
    };
    let rows = read_registrations(&*store, event.id, PageLimit::MAX).await;
    let expected = [(a.id, address("b")), (b.id, address("a")), (x.id, address("x"))];
    assert_eq!(emails(rows), expected);

    // Cancelled and taken by others at once, down a chain.
    let batch = [
        cancel(&b),
        transfer(&a, "a", Some(4)),
        transfer(&x, "b", Some(5)),
        register(event.id, "x"),
    ];
    let outcomes = execute(&*store, &batch).await;
    let last = confirmed(outcomes[3].clone());
    let rows = read_registrations(&*store, event.id, PageLimit::MAX).await;
    let expected = [(a.id, address("a")), (x.id, address("b")), (last.id, address("x"))];
    assert_eq!(emails(rows), expected);
    assert_audit_is_clean(&*store).await;
}

/// A registration made and ended in one batch is stored in its final state.
pub async fn a_registration_is_made_and_ended_in_one_batch(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let event = create(&*store, 1).await;
    let first = hold(event.id, "ada", 60);
    let id = first.registration_id().expect("a hold has one");
    let command = |command| EventCommand::new(event.id, Caller::Operator, command);
    let batch = [
        first,
        queue_up(event.id, "grace"),
        command(Command::Confirm { registration_id: id, answers: Answers::default() }),
        command(Command::Cancel { registration_id: id }),
        register(event.id, "ada"),
    ];
    let outcomes = execute(&*store, &batch).await;
    let grace = waitlisted(outcomes[1].clone());
    assert_eq!(grace.position, Some(1));
    assert_eq!(look(&*store, id).await.status, Status::Cancelled);
    assert_eq!(look(&*store, grace.id).await.status, Status::Offered, "the queue was served first");
    assert!(matches!(outcomes[4], Outcome::Refused(Refusal::AllHeld { .. })), "{outcomes:?}");
    assert_audit_is_clean(&*store).await;
}

/// Every change of a registration is listed, in order, with its actor.
pub async fn a_history_lists_every_change(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let event = create(&*store, 1).await;
    let ada = held(execute_one(&*store, hold(event.id, "ada", 60)).await);
    let grace = waitlisted(execute_one(&*store, queue_up(event.id, "grace")).await);
    clock.advance_micros(60 * SECOND);
    // Another attendee's command finds that the hold has expired.
    waitlisted(execute_one(&*store, queue_up(event.id, "edsger")).await);
    clock.advance_micros(SECOND);
    confirmed(execute_one(&*store, confirm(&grace)).await);
    execute_one(&*store, transfer(&grace, "barbara", None)).await;
    execute_one(&*store, cancel(&grace)).await;

    let history_of = |id| {
        let store = &store;
        async move {
            let history = store.history(id, PageLimit::MAX).await.expect("the store answers");
            let history = history.expect("the registration exists");
            assert!(history.is_sorted_by_key(|entry| (entry.version, entry.recorded_at)));
            history.into_iter().map(|entry| (entry.kind, entry.actor)).collect::<Vec<_>>()
        }
    };
    assert_eq!(
        history_of(ada.id).await,
        [(FactKind::Held, Actor::Attendee), (FactKind::Expired, Actor::System)]
    );
    assert_eq!(
        history_of(grace.id).await,
        [
            (FactKind::Waitlisted, Actor::Attendee),
            (FactKind::Offered, Actor::System),
            (FactKind::Confirmed, Actor::Organizer),
            (FactKind::Transferred, Actor::Organizer),
            (FactKind::Cancelled, Actor::Organizer),
        ]
    );
    let last = PageLimit::parse(2).expect("valid");
    let last = store.history(grace.id, last).await.expect("the store answers").expect("it exists");
    let last: Vec<_> = last.iter().map(|entry| entry.kind).collect();
    assert_eq!(last, [FactKind::Transferred, FactKind::Cancelled]);
}
