//! The waitlist: first come, first served, and newcomers do not pass it.

use crate::Fixture;
use crate::tools::*;
use booking_core::{
    BookingStore, Caller, Command, Edit, Event, EventCommand, EventId, EventRules, Listed,
    OfferTtl, Outcome, PageLimit, Refusal, Registration, SETTLED_MAX, Status,
};
use std::sync::Arc;
use tokio::task::JoinSet;

const OFFER_SECONDS: i64 = 300;

async fn create_with_offers(store: &dyn BookingStore, seats: u32, seconds: Option<i64>) -> Event {
    let offer_ttl = seconds.map(|seconds| OfferTtl::parse(seconds).expect("valid"));
    let rules = EventRules { offer_ttl, ..EventRules::default() };
    let new = new_event("Popular", seats).with(|new| new.rules = rules).expect("in order");
    store.create_event(new).await.expect("the store answers")
}

fn edit(event_id: EventId, edit: Edit) -> EventCommand {
    EventCommand::new(event_id, Caller::Operator, Command::Edit(Box::new(edit)))
}

async fn statuses(
    store: &dyn BookingStore,
    people: &[&Registration],
) -> Vec<(Status, Option<u32>)> {
    let mut statuses = Vec::new();
    for person in people {
        let now = look(store, person.id).await;
        statuses.push((now.status, now.position));
    }
    statuses
}

/// A waiting attendee's position is correct, and improves when an earlier one leaves.
pub async fn waitlist_positions_are_reported_correctly(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let event = create_with_offers(&*store, 1, Some(OFFER_SECONDS)).await;
    confirmed(execute_one(&*store, queue_up(event.id, "first")).await);
    let batch = ["a", "b", "c"].map(|who| queue_up(event.id, who));
    let [a, b, c] = execute(&*store, &batch).await.try_into().expect("three answers");
    let (a, b, c) = (waitlisted(a), waitlisted(b), waitlisted(c));
    assert_eq!([a.position, b.position, c.position], [Some(1), Some(2), Some(3)]);
    let after = read(&*store, event.id).await;
    assert_eq!((after.booked_count, after.waitlist_count), (1, 3));
    assert_eq!(read_registrations(&*store, event.id, PageLimit::MAX).await.len(), 1);

    // Executed again under its id, in a batch in which an earlier one leaves.
    let again = |who: &Registration, name| {
        let mut command = queue_up(event.id, name);
        let Command::Register(register) = &mut command.command else { unreachable!() };
        register.claim.registration_id = who.id;
        command
    };
    let batch =
        [again(&c, "c"), cancel(&a), again(&c, "c"), queue_up(event.id, "d"), again(&b, "b")];
    let outcomes = execute(&*store, &batch).await;
    let place = |at: usize| waitlisted(outcomes[at].clone()).position;
    assert_eq!([place(0), place(2), place(3), place(4)], [Some(3), Some(2), Some(3), Some(1)]);
    let now = statuses(&*store, &[&a, &b, &c]).await;
    use Status::{Cancelled, Waitlisted};
    assert_eq!(now, [(Cancelled, None), (Waitlisted, Some(1)), (Waitlisted, Some(2))]);
    let refused = execute_one(&*store, confirm(&b)).await;
    assert_eq!(refused, Outcome::Refused(Refusal::NotOffered));
    assert_eq!(execute_one(&*store, queue_up(event.id, "b")).await, ALREADY_REGISTERED);
    assert_audit_is_clean(&*store).await;
}

/// A freed seat is offered to the attendee who waits longest, in the transaction that frees it.
pub async fn a_freed_seat_is_offered_to_the_head_of_the_waitlist(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let event = create_with_offers(&*store, 1, Some(OFFER_SECONDS)).await;
    let first = confirmed(execute_one(&*store, register(event.id, "first")).await);
    let a = waitlisted(execute_one(&*store, queue_up(event.id, "a")).await);
    let b = waitlisted(execute_one(&*store, queue_up(event.id, "b")).await);
    let batch = [cancel(&first), register(event.id, "passer-by"), hold(event.id, "passer-by", 60)];
    let outcomes = execute(&*store, &batch).await;
    assert_eq!(outcomes[1..], [SOLD_OUT, SOLD_OUT], "what comes free goes to the queue");
    let offered = look(&*store, a.id).await;
    assert_eq!((offered.status, offered.position), (Status::Offered, None));
    let end = clock.now() + chrono::TimeDelta::seconds(OFFER_SECONDS);
    assert_eq!(offered.expires_at, Some(end));
    assert_eq!(look(&*store, b.id).await.position, Some(1));
    let seat = confirmed(execute_one(&*store, confirm(&a)).await);
    assert_eq!(seat.status, Status::Confirmed);
    let after = read(&*store, event.id).await;
    assert_eq!((after.booked_count, after.waitlist_count), (1, 1));
    assert_audit_is_clean(&*store).await;
}

