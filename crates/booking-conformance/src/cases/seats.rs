//! Seats: given out exactly, one per address, however many callers ask at once.

use crate::Fixture;
use crate::tools::*;
use booking_core::{
    BookingStore, Caller, Command, Description, EventCommand, EventDetails, EventId, Execution,
    Listed, Outcome, Page, PageLimit, PersonName, Registration, Venue, Version, WhenBusy,
};
use chrono::{SubsecRound, TimeDelta};
use std::collections::HashSet;
use std::sync::Arc;
use tokio::task::JoinSet;
use uuid::Uuid;

/// An event is read as it was created, with no seat taken.
pub async fn an_event_is_read_back(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let plain = new_event("Jazz night", 30);
    for new in [
        plain.clone(),
        elaborate(plain).with(|new| new.id = Uuid::now_v7().into()).expect("in order"),
    ] {
        let event = store.create_event(new.clone()).await.expect("the store answers");
        assert_eq!(event, new.clone().created_at(event.created_at));
        assert_eq!((event.booked_count, event.version), (0, Version::FIRST));
        assert_eq!(read(&*store, new.id).await, event);
        assert_eq!(read(&*fixture.open(None).await, new.id).await, event);
    }
}

/// The caller chooses the id, so that a request can be repeated after a lost answer.
pub async fn creating_an_event_again_returns_it(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let new = new_event("Once", 3);
    let first = store.create_event(new.clone()).await.expect("the store answers");
    confirmed(execute_one(&*store, register(new.id, "ada")).await);
    let other = new_event("Twice", 4).with(|other| other.id = new.id).expect("in order");
    let again = store.create_event(other).await.expect("the store answers");
    assert_eq!(
        (again.id, &again.details, again.capacity),
        (first.id, &first.details, first.capacity)
    );
    assert_eq!(again.booked_count, 1, "it is returned as it is now");
    assert_audit_is_clean(&*store).await;
}

/// Every command and read of an unknown event is answered, and creates nothing.
pub async fn an_unknown_event_is_reported(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let nothing = EventId::from(Uuid::now_v7());
    assert_eq!(store.event(nothing).await.expect("the store answers"), None);
    let page = store.registrations(nothing, Listed::All, None, PageLimit::MAX).await;
    assert_eq!(page.expect("the store answers"), None);
    assert_eq!(execute_one(&*store, register(nothing, "ada")).await, EVENT_NOT_FOUND);
    let skipped = store.execute(&[register(nothing, "ada")], WhenBusy::Skip).await;
    assert_eq!(skipped.expect("the store answers"), [Execution::Decided(EVENT_NOT_FOUND)]);
    assert_eq!(store.event(nothing).await.expect("the store answers"), None);
    let events =
        store.events(Caller::Operator, None, PageLimit::MAX).await.expect("the store answers");
    assert_eq!(events, Page { items: vec![], next: None, missing: vec![] });
}

/// Texts are data, in every script and with every quote.
pub async fn texts_are_stored_unchanged(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let name = "'; DROP TABLE events; -- \"Ünïcödé\" 東京 🎟 %s {} \\ $1";
    let description = "line 1\nline 2\twith a tab, <script>alert(1)</script>";
    let new = new_event(name, 3)
        .with(|new| {
            new.details.description = Description::parse(description).expect("valid");
            new.details.venue = Some(Venue::parse(name).expect("valid"));
        })
        .expect("in order");
    let event = store.create_event(new).await.expect("the store answers");
    let event = read(&*store, event.id).await;
    let EventDetails { name: kept, description: kept_too, venue, .. } = &event.details;
    assert_eq!((kept.as_str(), kept_too.as_str()), (name, description));
    assert_eq!(venue.as_ref().map(Venue::as_str), Some(name));
    let mut made = Vec::new();
    for who in ["o'brien", "ren\u{e9}", "東京"] {
        let mut claim = claim(event.id, who);
        claim.person.name = Some(PersonName::parse(name).expect("valid"));
        let command =
            EventCommand::new(event.id, Caller::Operator, Command::Register(claim.into()));
        made.push(confirmed(execute_one(&*store, command).await));
    }
    assert_eq!(read_registrations(&*store, event.id, PageLimit::MAX).await, made);
}

