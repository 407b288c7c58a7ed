//! Check-in: one ticket admits one attendee, once.

use crate::Fixture;
use crate::tools::*;
use booking_core::{
    Caller, CheckIn, Command, EventCommand, Outcome, Refusal, Registration, TicketVoid,
};
use std::sync::Arc;
use tokio::task::JoinSet;
use uuid::Uuid;

fn scan(ticket: &Registration) -> EventCommand {
    let check_in = CheckIn {
        registration_id: ticket.id,
        generation: ticket.generation,
        scan_id: Uuid::now_v7(),
        scanned_at: None,
    };
    EventCommand::new(ticket.event_id, Caller::Operator, Command::CheckIn(check_in))
}

fn scan_earlier(ticket: &Registration, at: chrono::DateTime<chrono::Utc>) -> EventCommand {
    let mut command = scan(ticket);
    let Command::CheckIn(check_in) = &mut command.command else { unreachable!() };
    check_in.scanned_at = Some(at);
    command
}

fn undo(ticket: &Registration) -> EventCommand {
    let registration_id = ticket.id;
    EventCommand::new(ticket.event_id, Caller::Operator, Command::UndoCheckIn { registration_id })
}

fn void(reason: TicketVoid) -> Outcome {
    Outcome::Refused(Refusal::TicketVoid { reason })
}

/// A second scan is refused with the time of the first one; the same scan repeated is the same success.
pub async fn a_ticket_admits_once(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let event = create(&*store, 1).await;
    let ada = confirmed(execute_one(&*store, register(event.id, "ada")).await);
    let first = scan(&ada);
    let outcome = execute_one(&*store, first.clone()).await;
    let Outcome::CheckedIn(inside) = &outcome else { panic!("{outcome:?}") };
    let checked_in_at = clock.now();
    let inside = &inside.registration;
    assert_eq!(inside.check_in.map(|check_in| check_in.at), Some(checked_in_at));
    clock.advance_micros(SECOND);
    let refused = execute_one(&*store, scan(&ada)).await;
    assert_eq!(refused, Outcome::Refused(Refusal::AlreadyCheckedIn { checked_in_at }));
    assert_eq!(execute_one(&*store, first).await, outcome, "told again");
    assert_eq!(look(&*store, ada.id).await, *inside);
    assert_eq!(read(&*store, event.id).await.booked_count, 1, "a seat that is used is taken");

    // A used seat is neither cancelled nor transferred.
    let refused = execute_one(&*store, cancel(&ada)).await;
    assert_eq!(refused, Outcome::Refused(Refusal::NotCancellable));
    let refused = execute_one(&*store, transfer(&ada, "grace", None)).await;
    assert_eq!(refused, Outcome::Refused(Refusal::NotTransferable));

    let undone = execute_one(&*store, undo(&ada)).await;
    assert!(matches!(&undone, Outcome::CheckInUndone(row) if row.check_in.is_none()), "{undone:?}");
    assert_eq!(execute_one(&*store, undo(&ada)).await, undone, "twice is the same");
    let again = execute_one(&*store, scan(&ada)).await;
    assert!(matches!(again, Outcome::CheckedIn(_)), "{again:?}");
    assert_audit_is_clean(&*store).await;
}

/// A ticket is refused with the reason why it is void.
pub async fn a_void_ticket_is_refused_with_its_reason(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let event = create(&*store, 4).await;
    let ada = confirmed(execute_one(&*store, register(event.id, "ada")).await);
    let grace = confirmed(execute_one(&*store, register(event.id, "grace")).await);
    let kept = held(execute_one(&*store, hold(event.id, "edsger", 60)).await);
    execute_one(&*store, cancel(&ada)).await;
    let moved = execute_one(&*store, transfer(&grace, "barbara", None)).await;
    let Outcome::Transferred(moved) = moved else { panic!("{moved:?}") };
    assert_eq!(execute_one(&*store, scan(&ada)).await, void(TicketVoid::Cancelled));
    assert_eq!(execute_one(&*store, scan(&kept)).await, void(TicketVoid::Cancelled));
    assert_eq!(execute_one(&*store, scan(&grace)).await, void(TicketVoid::Transferred));
    let unknown = Registration { id: Uuid::now_v7().into(), ..grace };
    assert_eq!(execute_one(&*store, scan(&unknown)).await, void(TicketVoid::Unknown));
    let inside = execute_one(&*store, scan(&moved)).await;
    assert!(matches!(inside, Outcome::CheckedIn(_)), "{inside:?}");
    execute_one(&*store, EventCommand::new(event.id, Caller::Operator, Command::CancelEvent)).await;
    for command in [scan(&moved), undo(&moved)] {
        let closed = execute_one(&*store, command).await;
        assert_eq!(closed, Outcome::Refused(Refusal::Closed));
    }
}

/// An offline scan counts from when it was made, never from the future.
pub async fn an_offline_scan_counts_from_when_it_was_made(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let event = create(&*store, 2).await;
    let ada = confirmed(execute_one(&*store, register(event.id, "ada")).await);
    let grace = confirmed(execute_one(&*store, register(event.id, "grace")).await);
    let made = clock.now() + chrono::TimeDelta::seconds(5);
    clock.advance_micros(60 * SECOND);
    let future = clock.now() + chrono::TimeDelta::days(1);
    let batch = [scan_earlier(&ada, made), scan_earlier(&grace, future)];
    for (outcome, at) in execute(&*store, &batch).await.into_iter().zip([made, clock.now()]) {
        let Outcome::CheckedIn(inside) = outcome else { panic!("{outcome:?}") };
        assert_eq!(inside.registration.check_in.map(|check_in| check_in.at), Some(at));
    }
}

/// Fifty scanners, one ticket, one success.
pub async fn concurrent_scans_admit_one_attendee(fixture: &dyn Fixture) {
    let stores = [fixture.open(None).await, fixture.open(None).await];
    let event = create(&*stores[0], 2).await;
    let ada = confirmed(execute_one(&*stores[0], register(event.id, "ada")).await);
    let mut tasks = JoinSet::new();
    for task in 0..50 {
        let (store, ada) = (Arc::clone(&stores[task % 2]), ada.clone());
        tasks.spawn(async move { execute_one(&*store, scan(&ada)).await });
    }
    let outcomes = tasks.join_all().await;
    let inside: Vec<_> = outcomes
        .iter()
        .filter_map(|outcome| match outcome {
            Outcome::CheckedIn(admitted) => admitted.registration.check_in,
            _ => None,
        })
        .collect();
    assert_eq!(inside.len(), 1, "{outcomes:?}");
    let refused = Outcome::Refused(Refusal::AlreadyCheckedIn { checked_in_at: inside[0].at });
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == refused).count(), 49);
    assert_audit_is_clean(&*stores[0]).await;
}
