//! Holds: temporary seats that are freed by time alone.

use crate::Fixture;
use crate::tools::*;
use booking_core::{
    Availability, Caller, Command, EventCommand, EventRules, EventStatus, Listed, Outcome,
    PageLimit, Refusal, SETTLED_MAX, Status,
};
use chrono::TimeDelta;
use std::sync::Arc;
use tokio::task::JoinSet;

/// Without any settling, an expired hold counts nowhere.
pub async fn an_expired_hold_counts_for_nothing(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let event = create(&*store, 3).await;
    let ada = held(execute_one(&*store, hold(event.id, "ada", 60)).await);
    let grace = held(execute_one(&*store, hold(event.id, "grace", 120)).await);
    let edsger = confirmed(execute_one(&*store, register(event.id, "edsger")).await);
    clock.advance_micros(60 * SECOND - 1);
    let before = read(&*store, event.id).await;
    assert_eq!((before.booked_count, before.is_settled), (3, true));
    assert_eq!(look(&*store, ada.id).await, ada);

    clock.advance_micros(1);
    let after = read(&*store, event.id).await;
    assert_eq!((after.booked_count, after.is_settled), (2, false));
    assert_eq!(after.version, before.version, "nobody has written anything");
    let listed = store
        .events(Caller::Operator, None, PageLimit::MAX)
        .await
        .expect("the store answers")
        .items;
    assert_eq!(listed, [after]);
    let seated = read_registrations(&*store, event.id, PageLimit::MAX).await;
    assert_eq!(seated, [grace.clone(), edsger.clone()]);
    let expired = look(&*store, ada.id).await;
    assert_eq!((expired.status, expired.expires_at), (Status::Expired, None));
    let all = read_listed(&*store, event.id, Listed::All, PageLimit::MAX).await;
    assert_eq!(all, [expired, grace, edsger]);
    assert_audit_is_clean(&*store).await;
}

/// The availability of many events, read at once, equals what each event reports by itself: owned or not, with expired
/// holds or not, existing or not.
pub async fn availability_agrees_with_each_event(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let token = store.create_token(new_token(organizer(1), 1)).await;
    token.expect("the store answers").expect("there is room");
    let mut ids = vec![new_event("Nowhere", 1).id];
    for (seats, waits) in [(3, false), (1, true), (2, false)] {
        let event = create(&*store, seats).await;
        held(execute_one(&*store, hold(event.id, "ada", 60)).await);
        if waits {
            execute_one(&*store, queue_up(event.id, "grace")).await;
        }
        ids.push(event.id);
    }
    let rules = EventRules { status: EventStatus::Draft, ..EventRules::default() };
    let draft = elaborate(new_event("Not yet", 7)).with(|new| {
        new.organizer_id = Some(organizer_id(1));
        new.rules = rules;
    });
    let draft = store.create_event(draft.expect("in order")).await.expect("the store answers");
    execute_one(&*store, EventCommand::new(ids[3], Caller::Operator, Command::CancelEvent)).await;
    // A repeated id is answered twice.
    ids.extend([draft.id, ids[1]]);
    for _ in 0..2 {
        let found = store.availability(&ids).await.expect("the store answers");
        let mut expected = Vec::new();
        for id in &ids {
            let event = store.event(*id).await.expect("the store answers");
            expected.push(event.as_ref().map(Availability::from));
        }
        assert_eq!(found, expected);
        // And again when the holds have expired, and no command has settled them.
        clock.advance_micros(60 * SECOND);
    }
    let found = store.availability(&ids[1..2]).await.expect("the store answers");
    let found = found[0].expect("it is there");
    assert_eq!((found.booked_count, found.is_settled), (0, false));
    assert_eq!(store.availability(&[]).await.expect("the store answers"), []);
}