/// Newest first, each event on one page, whatever the length of the pages.
pub async fn events_are_listed_newest_first_in_pages(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let mut made = Vec::new();
    for index in 0..7 {
        // Some share their instant: the id then decides.
        clock.advance_micros(if index % 3 == 0 { 1 } else { 0 });
        made.push(create(&*store, 5).await);
    }
    made.sort_by_key(|event| std::cmp::Reverse((event.created_at, event.id)));
    for limit in [1, 2, 3, 7, 8] {
        let limit = PageLimit::parse(limit).expect("valid");
        let listed = read_events(&*store, Caller::Operator, limit).await;
        assert_eq!(listed, made, "in pages of {limit:?}");
    }
}

/// Oldest first, each registration on one page, and none of another event.
pub async fn registrations_are_listed_oldest_first_in_pages(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let event = create(&*store, 10).await;
    let other = create(&*store, 10).await;
    let mut made = Vec::new();
    for index in 0..7 {
        made.push(confirmed(execute_one(&*store, register(event.id, index)).await));
        confirmed(execute_one(&*store, register(other.id, index)).await);
    }
    for limit in [1, 2, 3, 7, 8] {
        let limit = PageLimit::parse(limit).expect("valid");
        assert_eq!(
            read_registrations(&*store, event.id, limit).await,
            made,
            "in pages of {limit:?}"
        );
    }
    let empty = create(&*store, 1).await;
    assert_eq!(read_registrations(&*store, empty.id, PageLimit::MAX).await, []);
}

/// A given seat shows in the count, in the list and in the version.
pub async fn a_registration_takes_a_seat(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let event = create(&*store, 2).await;
    let command = register(event.id, "ada");
    let seat = confirmed(execute_one(&*store, command.clone()).await);
    assert_eq!(command, register_as(event.id, seat.id, seat.person.user_email.clone()));
    assert_eq!((seat.event_id, seat.event_version), (event.id, event.version.next()));
    let after = read(&*store, event.id).await;
    assert_eq!((after.booked_count, after.version), (1, seat.event_version));
    assert_eq!(read_registrations(&*store, event.id, PageLimit::MAX).await, [seat]);
    let report = store.audit().await.expect("the store answers");
    assert_eq!((report.events, report.registrations, report.differences), (1, 1, vec![]));
}

/// N seats take N registrations.
pub async fn the_last_seat_is_given_and_no_more(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let event = create(&*store, 3).await;
    for who in 0..3 {
        confirmed(execute_one(&*store, register(event.id, who)).await);
    }
    for who in 3..6 {
        assert_eq!(execute_one(&*store, register(event.id, who)).await, SOLD_OUT);
    }
    let batch: Vec<_> = (6..9).map(|who| register(event.id, who)).collect();
    assert_eq!(execute(&*store, &batch).await, [SOLD_OUT, SOLD_OUT, SOLD_OUT]);
    assert_sold_exactly(&*store, event.id, 3).await;
}

/// One live registration per address in an event, another in another event.
pub async fn an_address_has_one_seat_per_event(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let event = create(&*store, 3).await;
    let other = create(&*store, 3).await;
    confirmed(execute_one(&*store, register(event.id, "ada")).await);
    assert_eq!(execute_one(&*store, register(event.id, "ADA")).await, ALREADY_REGISTERED);
    confirmed(execute_one(&*store, register(other.id, "ada")).await);
    assert_eq!(read(&*store, event.id).await.booked_count, 1);
    assert_audit_is_clean(&*store).await;
}

/// "Sold out" would frighten an attendee who has a seat.
pub async fn a_duplicate_is_reported_even_when_sold_out(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let event = create(&*store, 1).await;
    confirmed(execute_one(&*store, register(event.id, "ada")).await);
    let batch = [register(event.id, "ada"), register(event.id, "grace")];
    assert_eq!(execute(&*store, &batch).await, [ALREADY_REGISTERED, SOLD_OUT]);
}

