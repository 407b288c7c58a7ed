//! Properties of every decision, whatever the state and the batch.

use booking_conformance::EventTable;
use booking_core::{
    Answers, AuditReport, Caller, Capacity, CapacityMax, CheckIn, Claim, Command, Decision, Edit,
    EmailAddress, EventCommand, EventId, EventName, EventRules, EventStatus, Execution, Fact,
    FactKind, Fingerprint, Hold, HoldTtl, IdempotencyKey, KeyHash, NewEvent, OfferTtl, OnFull,
    Outcome, Refusal, Register, RemindHours, Retention, SoughtIds, TimeZone, TokenHash, Transfer,
    Venue, decide, decide_batch,
};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use uuid::Uuid;

fn event_id() -> EventId {
    Uuid::from_u128(1).into()
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp_micros(1_750_000_000_123_456).expect("in range")
}

fn address(who: u8) -> EmailAddress {
    EmailAddress::parse(&format!("person{who}@example.org")).expect("valid")
}

fn capacity(seats: u32) -> Capacity {
    Capacity::parse(seats.into(), CapacityMax::default()).expect("valid")
}

fn empty(id: EventId, seats: u32, offer_seconds: Option<i64>) -> EventTable {
    let name = EventName::parse("An event").expect("valid");
    let offer_ttl = offer_seconds.map(|seconds| OfferTtl::parse(seconds).expect("valid"));
    let rules = EventRules { offer_ttl, ..EventRules::default() };
    EventTable::new(
        NewEvent::new(id, name, capacity(seats)).with(|new| new.rules = rules).expect("in order"),
        now(),
    )
}

/// The same, over so many seconds after now, when all personal data is to be erased; where addresses are confirmed, or
/// not.
fn ending(
    seats: u32,
    offer_seconds: Option<i64>,
    over_in: Option<i64>,
    confirms: bool,
) -> EventTable {
    let mut table = empty(event_id(), seats, offer_seconds);
    let over_at = over_in.map(|seconds| now() + TimeDelta::seconds(seconds));
    let retention = Some(Retention::parse(0).ok());
    let confirms_address = Some(confirms);
    let edit = Edit { ends_at: Some(over_at), retention, confirms_address, ..Edit::default() };
    let edit = EventCommand::new(event_id(), Caller::Operator, Command::Edit(Box::new(edit)));
    run(&mut table, &[edit], now());
    table
}

/// Few ids and few people, so that repetitions and duplicates are common. Each transfer and scan has its own token and
/// id, as required.
fn commands() -> impl Strategy<Value = EventCommand> {
    let (kind, id, who, nonce) = (0u8..23, 1u128..14, 0u8..10, any::<u64>());
    let keyed = prop::option::weighted(0.15, (0u8..4, 0u8..2));
    let drawn = (kind, id, who, nonce, keyed, prop::bool::weighted(0.3));
    drawn.prop_map(|(kind, id, who, nonce, keyed, is_visitor)| {
        let registration_id = Uuid::from_u128(id).into();
        let mut token = [0; 32];
        token[..8].copy_from_slice(&nonce.to_le_bytes());
        let claim = Claim::new(registration_id, address(who));
        let command = match kind {
            0..4 => Command::Register(claim.into()),
            4..7 => {
                Command::Register(Register { on_full: OnFull::Waitlist, ..Register::from(claim) })
            }
            7..10 => {
                let seconds = 60 * (1 + i64::from(who % 2));
                Command::Hold(Hold { claim, ttl: HoldTtl::parse(seconds).expect("valid") })
            }
            10..12 => Command::Confirm { registration_id, answers: Answers::default() },
            12..14 => Command::Cancel { registration_id },
            14 => Command::Transfer(Transfer {
                registration_id,
                person: address(who).into(),
                token_hash: Some(TokenHash::new(token)),
            }),
            15 => Command::CheckIn(CheckIn {
                registration_id,
                generation: u32::from(who % 2),
                scan_id: Uuid::from_u128(nonce.into()),
                scanned_at: None,
            }),
            16 => Command::UndoCheckIn { registration_id },
            17 => {
                let seats = capacity(1 + u32::from(who));
                Command::Edit(Box::new(Edit { capacity: Some(seats), ..Edit::default() }))
            }
            18 if who == 0 => Command::CancelEvent,
            20 | 21 => Command::Erase { registration_id },
            22 if who < 4 => Command::EraseDue,
            _ => Command::Settle,
        };
        let key = keyed.map(|(key, fingerprint)| {
            IdempotencyKey::new(KeyHash::new([key; 32]), Fingerprint::new([fingerprint; 32]))
        });
        let item = EventCommand::new(event_id(), Caller::Operator, command).with_key(key);
        match is_visitor && item.makes_registration() {
            true => item.by(Caller::Anyone),
            false => item,
        }
    })
}