/// The seat and the address of an expired hold are free for the next caller in the same instant.
pub async fn a_seat_is_free_the_instant_its_hold_expires(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let event = create(&*store, 2).await;
    let ada = held(execute_one(&*store, hold(event.id, "ada", 60)).await);
    let grace = held(execute_one(&*store, hold(event.id, "grace", 60)).await);
    clock.advance_micros(60 * SECOND - 1);
    let all_held = Refusal::AllHeld { retry_at: clock.now() + TimeDelta::microseconds(1) };
    let refused = execute_one(&*store, register(event.id, "edsger")).await;
    assert_eq!(refused, Outcome::Refused(all_held));

    clock.advance_micros(1);
    confirmed(execute_one(&*store, register(event.id, "edsger")).await);
    confirmed(execute_one(&*store, register(event.id, "ada")).await);
    for late in [&ada, &grace] {
        let outcome = execute_one(&*store, confirm(late)).await;
        assert_eq!(outcome, Outcome::Refused(Refusal::HoldExpired));
        let outcome = execute_one(&*store, cancel(late)).await;
        assert!(matches!(outcome, Outcome::Cancelled(row) if row.status == Status::Expired));
    }
    assert_eq!(execute_one(&*store, register(event.id, "barbara")).await, SOLD_OUT);
    assert_eq!(read(&*store, event.id).await.booked_count, 2);
    assert_audit_is_clean(&*store).await;
}

/// When every seat is taken, the refusal says when one may come free, if one may.
pub async fn a_refusal_says_when_a_held_seat_may_come_free(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let event = create(&*store, 2).await;
    let first = held(execute_one(&*store, hold(event.id, "ada", 600)).await);
    let second = held(execute_one(&*store, hold(event.id, "grace", 60)).await);
    let refused = |end: &booking_core::Registration| {
        let retry_at = end.expires_at.expect("a hold ends");
        Outcome::Refused(Refusal::AllHeld { retry_at })
    };
    for command in [register(event.id, "eve"), hold(event.id, "eve", 60)] {
        assert_eq!(execute_one(&*store, command).await, refused(&second));
    }
    clock.advance_micros(60 * SECOND);
    confirmed(execute_one(&*store, register(event.id, "edsger")).await);
    assert_eq!(execute_one(&*store, register(event.id, "eve")).await, refused(&first));
    confirmed(execute_one(&*store, confirm(&first)).await);
    assert_eq!(execute_one(&*store, register(event.id, "eve")).await, SOLD_OUT);
}

/// Events that time has changed are found, settled by any caller, and then found no more.
pub async fn due_events_are_found_and_settled(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let stores =
        [fixture.open(Some(clock.as_clock())).await, fixture.open(Some(clock.as_clock())).await];
    let early = create(&*stores[0], 2).await;
    // Where events are in several places, each place has its own order.
    let late = create_beside(&*stores[0], &early, 2).await;
    create(&*stores[0], 2).await;
    held(execute_one(&*stores[0], hold(late.id, "ada", 120)).await);
    held(execute_one(&*stores[0], hold(early.id, "ada", 60)).await);
    let kept = held(execute_one(&*stores[0], hold(early.id, "grace", 1_800)).await);
    let due = async |limit| {
        let limit = PageLimit::parse(limit).expect("valid");
        stores[1].due_events(limit).await.expect("the store answers")
    };
    assert_eq!(due(9).await, []);
    clock.advance_micros(60 * SECOND);
    assert_eq!(due(9).await, [early.id]);
    clock.advance_micros(60 * SECOND);
    assert_eq!(due(9).await, [early.id, late.id], "longest overdue first");
    assert_eq!(due(1).await, [early.id]);

    // As several servers do it at once.
    let settle = [early.id, late.id]
        .map(|event| EventCommand::new(event, Caller::Operator, Command::Settle));
    let both = tokio::join!(execute(&*stores[0], &settle), execute(&*stores[1], &settle));
    assert_eq!(both, (vec![Outcome::Settled; 2], vec![Outcome::Settled; 2]));
    assert_eq!(due(9).await, []);
    let after = read(&*stores[0], early.id).await;
    assert_eq!((after.booked_count, after.is_settled), (1, true));
    assert_eq!(after.version, kept.event_version.next(), "tidied once");
    assert_eq!(look(&*stores[1], kept.id).await, kept);
    assert_audit_is_clean(&*stores[0]).await;
}

