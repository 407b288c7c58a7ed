//! What must hold for every decision, whatever the state and the batch.

use booking_core::{
    Capacity, CapacityMax, Command, Decision, EmailAddress, EventCommand, EventId, EventState,
    Execution, Fact, Outcome, Refusal, Register, Registration, Version, decide, decide_batch,
};
use chrono::{DateTime, Utc};
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

fn register(id: u128, who: u8) -> Command {
    Command::Register(Register {
        registration_id: Uuid::from_u128(id).into(),
        user_email: address(who),
    })
}

/// An event that has `booked` people already: 100 and up, so that commands can hit them or not.
fn state(capacity: u32, booked: u32) -> EventState {
    let registrations = (0..booked).map(|index| Registration {
        id: Uuid::from_u128(1_000 + u128::from(index)).into(),
        event_id: event_id(),
        user_email: address(100 + index as u8),
        event_version: Version::new(u64::from(index) + 2),
        created_at: now(),
    });
    EventState {
        id: event_id(),
        capacity: Capacity::parse(capacity.into(), CapacityMax::default()).expect("valid"),
        booked_count: booked,
        version: Version::new(u64::from(booked) + 1),
        registrations: registrations.collect(),
    }
}

prop_compose! {
    fn states()(capacity in 1u32..12)(booked in 0..=capacity, capacity in Just(capacity)) -> EventState {
        state(capacity, booked)
    }
}

/// Few ids and few people, so that repetitions and duplicates are common.
fn batches() -> impl Strategy<Value = Vec<Command>> {
    let id = prop_oneof![1u128..12, 1_000u128..1_012];
    let who = prop_oneof![0u8..10, 100u8..112];
    prop::collection::vec((id, who).prop_map(|(id, who)| register(id, who)), 0..40)
}

fn decide_all(state: &EventState, commands: &[Command]) -> Decision {
    decide(state, &commands.iter().collect::<Vec<_>>(), now())
}

/// The state after `decision` was written.
fn after(state: &EventState, decision: &Decision) -> EventState {
    let mut after = state.clone();
    if let Some(change) = &decision.change {
        after.booked_count = change.booked_count;
        after.version = change.version;
        after.registrations.extend(change.registrations.iter().cloned());
    }
    after
}