fn batches() -> impl Strategy<Value = Vec<EventCommand>> {
    prop::collection::vec(commands(), 0..24)
}

prop_compose! {
    /// An event with a past, at some later instant.
    fn pasts()(
        seats in 1u32..6,
        offers in prop::option::of(Just(60)),
        over_in in prop::option::of(-50i64..150),
        confirms in any::<bool>(),
        past in prop::collection::vec((batches(), 0i64..100), 0..4),
    ) -> (EventTable, DateTime<Utc>) {
        let (mut table, mut now) = (ending(seats, offers, over_in, confirms), now());
        for (batch, seconds) in past {
            run(&mut table, &batch, now);
            now += TimeDelta::seconds(seconds);
        }
        (table, now)
    }
}

fn decide_all(table: &EventTable, batch: &[EventCommand], now: DateTime<Utc>) -> Decision {
    let commands: Vec<_> = batch.iter().collect();
    decide(&table.state(&commands, now), &commands, now)
}

/// Decides and writes.
fn run(table: &mut EventTable, batch: &[EventCommand], now: DateTime<Utc>) -> Vec<Outcome> {
    let decision = decide_all(table, batch, now);
    if let Some(change) = decision.change {
        table.write(change, now);
    }
    decision.outcomes
}

/// The visible state of an event.
fn seen(table: &EventTable, now: DateTime<Utc>) -> impl PartialEq + std::fmt::Debug {
    let facts: Vec<_> = table
        .facts_since(before_the_first())
        .map(|(version, fact)| (version, fact.clone()))
        .collect();
    (table.event(now), table.rows().cloned().collect::<Vec<_>>(), table.count(), facts)
}

fn before_the_first() -> booking_core::Version {
    booking_core::Version::new(0)
}

