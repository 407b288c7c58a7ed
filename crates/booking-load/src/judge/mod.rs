//! The judge: from all requests and answers and the final state it determines whether a registration was lost,
//! whether anything was given twice, and whether each answer was true.
//!
//! It is an independent model of the rules and shares no code with the server. Every change of an event has a
//! version; the answers and the histories of registrations say what each version was, and [`judge`] replays them in
//! that one order, completely. That needs no clock. The times of requests determine which versions each of them can
//! have seen, and so which refusals had a reason. The messages to webhook endpoints are checked against the same.
//!
//! It is pure. The load, and the reading of the final state, are in [`workload`](crate::workload).

mod breach;
mod coverage;
mod deliveries;
mod end;
mod exchanges;
mod facts;
mod history;
mod known;
mod receipts;
mod refusals;
mod replay;
mod responses;
mod status;
mod times;
mod window;

pub use breach::{Breach, Violation};
pub use coverage::Coverage;
pub use history::{
    Answer, EndEvent, EndRegistration, Entry, EventView, FinalResponse, History, Hours, Kind,
    Operation, Record, RegistrationView, Request, Timing, TokenMark,
};
pub use receipts::{Endpoint, Message, MessageData, MessageStatus, MessageType, Receipt};
pub(crate) use refusals::named;
pub use status::{Actor, Status};

use deliveries::Truth;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use uuid::Uuid;

/// How many breaches of one rule are printed in full.
const EXAMPLES_MAX: usize = 3;

/// The verdict on a history.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Verdict {
    /// The tries that were judged.
    pub operations: usize,
    /// The events.
    pub events: usize,
    /// The changes that were replayed.
    pub changes: usize,
    /// The webhook messages that were judged, duplicates included.
    pub messages: usize,
    /// How often each transition, answer and refusal occurred.
    pub coverage: Coverage,
    /// Every breach.
    pub violations: Vec<Violation>,
}

impl Verdict {
    /// Whether no rule was broken.
    pub fn is_clean(&self) -> bool {
        self.violations.is_empty()
    }

    /// How often a rule was broken.
    pub fn count(&self, rule: &str) -> usize {
        self.violations.iter().filter(|violation| violation.breach.rule() == rule).count()
    }

    /// The same without breaches of `rule`, where the load itself makes those correct.
    #[must_use]
    pub fn permitting(mut self, rule: &str) -> Self {
        self.violations.retain(|violation| violation.breach.rule() != rule);
        self
    }
}

/// Judges a history.
pub fn judge(history: &History) -> Verdict {
    let mut verdict = Verdict { operations: history.operations.len(), ..Verdict::default() };
    let mut cases: BTreeMap<Uuid, Case<'_>> = BTreeMap::new();
    for operation in &history.operations {
        cases.entry(operation.event_id).or_default().operations.push(operation);
    }
    for event in &history.events {
        let case = cases.entry(event.id).or_default();
        if case.end.replace(event).is_some() {
            let breach = Breach::ListedTwice { id: event.id };
            verdict.violations.push(Violation { event_id: event.id, breach });
        }
    }
    for row in &history.registrations {
        cases.entry(row.event_id).or_default().rows.push(row);
    }
    deliveries::check_ids(&history.receipts, &mut verdict.violations);
    for receipt in &history.receipts {
        if let Some(message) = &receipt.message
            && let Some(case) = cases.get_mut(&message.data.event_id)
        {
            case.receipts.push(receipt);
        } else {
            // The owner of the endpoints may have had events before.
            verdict.coverage.count("message: of no event of the run");
        }
    }
    verdict.messages = history.receipts.len();
    for (event_id, case) in cases {
        verdict.events += 1;
        let mut breaches = Vec::new();
        verdict.changes += case.judge(&history.endpoints, &mut breaches, &mut verdict.coverage);
        let at = |breach| Violation { event_id, breach };
        verdict.violations.extend(breaches.into_iter().map(at));
    }
    verdict
}

/// Everything known of one event.
#[derive(Default)]
struct Case<'a> {
    operations: Vec<&'a Operation>,
    end: Option<&'a EndEvent>,
    rows: Vec<&'a EndRegistration>,
    receipts: Vec<&'a Receipt>,
}

impl Case<'_> {
    /// Adds its breaches; returns the number of changes.
    fn judge(
        &self,
        endpoints: &[Endpoint],
        breaches: &mut Vec<Breach>,
        coverage: &mut Coverage,
    ) -> usize {
        let exchanges = exchanges::group(&self.operations, breaches, coverage);
        let facts = facts::collect(&exchanges, &self.rows, breaches);
        let replay = replay::replay(&facts, &exchanges, &self.rows, self.end, breaches, coverage);
        responses::check(&exchanges, &facts, &replay, breaches, coverage);
        end::check(&exchanges, &self.rows, self.end, &replay, breaches);
        let truth = Truth { exchanges: &exchanges, facts: &facts, replay: &replay };
        deliveries::check(&self.receipts, endpoints, &truth, breaches, coverage);
        facts.len()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operations, events, changes, messages, coverage, violations } = self;
        writeln!(f, "{operations} requests, {changes} changes of {events} events")?;
        if *messages > 0 {
            writeln!(f, "{messages} messages")?;
        }
        write!(f, "{coverage}")?;
        let mut by_rule: BTreeMap<&str, Vec<&Violation>> = BTreeMap::new();
        for violation in violations {
            by_rule.entry(violation.breach.rule()).or_default().push(violation);
        }
        for (rule, broken) in &by_rule {
            writeln!(f, "BROKEN {} times: {rule}", broken.len())?;
            for violation in broken.iter().take(EXAMPLES_MAX) {
                writeln!(f, "  {violation}")?;
            }
        }
        match violations.len() {
            0 => writeln!(f, "every rule held"),
            count => writeln!(f, "{count} violations"),
        }
    }
}