/// The first of a batch has it.
pub async fn duplicates_inside_a_batch_get_one_seat(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let event = create(&*store, 2).await;
    let batch =
        ["ada", "ada", "grace", "ada", "edsger", "grace"].map(|who| register(event.id, who));
    let mut outcomes = execute(&*store, &batch).await;
    let grace = confirmed(outcomes.remove(2));
    let ada = confirmed(outcomes.remove(0));
    assert!(ada.event_version < grace.event_version);
    assert_eq!(outcomes, [ALREADY_REGISTERED, ALREADY_REGISTERED, SOLD_OUT, ALREADY_REGISTERED]);
    assert_sold_exactly(&*store, event.id, 2).await;
}

/// Each command is answered by its own event, in the order of the batch.
pub async fn a_batch_over_many_events_answers_in_order(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let mut events = Vec::new();
    for _ in 0..5 {
        events.push(create(&*store, 2).await.id);
    }
    let nothing = EventId::from(Uuid::now_v7());
    let mut batch = Vec::new();
    for who in 0..3 {
        for event in events.iter().rev() {
            batch.push(register(*event, who));
        }
        batch.push(register(nothing, who));
    }
    let outcomes = execute(&*store, &batch).await;
    for (item, outcome) in batch.iter().zip(outcomes) {
        let third = item.user_email() == Some(&address(2));
        if item.event_id == nothing {
            assert_eq!(outcome, EVENT_NOT_FOUND);
        } else if third {
            assert_eq!(outcome, SOLD_OUT);
        } else {
            let seat = confirmed(outcome);
            assert_eq!(*item, register_as(seat.event_id, seat.id, seat.person.user_email));
        }
    }
    for event in events {
        assert_sold_exactly(&*store, event, 2).await;
    }
}

/// No commands, no answers, no error.
pub async fn an_empty_batch_is_answered(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    for when_busy in [WhenBusy::Skip, WhenBusy::Wait] {
        let executions = store.execute(&[], when_busy).await.expect("the store answers");
        assert_eq!(executions, []);
    }
}

/// More commands than any queue puts into one batch.
pub async fn a_large_batch_is_answered(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let mut events = Vec::new();
    for _ in 0..40 {
        events.push(create(&*store, 90).await.id);
    }
    let batch: Vec<_> =
        (0..4_000).map(|index| register(events[index % events.len()], index)).collect();
    let outcomes = execute(&*store, &batch).await;
    let given = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Confirmed(_))).count();
    assert_eq!(given, 40 * 90);
    for event in events {
        assert_sold_exactly(&*store, event, 90).await;
    }
}

/// A repeated command after a lost answer: the same id is the same success, in every field.
pub async fn executing_again_finds_its_own_success(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let event = create(&*store, 3).await;
    let batch: Vec<_> = (0..4).map(|who| register(event.id, who)).collect();
    let first = execute(&*store, &batch).await;
    assert_eq!(execute(&*store, &batch).await, first);
    assert_eq!(execute(&*fixture.open(None).await, &batch).await, first, "another instance");
    let twice = [batch[0].clone(), batch[0].clone()];
    assert_eq!(execute(&*store, &twice).await, [first[0].clone(), first[0].clone()]);

    // The id is what counts, not the address that comes with it, whether seats are left or not.
    let roomy = create(&*store, 9).await;
    let one = execute_one(&*store, register(roomy.id, "ada")).await;
    for (event_id, outcome) in [(event.id, &first[1]), (roomy.id, &one)] {
        let seat = confirmed(outcome.clone());
        let other_address = register_as(event_id, seat.id, address("somebody-else"));
        assert_eq!(&execute_one(&*store, other_address).await, outcome);
    }
    assert_sold_exactly(&*store, roomy.id, 1).await;

    let new = create(&*store, 3).await;
    let same = register(new.id, "ada");
    let outcomes = execute(&*store, &[same.clone(), same]).await;
    assert_eq!(outcomes[0], outcomes[1], "twice in the batch that makes it");
    assert_sold_exactly(&*store, event.id, 3).await;
    assert_sold_exactly(&*store, new.id, 1).await;
}