/// Every change of an event makes a fact of the kind that its receivers act on.
#[test]
fn each_event_edit_makes_a_fact_of_its_kind() {
    use FactKind::{EventCreated, EventDrafted, EventEdited, EventMoved, EventPublished};
    let at = |seconds| Some(Some(now() + TimeDelta::seconds(seconds)));
    let venue = Some(Some(Venue::parse("Hall 2").expect("valid")));
    let zone = Some(Some(TimeZone::parse("Europe/Berlin").expect("valid")));
    let name = Some(EventName::parse("Another name").expect("valid"));
    let third_name = Some(EventName::parse("A third name").expect("valid"));
    let (nothing, publish) = (Edit::default(), Edit { publish: true, ..Edit::default() });
    let edits = [
        (EventMoved, Edit { starts_at: at(100), ..nothing.clone() }),
        (EventMoved, Edit { ends_at: at(200), name, ..nothing.clone() }),
        (EventMoved, Edit { timezone: zone, ..nothing.clone() }),
        (EventMoved, Edit { venue: venue.clone(), ..nothing.clone() }),
        (EventMoved, Edit { venue: Some(None), ..nothing.clone() }),
        (EventEdited, Edit { name: third_name, ..nothing.clone() }),
        (EventEdited, Edit { capacity: Some(capacity(3)), ..nothing.clone() }),
        (EventEdited, Edit { closes_at: at(50), ..nothing }),
        (EventPublished, Edit { venue, ..publish.clone() }),
    ];
    let draft = EventRules { status: EventStatus::Draft, ..EventRules::default() };
    let name = EventName::parse("An event").expect("valid");
    let new = NewEvent::new(event_id(), name, capacity(2));
    let mut table = EventTable::new(new.with(|new| new.rules = draft).expect("in order"), now());
    for (_, edit) in &edits {
        let edit = Command::Edit(Box::new(edit.clone()));
        run(&mut table, &[EventCommand::new(event_id(), Caller::Operator, edit)], now());
    }
    // It is published already, and stays so.
    let again = Command::Edit(Box::new(publish));
    run(&mut table, &[EventCommand::new(event_id(), Caller::Operator, again)], now());
    let kinds = |table: &EventTable| -> Vec<_> {
        table.facts_since(before_the_first()).map(|(_, fact)| fact.kind).collect()
    };
    let expected: Vec<_> = edits.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds(&table), [vec![EventDrafted], expected].concat());
    assert_eq!(kinds(&empty(event_id(), 2, None)), [EventCreated]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn written_counts_always_add_up((mut table, now) in pasts(), batch in batches()) {
        run(&mut table, &batch, now);
        prop_assert_eq!(AuditReport::of([table.count()]).differences, []);
        let event = table.event(now);
        prop_assert!(event.booked_count <= event.capacity.get());
        let ids: HashSet<_> = table.rows().map(|row| row.id).collect();
        prop_assert_eq!(ids.len(), table.rows().count());
    }

    #[test]
    fn a_batch_equals_its_commands_one_by_one((mut table, now) in pasts(), batch in batches()) {
        let mut one_by_one = table.clone();
        let outcomes = run(&mut table, &batch, now);
        let mut alone = Vec::new();
        // An empty batch settles too.
        run(&mut one_by_one, &[], now);
        for command in &batch {
            alone.extend(run(&mut one_by_one, std::slice::from_ref(command), now));
        }
        prop_assert_eq!(outcomes, alone);
        prop_assert_eq!(seen(&table, now), seen(&one_by_one, now));
    }

    #[test]
    fn a_batch_cut_in_two_decides_the_same(
        (mut table, now) in pasts(), batch in batches(), cut in 0usize..24,
    ) {
        let mut in_two = table.clone();
        let (head, tail) = batch.split_at(cut.min(batch.len()));
        let whole = run(&mut table, &batch, now);
        let parts = [run(&mut in_two, head, now), run(&mut in_two, tail, now)].concat();
        prop_assert_eq!(whole, parts);
        prop_assert_eq!(seen(&table, now), seen(&in_two, now));
    }

    #[test]
    fn the_same_arguments_give_the_same_decision((table, now) in pasts(), batch in batches()) {
        prop_assert_eq!(decide_all(&table, &batch, now), decide_all(&table, &batch, now));
    }

    #[test]
    fn every_change_makes_one_version_and_one_fact((table, now) in pasts(), batch in batches()) {
        let before = table.event(now).version;
        let decision = decide_all(&table, &batch, now);
        let Some(change) = decision.change else { return Ok(()) };
        prop_assert_eq!(change.first_version(), before.next());
        let mut last = BTreeMap::new();
        for (version, fact) in (change.first_version().get()..).zip(&change.facts) {
            if let Some(id) = fact.registration_id {
                let known = table.rows().find(|row| row.id == id).map(|row| row.event_version.get());
                let previous = last.insert(id, version).or(known);
                prop_assert_eq!(fact.previous.map(booking_core::Version::get), previous, "a chain");
            }
        }
        let changed: BTreeMap<_, _> =
            change.registrations.iter().map(|row| (row.id, row.event_version.get())).collect();
        prop_assert_eq!(changed, last, "a row has the version of its last fact");
        for id in change.replaced {
            prop_assert!(table.rows().any(|row| row.id == id));
        }
    }

    /// What is not stored of the facts is in the registrations that were made with them.
    #[test]
    fn facts_that_are_not_stored_are_their_registrations((table, now) in pasts(), batch in batches()) {
        let Some(change) = decide_all(&table, &batch, now).change else { return Ok(()) };
        let stored = change.facts_to_store();
        prop_assert!(stored.is_empty() || stored == change.facts);
        for (version, fact) in (change.first_version().get()..).zip(&change.facts[stored.len()..]) {
            let mut made = change.registrations.iter();
            let made = made.find(|row| row.created_version.get() == version).expect("it was made");
            prop_assert_eq!((made.event_version.get(), made.created_at), (version, now));
            prop_assert_eq!(fact, &Fact::of_seat(made.id));
        }
    }

    #[test]
    fn executing_again_returns_the_same_answer_and_changes_nothing(
        (mut table, now) in pasts(), command in commands(),
    ) {
        let first = run(&mut table, std::slice::from_ref(&command), now).remove(0);
        let again = decide_all(&table, std::slice::from_ref(&command), now);
        prop_assert_eq!(again.change, None);
        let second = match &again.outcomes[0] {
            Outcome::Replayed(first) => &**first,
            outcome => outcome,
        };
        let first = match &first {
            Outcome::Replayed(first) => &**first,
            outcome => outcome,
        };
        prop_assert_eq!(first, second);
    }

    #[test]
    fn loading_more_than_needed_decides_the_same((table, now) in pasts(), batch in batches()) {
        let commands: Vec<_> = batch.iter().collect();
        let lean = table.state(&commands, now);
        let mut rich = lean.clone();
        rich.registrations.extend(table.rows().map(|row| table.with_position(row.clone())));
        rich.registrations.extend(lean.registrations.clone());
        let (lean, rich) = (decide(&lean, &commands, now), decide(&rich, &commands, now));
        prop_assert_eq!(lean.outcomes, rich.outcomes);
        let sorted = |change: Option<booking_core::EventChange>| change.map(|mut change| {
            change.registrations.sort_by_key(|row| row.created_version);
            change.replaced.sort_unstable();
            // No store keeps it.
            change.registrations.iter_mut().for_each(|row| row.position = None);
            change
        });
        prop_assert_eq!(sorted(lean.change), sorted(rich.change));
    }

    /// Whatever else is in the batch, no personal data of a due event is left, and registration stays closed; all
    /// counts stay the same.
    #[test]
    fn an_event_past_its_retention_is_erased_completely(
        (mut table, now) in pasts(), batch in batches(),
    ) {
        let over_at = Some(Some(now));
        let due = Edit { starts_at: Some(None), ends_at: over_at, ..Edit::default() };
        run(&mut table, &[EventCommand::new(event_id(), Caller::Operator, Command::Edit(Box::new(due)))], now);
        let mut erasing = batch.clone();
        erasing.push(EventCommand::new(event_id(), Caller::Operator, Command::EraseDue));
        let edits = |item: &EventCommand| matches!(item.command, Command::Edit(_));
        erasing.retain(|item| !edits(item));
        let mut alike = table.clone();
        run(&mut table, &erasing, now);
        run(&mut alike, &erasing[..erasing.len() - 1], now);
        prop_assume!(table.event(now).details.ends_at == Some(now));
        prop_assert!(table.rows().all(booking_core::Registration::is_erased));
        prop_assert!(table.rows().all(|row| row.person.name.is_none() && row.token_hash.is_none()));
        let (event, before) = (table.event(now), alike.event(now));
        prop_assert_eq!(event.booked_count, before.booked_count);
        prop_assert_eq!(event.waitlist_count, before.waitlist_count);
        let status = |table: &EventTable| table.rows().map(|row| row.status).collect::<Vec<_>>();
        prop_assert_eq!(status(&table), status(&alike));
        let late = Claim::new(Uuid::from_u128(99).into(), address(0));
        let late = EventCommand::new(event_id(), Caller::Operator, Command::Register(late.into()));
        let refused = run(&mut table, &[late], now).remove(0);
        prop_assert_eq!(refused, Outcome::Refused(Refusal::Closed));
    }

    /// Where addresses are confirmed a visitor gets the same answer for each, and no request of a visitor gives out a
    /// seat.
    #[test]
    fn a_visitor_gets_the_same_answer_for_every_address((mut table, now) in pasts(), way in 0u8..3) {
        let confirm = Edit { confirms_address: Some(true), ..Edit::default() };
        let confirm = Command::Edit(Box::new(confirm));
        run(&mut table, &[EventCommand::new(event_id(), Caller::Operator, confirm)], now);
        let answers = (0..10).map(|who| {
            let claim = Claim::new(Uuid::from_u128(200 + u128::from(who)).into(), address(who));
            let command = match way {
                0 => Command::Register(claim.into()),
                1 => Command::Register(Register { on_full: OnFull::Waitlist, ..Register::from(claim) }),
                _ => Command::Hold(Hold { claim, ttl: HoldTtl::default() }),
            };
            let command = EventCommand::new(event_id(), Caller::Anyone, command);
            match decide_all(&table, &[command], now).outcomes.remove(0) {
                Outcome::ToConfirm(_) | Outcome::KnownAddress(_) => None,
                outcome => Some(outcome),
            }
        });
        let answers: Vec<_> = answers.collect();
        prop_assert!(answers.windows(2).all(|two| two[0] == two[1]), "{answers:?}");
        prop_assert!(matches!(answers[0], None | Some(Outcome::Refused(_))), "{answers:?}");
    }

    #[test]
    fn a_foreign_token_changes_nothing(
        (table, now) in pasts(), batch in batches(),
    ) {
        let own = |item: &&EventCommand| {
            let command = &item.command;
            matches!(command, Command::Confirm { .. } | Command::Cancel { .. } | Command::Transfer(_))
        };
        let stranger = Caller::Attendee(TokenHash::new([255; 32]));
        for command in batch.iter().filter(own) {
            let command = command.clone().by(stranger).with_key(None);
            let outcome = decide_all(&table, &[command], now).outcomes.remove(0);
            let refused = [Refusal::Forbidden, Refusal::RegistrationNotFound].map(Outcome::Refused);
            prop_assert!(refused.contains(&outcome), "{outcome:?}");
        }
    }

    #[test]
    fn events_of_a_batch_do_not_affect_each_other(
        commands in prop::collection::vec((0u128..5, commands()), 0..40),
    ) {
        // Events 0 to 2 exist, 3 is busy, 4 does not exist.
        let events: Vec<EventId> = (0..5).map(|n| Uuid::from_u128(n).into()).collect();
        let batch: Vec<_> = commands.into_iter()
            .map(|(event, command)| EventCommand { event_id: events[event as usize], ..command })
            .collect();
        let of = |event: EventId| -> Vec<&EventCommand> {
            batch.iter().filter(|item| item.event_id == event).collect()
        };
        let states: BTreeMap<_, _> = events[..3].iter()
            .map(|id| (*id, empty(*id, 2, Some(60)).state(&of(*id), now())))
            .collect();
        let busy = BTreeSet::from([events[3]]);
        let (executions, changes) = decide_batch(&batch, &states, &busy, now());
        prop_assert_eq!(executions.len(), batch.len());
        prop_assert!(changes.is_sorted_by_key(|change| change.event_id));
        for event in events {
            let got: Vec<_> = batch.iter().zip(&executions)
                .filter(|(item, _)| item.event_id == event)
                .map(|(_, execution)| execution.clone())
                .collect();
            let commands = of(event);
            let expected: Vec<_> = if let Some(state) = states.get(&event) {
                let decision = decide(state, &commands, now());
                let change = changes.iter().find(|change| change.event_id == event);
                prop_assert_eq!(change, decision.change.as_ref());
                decision.outcomes.into_iter().map(Execution::Decided).collect()
            } else if busy.contains(&event) {
                commands.iter().map(|_| Execution::Busy).collect()
            } else {
                let absent = Execution::Decided(Outcome::Refused(Refusal::EventNotFound));
                commands.iter().map(|_| absent.clone()).collect()
            };
            prop_assert_eq!(got, expected);
        }
    }
}