/// An expired offer goes to the next in line, whichever command settles it; an attendee who misses one leaves the
/// waitlist.
pub async fn an_expired_offer_goes_to_the_next_in_line(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let event = create_with_offers(&*store, 1, Some(OFFER_SECONDS)).await;
    let first = confirmed(execute_one(&*store, register(event.id, "first")).await);
    let batch = ["a", "b", "c"].map(|who| queue_up(event.id, who));
    let people: Vec<_> = execute(&*store, &batch).await.into_iter().map(waitlisted).collect();
    execute_one(&*store, cancel(&first)).await;
    clock.advance_micros(OFFER_SECONDS * SECOND);
    assert_eq!(execute_one(&*store, register(event.id, "passer-by")).await, SOLD_OUT);
    use Status::{Expired, Offered, Waitlisted};
    let [a, b, c] = [&people[0], &people[1], &people[2]];
    let now = statuses(&*store, &[a, b, c]).await;
    assert_eq!(now, [(Expired, None), (Offered, None), (Waitlisted, Some(1))]);

    clock.advance_micros(OFFER_SECONDS * SECOND);
    let late = execute_one(&*store, confirm(b)).await;
    assert_eq!(late, Outcome::Refused(Refusal::HoldExpired));
    let now = statuses(&*store, &[a, b, c]).await;
    assert_eq!(now, [(Expired, None), (Expired, None), (Offered, None)]);
    // An attendee who missed an offer may queue again, at the end.
    let again = waitlisted(execute_one(&*store, queue_up(event.id, "a")).await);
    assert_eq!(again.position, Some(1));
    confirmed(execute_one(&*store, confirm(c)).await);
    assert_audit_is_clean(&*store).await;
}

/// If the event makes no offers, the waiting attendee is confirmed at once.
pub async fn without_offers_the_head_of_the_waitlist_is_confirmed(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let event = create_with_offers(&*store, 1, None).await;
    let first = confirmed(execute_one(&*store, register(event.id, "first")).await);
    let a = waitlisted(execute_one(&*store, queue_up(event.id, "a")).await);
    execute_one(&*store, cancel(&first)).await;
    let now = look(&*store, a.id).await;
    assert_eq!((now.status, now.expires_at, now.position), (Status::Confirmed, None, None));
    assert_eq!(read(&*store, event.id).await.booked_count, 1);
    assert_audit_is_clean(&*store).await;
}

/// New seats go to the waitlist first, and only the rest to newcomers.
pub async fn raising_the_capacity_serves_the_waitlist_first(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let event = create_with_offers(&*store, 1, Some(OFFER_SECONDS)).await;
    confirmed(execute_one(&*store, register(event.id, "first")).await);
    let a = waitlisted(execute_one(&*store, queue_up(event.id, "a")).await);
    let b = waitlisted(execute_one(&*store, queue_up(event.id, "b")).await);
    let raise = |seats| edit(event.id, Edit { capacity: Some(capacity(seats)), ..Edit::default() });
    let batch = [raise(2), register(event.id, "passer-by")];
    let outcomes = execute(&*store, &batch).await;
    let Outcome::EventChanged(changed) = &outcomes[0] else { panic!("{outcomes:?}") };
    assert_eq!((changed.booked_count, changed.waitlist_count), (2, 1));
    assert_eq!(outcomes[1], SOLD_OUT);
    assert_eq!(look(&*store, a.id).await.status, Status::Offered);
    let batch = [raise(4), register(event.id, "passer-by"), register(event.id, "another")];
    let outcomes = execute(&*store, &batch).await;
    confirmed(outcomes[1].clone());
    assert!(matches!(outcomes[2], Outcome::Refused(Refusal::AllHeld { .. })), "{outcomes:?}");
    assert_eq!(look(&*store, b.id).await.status, Status::Offered);
    assert_audit_is_clean(&*store).await;
}