/// A command that is executed for the first time is decided as any other, and found when it is sent again as what it is.
pub async fn a_first_command_is_decided_like_any_other(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let event = create(&*store, 2).await;
    let batch = ["ada", "grace", "ada", "edsger"].map(|who| register(event.id, who));
    let first = batch.clone().map(EventCommand::first);
    let outcomes = execute(&*store, &first).await;
    let [ada, grace, again, late] = &outcomes[..] else { panic!("{outcomes:?}") };
    for (outcome, command) in [(ada, &batch[0]), (grace, &batch[1])] {
        let seat = confirmed(outcome.clone());
        assert_eq!(Some(seat.id), command.registration_id());
    }
    assert_eq!([again, late], [&ALREADY_REGISTERED, &SOLD_OUT]);
    // Beside those that may have been executed before.
    let others = ["ada", "kay"].map(|who| register(event.id, who).first());
    let mixed = [batch[0].clone(), others[0].clone(), batch[1].clone(), others[1].clone()];
    let expected = [ada.clone(), ALREADY_REGISTERED, grace.clone(), SOLD_OUT];
    for _ in 0..2 {
        assert_eq!(execute(&*store, &mixed).await, expected);
    }
    assert_eq!(execute(&*store, &batch).await, outcomes);
    assert_sold_exactly(&*store, event.id, 2).await;
}

/// Only the id finds the earlier registration: its address may have changed since, and there is no refusal, since there
/// are seats left.
pub async fn a_repeated_id_is_found_even_after_its_address_changed(fixture: &dyn Fixture) {
    let event = create(&*fixture.open(None).await, 9).await;
    for who in ["ada", "grace"] {
        // A store that was just opened has nothing of earlier batches in memory.
        let store = fixture.open(None).await;
        let command = register(event.id, who);
        let seat = confirmed(execute_one(&*store, command.clone()).await);
        let change = if who == "ada" { transfer(&seat, "eve", None) } else { cancel(&seat) };
        execute_one(&*store, change).await;
        let before = read(&*store, event.id).await.booked_count;
        let others = [0, 1].map(|other| register(event.id, format!("{who}{other}")));
        let batch = [others[0].clone(), command, others[1].clone()];
        let [one, again, two] = execute(&*store, &batch).await.try_into().expect("three answers");
        assert_eq!(again.registration().map(|row| row.id), Some(seat.id), "{again:?}");
        assert_ne!(confirmed(one).id, confirmed(two).id);
        assert_eq!(read(&*store, event.id).await.booked_count, before + 2);
    }
}

/// An id names a registration of its event, and nothing in another.
pub async fn one_id_may_name_registrations_of_two_events(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let (one, two) = (create(&*store, 1).await.id, create(&*store, 1).await.id);
    let id = Uuid::now_v7().into();
    let batch = [register_as(one, id, address("ada")), register_as(two, id, address("grace"))];
    let [ada, grace] = execute(&*store, &batch).await.try_into().expect("two answers");
    let (ada, grace) = (confirmed(ada), confirmed(grace));
    assert_eq!((ada.id, ada.event_id, &ada.person.user_email), (id, one, &address("ada")));
    assert_eq!((grace.id, grace.event_id, &grace.person.user_email), (id, two, &address("grace")));
    let again = execute(&*store, &batch).await;
    assert_eq!(again, [Outcome::Confirmed(ada), Outcome::Confirmed(grace)]);
}

/// A refusal costs nothing and leaves nothing, however often.
pub async fn a_thousand_refusals_change_nothing(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let event = create(&*store, 1).await;
    confirmed(execute_one(&*store, register(event.id, "ada")).await);
    let before = read(&*store, event.id).await;
    for who in 0..1_000 {
        assert_eq!(execute_one(&*store, register(event.id, who)).await, SOLD_OUT);
    }
    assert_eq!(read(&*store, event.id).await, before);
    let other = create(&*store, 1).await;
    confirmed(execute_one(&*store, register(other.id, "grace")).await);
}

/// A test's clock is obeyed, to the microsecond.
pub async fn the_stores_clock_is_used(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let nanos = clock.clone();
    let finer_than_kept = Arc::new(move || nanos.now() + TimeDelta::nanoseconds(789));
    let store = fixture.open(Some(finer_than_kept)).await;
    let event = create(&*store, 2).await;
    assert_eq!(event.created_at, clock.now());
    clock.advance_micros(86_400_000_001);
    let seat = confirmed(execute_one(&*store, register(event.id, "ada")).await);
    assert_eq!(seat.created_at, clock.now());
    let rows = read_registrations(&*store, event.id, PageLimit::MAX).await;
    assert_eq!(rows[0].created_at, clock.now());
    assert_eq!(read(&*store, event.id).await.created_at, event.created_at);
}