/// More holds than one transaction settles expire at once: every seat is free for the next callers, and the rest is
/// settled step by step.
pub async fn many_holds_that_expire_together_free_every_seat(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let seats = 2 * SETTLED_MAX + 300;
    let event = create(&*store, seats).await;
    let all: Vec<_> = (0..seats).map(|who| hold(event.id, who, 60)).collect();
    for batch in all.chunks(512) {
        execute(&*store, batch).await.into_iter().map(held).for_each(drop);
    }
    assert_eq!(execute_one(&*store, register(event.id, "eve")).await, {
        let retry_at = clock.now() + TimeDelta::seconds(60);
        Outcome::Refused(Refusal::AllHeld { retry_at })
    });
    clock.advance_micros(60 * SECOND);
    assert_eq!(read(&*store, event.id).await.booked_count, 0);
    assert_audit_is_clean(&*store).await;

    // The same addresses again, in one rush.
    let again: Vec<_> = (0..seats).rev().map(|who| register(event.id, who)).collect();
    for batch in again.chunks(512) {
        execute(&*store, batch).await.into_iter().map(confirmed).for_each(drop);
        assert_audit_is_clean(&*store).await;
    }
    assert_eq!(execute_one(&*store, register(event.id, "eve")).await, SOLD_OUT);
    while !store.due_events(PageLimit::MAX).await.expect("the store answers").is_empty() {
        execute_one(&*store, EventCommand::new(event.id, Caller::Operator, Command::Settle)).await;
    }
    let after = read(&*store, event.id).await;
    assert_eq!((after.booked_count, after.is_settled), (seats, true));
    assert_audit_is_clean(&*store).await;
}

/// Holders confirm and cancel, and newcomers register, all while holds expire: every seat has at most one owner, and
/// each caller that was confirmed has a seat.
pub async fn a_race_at_hold_expiry_gives_each_seat_once(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let stores =
        [fixture.open(Some(clock.as_clock())).await, fixture.open(Some(clock.as_clock())).await];
    let event = create(&*stores[0], 12).await;
    let batch: Vec<_> = (0..12).map(|who| hold(event.id, who, 60)).collect();
    let holds: Vec<_> = execute(&*stores[0], &batch).await.into_iter().map(held).collect();
    clock.advance_micros(60 * SECOND - 40);
    let mut tasks = JoinSet::new();
    for (index, kept) in holds.iter().enumerate() {
        let command = if index % 3 == 0 { cancel(kept) } else { confirm(kept) };
        for command in [command, register(event.id, format!("passer-by-{index}"))] {
            let (store, clock) = (Arc::clone(&stores[index % 2]), clock.clone());
            tasks.spawn(async move {
                clock.advance_micros(3);
                execute_one(&*store, command).await
            });
        }
    }
    let mut confirmed_ids = Vec::new();
    while let Some(outcome) = tasks.join_next().await {
        if let Outcome::Confirmed(seat) = outcome.expect("no caller panicked") {
            confirmed_ids.push(seat.id);
        }
    }
    clock.advance_micros(SECOND);
    let mut rows: Vec<_> = read_registrations(&*stores[1], event.id, PageLimit::MAX)
        .await
        .into_iter()
        .map(|row| row.id)
        .collect();
    confirmed_ids.sort_unstable();
    rows.sort_unstable();
    assert_eq!(rows, confirmed_ids, "who was told yes has a seat, and nobody else");
    assert!(rows.len() <= 12);
    assert_audit_is_clean(&*stores[0]).await;
}