/// A disabled waitlist takes no attendees, and serves those who are on it.
pub async fn a_waitlist_can_be_closed(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let event = create_with_offers(&*store, 1, None).await;
    let first = confirmed(execute_one(&*store, register(event.id, "first")).await);
    let a = waitlisted(execute_one(&*store, queue_up(event.id, "a")).await);
    let off = Edit { waitlist_enabled: Some(false), ..Edit::default() };
    execute_one(&*store, edit(event.id, off)).await;
    assert_eq!(execute_one(&*store, queue_up(event.id, "b")).await, SOLD_OUT);
    execute_one(&*store, cancel(&first)).await;
    assert_eq!(look(&*store, a.id).await.status, Status::Confirmed);
    assert_audit_is_clean(&*store).await;
}

/// One seat comes free while a thousand newcomers ask for it: the head of the waitlist gets it.
pub async fn a_thousand_newcomers_do_not_get_the_seat_of_the_waitlist(fixture: &dyn Fixture) {
    let stores = [fixture.open(None).await, fixture.open(None).await];
    let event = create_with_offers(&*stores[0], 1, Some(OFFER_SECONDS)).await;
    let first = confirmed(execute_one(&*stores[0], register(event.id, "first")).await);
    let a = waitlisted(execute_one(&*stores[0], queue_up(event.id, "a")).await);
    let b = waitlisted(execute_one(&*stores[0], queue_up(event.id, "b")).await);
    let mut tasks = JoinSet::new();
    for task in 0..20 {
        let store = Arc::clone(&stores[task % 2]);
        let first = first.clone();
        tasks.spawn(async move {
            let mut batch: Vec<_> =
                (0..50).map(|turn| register(event.id, format!("{task}-{turn}"))).collect();
            if task == 7 {
                batch.insert(25, cancel(&first));
            }
            let mut outcomes = execute(&*store, &batch).await;
            if task == 7 {
                outcomes.remove(25);
            }
            outcomes
        });
    }
    for outcomes in tasks.join_all().await {
        assert_eq!(outcomes, vec![SOLD_OUT; 50], "nobody barges in");
    }
    let now = statuses(&*stores[1], &[&a, &b]).await;
    assert_eq!(now, [(Status::Offered, None), (Status::Waitlisted, Some(1))]);
    assert_audit_is_clean(&*stores[0]).await;
}

/// A waitlist longer than one transaction serves gets its seats in order, and no newcomer gets in between.
pub async fn a_long_waitlist_is_served_in_order(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let waiting = SETTLED_MAX + 400;
    let event = create_with_offers(&*store, 1, None).await;
    confirmed(execute_one(&*store, register(event.id, "first")).await);
    let all: Vec<_> = (0..waiting).map(|who| queue_up(event.id, who)).collect();
    let mut queue = Vec::new();
    for batch in all.chunks(512) {
        queue.extend(execute(&*store, batch).await.into_iter().map(waitlisted));
    }
    assert_eq!(queue.last().and_then(|last| last.position), Some(waiting));
    let raise = Edit { capacity: Some(capacity(1 + waiting - 5)), ..Edit::default() };
    let batch = [edit(event.id, raise), register(event.id, "passer-by")];
    assert_eq!(execute(&*store, &batch).await[1], SOLD_OUT);
    let mut turns = 0;
    while !store.due_events(PageLimit::MAX).await.expect("the store answers").is_empty() {
        let batch = [
            register(event.id, "passer-by"),
            EventCommand::new(event.id, Caller::Operator, Command::Settle),
        ];
        assert_eq!(execute(&*store, &batch).await, [SOLD_OUT, Outcome::Settled]);
        assert_audit_is_clean(&*store).await;
        turns += 1;
        assert!(turns < 10, "the queue is not served");
    }
    let rows = read_listed(&*store, event.id, Listed::All, PageLimit::MAX).await;
    let mut by_place = rows.iter().skip(1).map(|row| row.status);
    assert!(by_place.by_ref().take(waiting as usize - 5).all(|s| s == Status::Confirmed));
    assert_eq!(by_place.collect::<Vec<_>>(), [Status::Waitlisted; 5]);
    assert_eq!(look(&*store, queue[waiting as usize - 5].id).await.position, Some(1));
    assert_audit_is_clean(&*store).await;
}