/// Without a test's clock time goes on by itself, and two instances share it.
pub async fn without_a_clock_the_databases_time_is_used(fixture: &dyn Fixture) {
    let (one, two) = (fixture.open(None).await, fixture.open(None).await);
    let event = create(&*one, 10).await;
    let mut last = event.created_at;
    for who in 0..10 {
        let store = if who % 2 == 0 { &one } else { &two };
        let seat = confirmed(execute_one(&**store, register(event.id, who)).await);
        assert!(seat.created_at >= last, "time went backwards");
        assert_eq!(seat.created_at, seat.created_at.trunc_subsecs(6));
        last = seat.created_at;
    }
    assert!(last > event.created_at, "time stood still");
}

/// Many callers, one instance, one event.
pub async fn a_race_for_one_event_gives_out_exactly_its_seats(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    race(&[store], &[20], 16, 40).await;
}

/// Many callers, two instances, several events in every order: no deadlock, no seat too many.
pub async fn a_race_of_two_instances_gives_out_exactly_the_seats(fixture: &dyn Fixture) {
    let stores = [fixture.open(None).await, fixture.open(None).await];
    race(&stores, &[7, 1, 30, 12], 16, 40).await;
}

/// One address, requested by all callers at once, in batches with others.
pub async fn a_race_for_one_address_has_one_winner(fixture: &dyn Fixture) {
    let stores = [fixture.open(None).await, fixture.open(None).await];
    let event = create(&*stores[0], 1_000).await;
    let mut tasks = JoinSet::new();
    for task in 0..16 {
        let store = Arc::clone(&stores[task % 2]);
        tasks.spawn(async move {
            let batch = [register(event.id, "ada"), register(event.id, task)];
            execute(&*store, &batch).await
        });
    }
    let outcomes = tasks.join_all().await;
    let ada = outcomes.iter().filter(|pair| matches!(pair[0], Outcome::Confirmed(_))).count();
    assert_eq!(ada, 1, "winners of one address");
    for pair in outcomes {
        confirmed(pair[1].clone());
    }
    assert_sold_exactly(&*stores[0], event.id, 17).await;
}

/// The same commands sent by several callers at once, as retries may be: one set of seats, and the same answers for
/// all.
pub async fn a_race_of_the_same_commands_agrees(fixture: &dyn Fixture) {
    let stores = [fixture.open(None).await, fixture.open(None).await];
    let event = create(&*stores[0], 5).await;
    let batch: Arc<Vec<_>> = Arc::new((0..5).map(|who| register(event.id, who)).collect());
    let mut tasks = JoinSet::new();
    for task in 0..12 {
        let (store, batch) = (Arc::clone(&stores[task % 2]), Arc::clone(&batch));
        tasks.spawn(async move { execute(&*store, &batch).await });
    }
    let answers = tasks.join_all().await;
    for answer in &answers {
        assert_eq!(answer, &answers[0]);
    }
    assert_sold_exactly(&*stores[0], event.id, 5).await;
}

/// The same event created by many callers at once, as retries may be, is one event.
pub async fn a_race_to_create_one_event_creates_one(fixture: &dyn Fixture) {
    let stores = [fixture.open(None).await, fixture.open(None).await];
    let new = new_event("Once", 3);
    let mut tasks = JoinSet::new();
    for task in 0..12 {
        let (store, new) = (Arc::clone(&stores[task % 2]), new.clone());
        tasks.spawn(async move { store.create_event(new).await.expect("the store answers") });
    }
    for event in tasks.join_all().await {
        assert_eq!(event, read(&*stores[0], new.id).await);
    }
    let report = stores[0].audit().await.expect("the store answers");
    assert_eq!((report.events, report.differences), (1, vec![]));
}