#[test]
fn an_event_oversold_by_hand_gives_out_no_seats() {
    let command = EventCommand::new(
        event_id(),
        Caller::Operator,
        Command::Register(Claim::new(Uuid::from_u128(1).into(), address(1)).into()),
    );
    let mut oversold = empty(event_id(), 3, None).state(&[&command], now());
    oversold.counts.booked = 5;
    let decision = decide(&oversold, &[&command], now());
    assert_eq!(decision.outcomes, [Outcome::Refused(Refusal::SoldOut)]);
    assert_eq!(decision.change, None);
}

/// Attendees are reminded again only if the event is moved to another time that is not past.
#[test]
fn a_reminder_is_due_until_sent_and_again_after_a_new_time() {
    let (mut table, in_days) = (empty(event_id(), 1, None), |days| now() + TimeDelta::days(days));
    let edit =
        |edit: Edit| EventCommand::new(event_id(), Caller::Operator, Command::Edit(Box::new(edit)));
    let due = |table: &EventTable, command: &EventCommand, is_done: bool| {
        let mut state = table.state(&[command], now());
        if let Some(stored) = state.details.as_mut().filter(|_| is_done) {
            stored.remind_at = None;
        }
        let change = decide(&state, &[command], now()).change.expect("it is changed");
        change.edited.expect("more than counts").remind_at
    };
    let begins = edit(Edit {
        starts_at: Some(Some(in_days(9))),
        remind_hours: Some(RemindHours::parse(48).ok()),
        ..Edit::default()
    });
    assert_eq!(due(&table, &begins, false), Some(in_days(7)));
    run(&mut table, &[begins], now());
    let renamed = edit(Edit { name: EventName::parse("Another").ok(), ..Edit::default() });
    assert_eq!(due(&table, &renamed, false), Some(in_days(7)), "it is still to come");
    assert_eq!(due(&table, &renamed, true), None, "it is done");
    for (days, expected) in [(20, Some(in_days(18))), (2, None), (1, None)] {
        let moved = edit(Edit { starts_at: Some(Some(in_days(days))), ..Edit::default() });
        for is_done in [false, true] {
            assert_eq!(due(&table, &moved, is_done), expected, "in {days} days");
        }
    }
    let sooner = edit(Edit { remind_hours: Some(RemindHours::parse(24).ok()), ..Edit::default() });
    assert_eq!(due(&table, &sooner, true), Some(in_days(8)));
    let never = edit(Edit { remind_hours: Some(None), ..Edit::default() });
    assert_eq!(due(&table, &never, false), None);
    let cancelled = EventCommand::new(event_id(), Caller::Operator, Command::CancelEvent);
    assert_eq!(due(&table, &cancelled, false), None);
}

#[test]
fn only_a_command_that_may_have_been_executed_needs_its_id() {
    let claim = Claim::new(Uuid::from_u128(1).into(), address(1));
    let of = |command| EventCommand::new(event_id(), Caller::Anyone, command);
    let again = of(Command::Register(claim.into()));
    let first = again.clone().first();
    let cancel = of(Command::Cancel { registration_id: Uuid::from_u128(1).into() });
    for (is_repeated, was_refused, seeks_again, seeks_first) in [
        (false, false, false, false),
        (false, true, true, false),
        (true, false, true, true),
        (true, true, true, true),
    ] {
        let sought = SoughtIds::by(is_repeated, was_refused);
        assert_eq!(again.looks_up_its_id(sought), seeks_again, "{sought:?}");
        assert_eq!(first.looks_up_its_id(sought), seeks_first, "{sought:?}");
        assert!(cancel.clone().first().looks_up_its_id(sought), "{sought:?}");
    }
    let refused = Execution::Decided(Outcome::Refused(Refusal::SoldOut));
    assert!(again.must_know_its_id(&refused) && !first.must_know_its_id(&refused));
}