proptest! {
    #[test]
    fn never_over_capacity_and_never_miscounted(state in states(), commands in batches()) {
        let after = after(&state, &decide_all(&state, &commands));
        prop_assert!(after.booked_count <= after.capacity.get());
        prop_assert_eq!(after.booked_count as usize, after.registrations.len());
    }

    #[test]
    fn one_registration_per_address_and_id(state in states(), commands in batches()) {
        let after = after(&state, &decide_all(&state, &commands));
        let addresses: HashSet<_> = after.registrations.iter().map(|r| &r.user_email).collect();
        let ids: HashSet<_> = after.registrations.iter().map(|r| r.id).collect();
        prop_assert_eq!(addresses.len(), after.registrations.len());
        prop_assert_eq!(ids.len(), after.registrations.len());
    }

    #[test]
    fn a_batch_equals_its_commands_one_by_one(state in states(), commands in batches()) {
        let together = decide_all(&state, &commands);
        let mut now_state = state.clone();
        let mut outcomes = Vec::new();
        for command in &commands {
            let alone = decide_all(&now_state, std::slice::from_ref(command));
            now_state = after(&now_state, &alone);
            outcomes.extend(alone.outcomes);
        }
        prop_assert_eq!(&together.outcomes, &outcomes);
        prop_assert_eq!(after(&state, &together), now_state);
    }

    #[test]
    fn a_batch_cut_in_two_decides_the_same(state in states(), commands in batches(), cut in 0usize..40) {
        let (head, tail) = commands.split_at(cut.min(commands.len()));
        let first = decide_all(&state, head);
        let middle = after(&state, &first);
        let second = decide_all(&middle, tail);
        let whole = decide_all(&state, &commands);
        prop_assert_eq!(&whole.outcomes, &[first.outcomes, second.outcomes.clone()].concat());
        prop_assert_eq!(after(&state, &whole), after(&middle, &second));
    }

    #[test]
    fn the_same_arguments_give_the_same_decision(state in states(), commands in batches()) {
        prop_assert_eq!(decide_all(&state, &commands), decide_all(&state, &commands));
    }

    #[test]
    fn seats_are_given_in_the_order_of_the_commands(state in states(), commands in batches()) {
        let decision = decide_all(&state, &commands);
        let mut met = HashSet::new();
        let new: Vec<_> = decision.outcomes.iter().filter_map(|outcome| match outcome {
            Outcome::Confirmed(seat) if seat.event_version > state.version && met.insert(seat.id) => Some(seat),
            _ => None,
        }).collect();
        prop_assert!(new.is_sorted_by_key(|seat| seat.event_version));
        // Whoever is refused a seat finds none left afterwards either.
        let first_sold_out = decision.outcomes.iter().position(|o| *o == Outcome::Refused(Refusal::SoldOut));
        if let Some(first) = first_sold_out {
            let given: HashSet<_> = decision.outcomes[..first].iter().filter_map(|o| match o {
                Outcome::Confirmed(seat) => Some(seat.id),
                Outcome::Refused(_) => None,
            }).collect();
            for outcome in &decision.outcomes[first..] {
                if let Outcome::Confirmed(seat) = outcome {
                    prop_assert!(given.contains(&seat.id) || seat.event_version <= state.version);
                }
            }
        }
    }

    #[test]
    fn every_change_makes_one_version_and_one_fact(state in states(), commands in batches()) {
        let decision = decide_all(&state, &commands);
        let Some(change) = decision.change else { return Ok(()) };
        prop_assert_eq!(change.first_version(), state.version.next());
        let facts: Vec<_> = change.registrations.iter()
            .map(|r| Fact::Registered { registration_id: r.id })
            .collect();
        prop_assert_eq!(&change.facts, &facts);
        let versions: Vec<_> = change.registrations.iter().map(|r| r.event_version.get()).collect();
        let dense: Vec<_> = (change.first_version().get()..=change.version.get()).collect();
        prop_assert_eq!(versions, dense);
    }

    #[test]
    fn executing_again_is_answered_the_same_and_changes_nothing(state in states(), commands in batches()) {
        let first = decide_all(&state, &commands);
        let again = decide_all(&after(&state, &first), &commands);
        prop_assert_eq!(again.change, None);
        for (first, again) in first.outcomes.iter().zip(&again.outcomes) {
            if let Outcome::Confirmed(_) = first {
                prop_assert_eq!(first, again);
            }
        }
    }

    #[test]
    fn loading_more_than_needed_decides_the_same(state in states(), commands in batches()) {
        let needed = |r: &Registration| commands.iter().any(|c| match c {
            Command::Register(command) => command.registration_id == r.id || command.user_email == r.user_email,
        });
        let mut lean = state.clone();
        lean.registrations.retain(needed);
        prop_assert_eq!(decide_all(&lean, &commands), decide_all(&state, &commands));
    }

    #[test]
    fn events_of_a_batch_do_not_touch_each_other(
        commands in prop::collection::vec((0u128..5, 1u128..12, 0u8..10), 0..40),
    ) {
        // Events 0 to 2 are there, 3 is busy, 4 does not exist.
        let events: Vec<EventId> = (0..5).map(|n| Uuid::from_u128(n).into()).collect();
        let states: BTreeMap<_, _> = events[..3].iter()
            .map(|id| (*id, EventState { id: *id, ..state(2, 0) }))
            .collect();
        let batch: Vec<_> = commands.into_iter().map(|(event, id, who)| EventCommand {
            event_id: Uuid::from_u128(event).into(),
            command: register(id, who),
        }).collect();
        let busy = BTreeSet::from([events[3]]);
        let (executions, changes) = decide_batch(&batch, &states, &busy, now());
        prop_assert_eq!(executions.len(), batch.len());
        prop_assert!(changes.is_sorted_by_key(|change| change.event_id));
        for event in events {
            let of_event = |item: &&EventCommand| item.event_id == event;
            let commands: Vec<_> = batch.iter().filter(of_event).map(|item| &item.command).collect();
            let got: Vec<_> = batch.iter().zip(&executions)
                .filter(|(item, _)| of_event(item))
                .map(|(_, execution)| execution.clone())
                .collect();
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
fn an_event_that_somebody_oversold_by_hand_gives_out_nothing() {
    let oversold = EventState { booked_count: 5, ..state(3, 3) };
    let decision = decide_all(&oversold, &[register(1, 1)]);
    assert_eq!(decision.outcomes, [Outcome::Refused(Refusal::SoldOut)]);
    assert_eq!(decision.change, None);
}