/// During a sale, every read is of a committed state.
pub async fn readers_never_see_an_oversold_event(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let event = create(&*store, 60).await;
    let mut tasks = JoinSet::new();
    for task in 0..8 {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            for turn in 0..12 {
                execute_one(&*store, register(event.id, format!("{task}-{turn}"))).await;
            }
        });
    }
    let reader = fixture.open(None).await;
    let mut last = Version::FIRST;
    while !tasks.is_empty() {
        while let Some(done) = tasks.try_join_next() {
            done.expect("no caller panicked");
        }
        let seen = read(&*reader, event.id).await;
        assert!(seen.booked_count <= seen.capacity.get());
        assert_eq!(seen.version.get(), 1 + u64::from(seen.booked_count), "of one state");
        assert!(seen.version >= last, "a later read saw an earlier state");
        last = seen.version;
    }
    assert_sold_exactly(&*store, event.id, 60).await;
}

/// A skipped command was not decided; executed again with `WhenBusy::Wait`, it is.
pub async fn skipping_busy_events_loses_nothing(fixture: &dyn Fixture) {
    let stores = [fixture.open(None).await, fixture.open(None).await];
    let event = create(&*stores[0], 1_000).await;
    let mut tasks = JoinSet::new();
    for task in 0..8 {
        let store = Arc::clone(&stores[task % 2]);
        tasks.spawn(async move {
            for turn in 0..20 {
                let command = [register(event.id, format!("{task}-{turn}"))];
                let skipped = store.execute(&command, WhenBusy::Skip).await;
                match skipped.expect("the store answers").remove(0) {
                    Execution::Decided(outcome) => confirmed(outcome),
                    Execution::Busy => confirmed(execute(&*store, &command).await.remove(0)),
                    Execution::Unknown => panic!("nothing failed, and the store answered Unknown"),
                };
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("no task panicked");
    }
    assert_sold_exactly(&*stores[0], event.id, 160).await;
}

/// Lets `tasks` callers each send `turns` batches over all events, which have the given numbers of seats, and checks
/// that every answer is true.
async fn race(stores: &[Arc<dyn BookingStore>], seats: &[u32], tasks: usize, turns: usize) {
    let mut events = Vec::new();
    for capacity in seats {
        events.push(create(&*stores[0], *capacity).await.id);
    }
    let mut callers = JoinSet::new();
    for task in 0..tasks {
        let store = Arc::clone(&stores[task % stores.len()]);
        let mut events = events.clone();
        callers.spawn(async move {
            let mut granted: Vec<Registration> = Vec::new();
            for turn in 0..turns {
                events.rotate_left(1);
                let who = format!("{task}-{turn}");
                let batch: Vec<EventCommand> =
                    events.iter().map(|event| register(*event, &who)).collect();
                for outcome in execute(&*store, &batch).await {
                    match outcome {
                        Outcome::Confirmed(seat) => granted.push(seat),
                        other => assert_eq!(other, SOLD_OUT),
                    }
                }
            }
            granted
        });
    }
    let mut granted = Vec::new();
    while let Some(seats) = callers.join_next().await {
        granted.extend(seats.expect("no caller panicked"));
    }
    for (event, capacity) in events.into_iter().zip(seats) {
        let rows = assert_sold_exactly(&*stores[0], event, *capacity).await;
        let mut granted: Vec<_> =
            granted.iter().filter(|seat| seat.event_id == event).cloned().collect();
        granted.sort_by_key(|seat| seat.event_version);
        assert_eq!(rows, granted, "the rows are what was told");
    }
}

/// Checks that `seats` seats of the event are taken: by its count, its rows, their versions and their addresses.
pub(crate) async fn assert_sold_exactly(
    store: &dyn BookingStore,
    event_id: EventId,
    seats: u32,
) -> Vec<Registration> {
    let event = read(store, event_id).await;
    let rows = read_registrations(store, event_id, PageLimit::MAX).await;
    assert_eq!((event.booked_count, rows.len()), (seats, seats as usize), "seats taken");
    let versions: Vec<_> = rows.iter().map(|row| row.created_version.get()).collect();
    let dense: Vec<_> = (2..=u64::from(seats) + 1).collect();
    assert_eq!(versions, dense, "each seat made a version of its own");
    let addresses: HashSet<_> = rows.iter().map(|row| &row.person.user_email).collect();
    assert_eq!(addresses.len(), rows.len(), "one seat for an address");
    assert_audit_is_clean(store).await;
    rows
}
