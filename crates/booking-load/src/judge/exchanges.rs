//! Requests with all their answers: all tries under one key are one request.

use super::breach::Breach;
use super::coverage::Coverage;
use super::history::{Answer, FinalResponse, Operation};
use std::collections::HashMap;

/// A request, from its first try to its first decision.
pub(super) struct Exchange<'a> {
    /// What was requested, and of which event.
    pub(super) operation: &'a Operation,
    /// When it was first sent, without tries whose answers said that they did nothing: if one of those did
    /// something after all, that is older than it can be.
    pub(super) invoked_at: u64,
    /// When its first decision arrived; the end of time if there was none.
    pub(super) answered_at: u64,
    pub(super) decided: Option<&'a FinalResponse>,
    /// Whether it may have been done without an answer that said so.
    pub(super) is_open: bool,
}

impl<'a> Exchange<'a> {
    /// The decision, if the request succeeded.
    pub(super) fn success(&self) -> Option<&'a FinalResponse> {
        self.decided.filter(|decided| decided.is_success())
    }
}

/// Groups tries into requests, and reports errors in the answers alone.
pub(super) fn group<'a>(
    operations: &[&'a Operation],
    breaches: &mut Vec<Breach>,
    coverage: &mut Coverage,
) -> Vec<Exchange<'a>> {
    let mut tries: Vec<Vec<&Operation>> = Vec::new();
    let mut by_key: HashMap<&str, usize> = HashMap::new();
    for operation in operations {
        match &operation.key {
            None => tries.push(vec![operation]),
            Some(key) => {
                let at = *by_key.entry(key).or_insert(tries.len());
                if at == tries.len() {
                    tries.push(Vec::new());
                }
                tries[at].push(operation);
            }
        }
    }
    let mut exchanges = Vec::with_capacity(tries.len());
    for mut tries in tries {
        tries.sort_by_key(|operation| operation.invoked_at);
        loop {
            let (of_the_first, later) = split_at_expiry(tries);
            exchanges.push(one(&of_the_first, breaches, coverage));
            match &of_the_first[0].key {
                Some(key) if !later.is_empty() => {
                    breaches.push(Breach::RefusalForgotten { key: key.clone() });
                }
                _ => break,
            }
            tries = later;
        }
    }
    exchanges
}

/// Separates the tries that belong to a refusal from those decided anew once its record had expired, which are a
/// request of their own. A try whose answer was lost may belong to either.
fn split_at_expiry(tries: Vec<&Operation>) -> (Vec<&Operation>, Vec<&Operation>) {
    let decisions = tries.iter().filter_map(|operation| match &operation.answer {
        Answer::Decided(decided) => Some((operation.answered_at, decided)),
        _ => None,
    });
    let first = decisions.min_by_key(|(answered_at, _)| *answered_at);
    let Some((_, refusal)) = first.filter(|(_, decided)| !decided.is_success()) else {
        return (tries, Vec::new());
    };
    let is_new_decision = |operation: &Operation| matches!(&operation.answer, Answer::Decided(again) if !is_same(refusal, again));
    if !tries.iter().any(|operation| is_new_decision(operation)) {
        return (tries, Vec::new());
    }
    let is_lost = |operation: &Operation| matches!(operation.answer, Answer::Unknown { .. });
    let later =
        tries.iter().copied().filter(|operation| is_new_decision(operation) || is_lost(operation));
    let later = later.collect();
    let refused = tries.into_iter().filter(|operation| !is_new_decision(operation)).collect();
    (refused, later)
}

fn one<'a>(
    tries: &[&'a Operation],
    breaches: &mut Vec<Breach>,
    coverage: &mut Coverage,
) -> Exchange<'a> {
    let key = tries[0].key.clone();
    let (mut decided, mut answered_at) = (None::<&FinalResponse>, u64::MAX);
    let (mut invoked_at, mut was_unknown) = (None, false);
    for operation in tries {
        match &operation.answer {
            Answer::Undone { status: 500 } => coverage.count("answer: 500"),
            Answer::Undone { .. } => coverage.count("answer: not now"),
            Answer::Unknown { .. } => {
                coverage.count("answer: unknown");
                invoked_at = invoked_at.or(Some(operation.invoked_at));
                was_unknown |= decided.is_none();
            }
            Answer::Decided(again) => {
                if again.replayed {
                    coverage.count("answer: replayed");
                }
                if let (Some(first), Some(key)) = (decided, &key)
                    && !is_same(first, again)
                {
                    breaches.push(Breach::AnsweredTwice { key: key.clone() });
                }
                invoked_at = invoked_at.or(Some(operation.invoked_at));
                // Whichever answer came first: another try may have overtaken it.
                if operation.answered_at < answered_at {
                    (decided, answered_at) = (Some(again), operation.answered_at);
                }
            }
        }
    }
    match (decided, key) {
        (None, Some(key)) if was_unknown => breaches.push(Breach::UnknownLeftOpen { key }),
        (None, Some(key)) => breaches.push(Breach::NeverDecided { key }),
        (Some(_), Some(_)) if was_unknown => coverage.count("unknown, then decided"),
        _ => {}
    }
    let operation = tries[0];
    let is_open = decided.is_none() && was_unknown && operation.key.is_some();
    let invoked_at = invoked_at.unwrap_or(operation.invoked_at);
    Exchange { operation, invoked_at, answered_at, decided, is_open }
}

/// Whether two answers are the same, whichever of them is the replay.
fn is_same(first: &FinalResponse, again: &FinalResponse) -> bool {
    let FinalResponse { status, code, registration, event, replayed: _ } = first;
    (*status, code, registration) == (again.status, &again.code, &again.registration)
        // A change by time alone does not make it another answer.
        && event.as_ref().map(|event| (event.version, event.capacity, event.booked_count))
            == again.event.as_ref().map(|event| (event.version, event.capacity, event.booked_count))
}
