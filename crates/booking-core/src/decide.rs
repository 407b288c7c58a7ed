pub(crate) mod asked_by;
pub(crate) mod change;
pub(crate) mod command;
pub(crate) mod idempotency;
pub(crate) mod load_plan;
pub(crate) mod outcome;
mod rows;
pub(crate) mod rule;
mod seats;
pub(crate) mod state;
pub(crate) mod stored;
mod transitions;

use crate::decide::seats::Seats;
use crate::{EventChange, EventCommand, EventId, EventState, Execution, Outcome, Refusal, Rule};
use chrono::{DateTime, SubsecRound, Utc};
use std::collections::{BTreeMap, BTreeSet};

/// The decision for one event's part of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The answers: `outcomes[i]` answers `commands[i]`.
    pub outcomes: Vec<Outcome>,
    /// What to write, all of it or none; `None` if the event stays as it was.
    pub change: Option<EventChange>,
}

/// Decides one event's part of a batch against its locked state, in order.
///
/// Pure: the same arguments give the same decision. The outcomes are as if the commands had been executed one by one,
/// each in its own transaction. `now` is cut to the microsecond, which is the precision that every store has.
pub fn decide(state: &EventState, commands: &[&EventCommand], now: DateTime<Utc>) -> Decision {
    decide_without(None, state, commands, now)
}

/// [`decide`] without one rule, for tests alone.
#[doc(hidden)]
pub fn decide_without(
    rule: Option<Rule>,
    state: &EventState,
    commands: &[&EventCommand],
    now: DateTime<Utc>,
) -> Decision {
    let mut seats = Seats::new(state, now.trunc_subsecs(6), rule);
    seats.settle();
    let outcomes = commands.iter().map(|command| seats.answer(command)).collect();
    Decision { outcomes, change: seats.into_change() }
}

/// Decides a whole batch, event by event.
///
/// `states` holds the events whose rows are locked, `busy` those whose rows another transaction holds. An event in
/// neither does not exist. Returns the outcomes in the order of `batch`, and the changes in the order of event ids.
pub fn decide_batch(
    batch: &[EventCommand],
    states: &BTreeMap<EventId, EventState>,
    busy: &BTreeSet<EventId>,
    now: DateTime<Utc>,
) -> (Vec<Execution>, Vec<EventChange>) {
    decide_batch_by(batch, states, busy, |state, commands| decide(state, commands, now))
}

/// Answers those commands of a batch whose events may not be changed now: `moving` are being moved to another store, or
/// have left. Call it with what [`decide_batch`] returned for the others.
pub fn refuse_moving(
    batch: &[EventCommand],
    moving: &BTreeSet<EventId>,
    executions: &mut [Execution],
) {
    for (item, execution) in batch.iter().zip(executions) {
        if moving.contains(&item.event_id) {
            *execution = Execution::Decided(Outcome::Refused(Refusal::EventMoving));
        }
    }
}

/// [`decide_batch`] with another decision function, for tests.
#[doc(hidden)]
pub fn decide_batch_by(
    batch: &[EventCommand],
    states: &BTreeMap<EventId, EventState>,
    busy: &BTreeSet<EventId>,
    decide: impl Fn(&EventState, &[&EventCommand]) -> Decision,
) -> (Vec<Execution>, Vec<EventChange>) {
    let mut positions: BTreeMap<EventId, Vec<usize>> = BTreeMap::new();
    for (position, item) in batch.iter().enumerate() {
        positions.entry(item.event_id).or_default().push(position);
    }

    let absent = Execution::Decided(Outcome::Refused(Refusal::EventNotFound));
    let mut executions = vec![absent; batch.len()];
    let mut changes = Vec::new();
    for (event_id, positions) in positions {
        if let Some(state) = states.get(&event_id) {
            let commands: Vec<_> = positions.iter().map(|&at| &batch[at]).collect();
            let decision = decide(state, &commands);
            assert_eq!(decision.outcomes.len(), commands.len(), "an answer for each command");
            for (position, outcome) in positions.into_iter().zip(decision.outcomes) {
                executions[position] = Execution::Decided(outcome);
            }
            changes.extend(decision.change);
        } else if busy.contains(&event_id) {
            for position in positions {
                executions[position] = Execution::Busy;
            }
        }
    }
    (executions, changes)
}
