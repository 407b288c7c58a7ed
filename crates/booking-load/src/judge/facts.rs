//! The changes of one event, by version.

use super::breach::Breach;
use super::exchanges::Exchange;
use super::history::{EndRegistration, Kind, Request};
use super::status::Actor;
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// A change.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fact {
    pub(super) kind: Kind,
    /// `None` if the event itself changed.
    pub(super) registration: Option<Uuid>,
    /// `None` where it is known only from an answer.
    pub(super) actor: Option<Actor>,
    /// By the store's clock, if the server was asked for it.
    pub(super) recorded_at: Option<DateTime<Utc>>,
    /// The request that made it, if it is an edit.
    pub(super) edit: Option<usize>,
}

impl Fact {
    fn of_event(kind: Kind, edit: Option<usize>) -> Self {
        Self { kind, registration: None, actor: None, recorded_at: None, edit }
    }

    /// Whether it gave a seat to a waitlisted registration.
    pub(super) fn is_serving(&self) -> bool {
        self.actor == Some(Actor::System) && matches!(self.kind, Kind::Offered | Kind::Confirmed)
    }
}

pub(super) type Facts = BTreeMap<u64, Fact>;

/// Collects the changes from registrations' histories and from answers.
pub(super) fn collect(
    exchanges: &[Exchange<'_>],
    rows: &[&EndRegistration],
    breaches: &mut Vec<Breach>,
) -> Facts {
    let mut facts = Facts::from([(1, Fact::of_event(Kind::EventCreated, None))]);
    let from_answers = changes_from_answers(exchanges, rows);
    for row in rows {
        let id = row.shown.id;
        for entry in row.history.iter().flatten() {
            let fact = match entry.kind {
                Kind::EventCancelled => Fact::of_event(entry.kind, None),
                kind => Fact {
                    kind,
                    registration: Some(id),
                    actor: Some(entry.actor),
                    recorded_at: Some(entry.recorded_at),
                    edit: None,
                },
            };
            insert(&mut facts, entry.version, fact, breaches);
        }
        for &(version, kind) in from_answers.get(&id).into_iter().flatten() {
            let registration = Some(id);
            let fact = Fact { kind, registration, actor: None, recorded_at: None, edit: None };
            insert(&mut facts, version, fact, breaches);
        }
    }
    insert_edits(&mut facts, exchanges, breaches);
    facts
}

fn insert(facts: &mut Facts, version: u64, fact: Fact, breaches: &mut Vec<Breach>) {
    if let Some(there) = facts.insert(version, fact)
        && (there.kind, there.registration) != (fact.kind, fact.registration)
    {
        breaches.push(Breach::VersionTwice { version });
    }
}

/// The changes known only from answers, of registrations without a history.
fn changes_from_answers(
    exchanges: &[Exchange<'_>],
    rows: &[&EndRegistration],
) -> HashMap<Uuid, Vec<(u64, Kind)>> {
    let mut from_answers: HashMap<Uuid, Vec<(u64, Kind)>> = rows
        .iter()
        .filter(|row| row.history.is_none())
        .map(|row| (row.shown.id, Vec::new()))
        .collect();
    let mut note = |exchange: &Exchange<'_>, kind: Kind, is_first: bool| {
        let Some(shown) = exchange.success().and_then(|decided| decided.registration.as_ref())
        else {
            return;
        };
        if let Some(from_answers) = from_answers.get_mut(&shown.id)
            && (is_first || from_answers.iter().all(|(version, _)| *version != shown.event_version))
        {
            from_answers.push((shown.event_version, kind));
        }
    };
    for exchange in exchanges {
        if matches!(exchange.operation.request, Request::Register { .. }) {
            note(exchange, Kind::Registered, true);
        }
    }
    for exchange in exchanges {
        if matches!(exchange.operation.request, Request::Cancel { .. }) {
            note(exchange, Kind::Cancelled, false);
        }
    }
    from_answers
}

/// An edit's answer carries the version of the last seat that it gave out: the edit itself comes before.
fn insert_edits(facts: &mut Facts, exchanges: &[Exchange<'_>], breaches: &mut Vec<Breach>) {
    let mut edits: Vec<(u64, usize, Kind)> = (0..)
        .zip(exchanges)
        .filter_map(|(at, exchange)| {
            let version = exchange.success()?.event.as_ref()?.version;
            match exchange.operation.request {
                Request::Edit { .. } => Some((version, at, Kind::EventEdited)),
                Request::CancelEvent => Some((version, at, Kind::EventCancelled)),
                _ => None,
            }
        })
        .collect();
    edits.sort_by_key(|(version, ..)| *version);
    for (last, at, kind) in edits {
        let mut version = last;
        while kind == Kind::EventEdited && facts.get(&version).is_some_and(Fact::is_serving) {
            version -= 1;
        }
        match facts.get(&version) {
            None => drop(facts.insert(version, Fact::of_event(kind, Some(at)))),
            // A second cancellation changes nothing.
            Some(there) if there.kind == kind && kind == Kind::EventCancelled => {}
            Some(there) if there.kind == kind => breaches.push(Breach::VersionTwice { version }),
            Some(_) => breaches.push(Breach::EditLost { version: last }),
        }
    }
}
