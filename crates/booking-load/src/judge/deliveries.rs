//! Checks webhook messages against what happened: each endpoint gets each change, in the order of versions, as it
//! was, not before it was committed, and again only under the same id.

use super::breach::{Breach, Violation};
use super::coverage::Coverage;
use super::exchanges::Exchange;
use super::facts::{Fact, Facts};
use super::history::{Kind, Request};
use super::receipts::{Endpoint, Message, MessageStatus, MessageType, Receipt};
use super::replay::Replay;
use super::status::Actor;
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// Checks that a message has one id, and an id one message, wherever and however often it was sent; and that
/// everything received is a message.
pub(super) fn check_ids(receipts: &[Receipt], violations: &mut Vec<Violation>) {
    let mut ids: HashMap<(Uuid, u64), &str> = HashMap::new();
    let mut named: HashMap<&str, (Uuid, u64)> = HashMap::new();
    for receipt in receipts {
        let endpoint = receipt.endpoint;
        let Some(Message { data, .. }) = &receipt.message else {
            let breach = Breach::MessageUnreadable { endpoint, message_id: receipt.id.clone() };
            violations.push(Violation { event_id: Uuid::nil(), breach });
            continue;
        };
        let (event_id, version) = (data.event_id, data.version);
        let id = *ids.entry((event_id, version)).or_insert(&receipt.id);
        let of = *named.entry(&receipt.id).or_insert((event_id, version));
        if id != receipt.id || of != (event_id, version) {
            let message_id = receipt.id.clone();
            let breach = Breach::MessageUnderAnotherId { endpoint, version, message_id };
            violations.push(Violation { event_id, breach });
        }
    }
}

/// What is known of an event, to check messages against.
pub(super) struct Truth<'a> {
    pub(super) exchanges: &'a [Exchange<'a>],
    pub(super) facts: &'a Facts,
    pub(super) replay: &'a Replay,
}

/// Checks the messages of one event.
pub(super) fn check(
    receipts: &[&Receipt],
    endpoints: &[Endpoint],
    truth: &Truth<'_>,
    breaches: &mut Vec<Breach>,
    coverage: &mut Coverage,
) {
    let asked_at = truth.asked_at();
    let mut by_endpoint: BTreeMap<Uuid, Vec<(&Receipt, u64)>> = BTreeMap::new();
    for &receipt in receipts {
        let Some(message) = &receipt.message else { continue };
        coverage.count(delivery_name(message.r#type));
        truth.check_content(receipt, message, &asked_at, breaches);
        by_endpoint.entry(receipt.endpoint).or_default().push((receipt, message.data.version));
    }
    for endpoint in endpoints {
        let mut received = by_endpoint.remove(&endpoint.id).unwrap_or_default();
        received.sort_by_key(|(receipt, _)| receipt.received_at);
        check_order(endpoint, &received, truth.last(), breaches, coverage);
    }
}

/// No message comes before all older ones were acknowledged; and none is missing at the end.
fn check_order(
    endpoint: &Endpoint,
    received: &[(&Receipt, u64)],
    last: u64,
    breaches: &mut Vec<Breach>,
    coverage: &mut Coverage,
) {
    let count = usize::try_from(last).expect("there is a state of each version in memory");
    let mut taken = vec![false; count + 1];
    // Such a change has no message.
    taken[0] = true;
    for (receipt, version) in received {
        let Some(at) = usize::try_from(*version).ok().filter(|at| (1..=count).contains(at)) else {
            continue;
        };
        if !receipt.is_accepted {
            coverage.count("message: not taken");
        }
        if taken[at] {
            coverage.count("message: again");
        } else if !taken[at - 1] {
            let (endpoint, version) = (endpoint.id, *version);
            breaches.push(Breach::MessageOutOfOrder { endpoint, version });
        }
        taken[at] |= receipt.is_accepted;
    }
    if endpoint.is_complete {
        let lost = (0..).zip(&taken).filter(|(_, is_taken)| !**is_taken);
        let endpoint = endpoint.id;
        breaches.extend(lost.map(|(version, _)| Breach::MessageLost { endpoint, version }));
    }
}

impl Truth<'_> {
    /// The newest version.
    fn last(&self) -> u64 {
        self.replay.counts.len() as u64 - 1
    }

    /// When the change of a version was requested, if a client requested it: time and the queue make changes, too.
    fn asked_at(&self) -> HashMap<u64, u64> {
        let mut asked_at = HashMap::new();
        let edits = self.facts.iter().filter_map(|(version, fact)| Some((*version, fact.edit?)));
        asked_at.extend(edits.map(|(version, at)| (version, self.exchanges[at].invoked_at)));
        for exchange in self.exchanges {
            let looks = matches!(exchange.operation.request, Request::Visit { .. } | Request::Read);
            let shown = exchange.success().and_then(|decided| decided.registration.as_ref());
            let Some(shown) = shown.filter(|_| !looks) else { continue };
            let is_of_it = |fact: &&Fact| {
                fact.registration == Some(shown.id) && fact.actor != Some(Actor::System)
            };
            if self.facts.get(&shown.event_version).filter(is_of_it).is_some() {
                // A request for what was already so got the same version.
                let first = asked_at.entry(shown.event_version).or_insert(exchange.invoked_at);
                *first = exchange.invoked_at.min(*first);
            }
        }
        asked_at
    }

    fn check_content(
        &self,
        receipt: &Receipt,
        message: &Message,
        asked_at: &HashMap<u64, u64>,
        breaches: &mut Vec<Breach>,
    ) {
        let (endpoint, version) = (receipt.endpoint, message.data.version);
        if !receipt.is_signed {
            breaches.push(Breach::MessageUnsigned { endpoint, version });
        }
        let is_early = receipt.seen_version.is_some_and(|seen| seen < version)
            || asked_at.get(&version).is_some_and(|asked_at| receipt.received_at < *asked_at);
        if is_early {
            breaches.push(Breach::MessageBeforeCommit { endpoint, version });
        }
        let Some(fact) = self.facts.get(&version) else {
            // A missing change is a breach already.
            if version == 0 || version > self.last() {
                breaches.push(Breach::MessageOfNothing { endpoint, version });
            }
            return;
        };
        let data = &message.data;
        for (what, is_so) in [
            ("type", message.r#type == type_of(fact.kind)),
            ("registration_id", data.registration_id == fact.registration),
            ("status", self.is_status(fact, version, data.status)),
            ("actor", fact.actor.is_none_or(|actor| actor == data.actor)),
            ("timestamp", fact.recorded_at.is_none_or(|at| at == message.timestamp)),
        ] {
            if !is_so {
                breaches.push(Breach::MessageDiffers { endpoint, version, what });
            }
        }
    }

    /// Whether a message has the status after `fact`. A correction's fact does not determine it, and an edit's
    /// message may show the status at the time of sending.
    fn is_status(&self, fact: &Fact, version: u64, sent: Option<MessageStatus>) -> bool {
        let Some(id) = fact.registration else {
            return match fact.kind {
                Kind::EventCancelled => sent == Some(MessageStatus::Cancelled),
                Kind::EventEdited if self.replay.cancelled_at.is_some() => {
                    matches!(sent, Some(MessageStatus::Published | MessageStatus::Cancelled))
                }
                _ => sent == Some(MessageStatus::Published),
            };
        };
        let Some(sent) = sent else {
            return matches!(fact.kind, Kind::Corrected | Kind::LinkRenewed);
        };
        let moments = self.replay.people.get(&id).map_or(&[][..], Vec::as_slice);
        let at = moments.binary_search_by_key(&version, |moment| moment.version);
        // An invalid transition is a breach already, and no moment.
        at.ok().is_none_or(|at| sent == MessageStatus::from(moments[at].status))
    }
}

/// The message type of a change.
fn type_of(kind: Kind) -> MessageType {
    match kind {
        Kind::EventCreated => MessageType::EventPublished,
        Kind::EventEdited => MessageType::EventChanged,
        Kind::EventCancelled => MessageType::EventCancelled,
        Kind::Registered | Kind::Confirmed => MessageType::Confirmed,
        Kind::Held => MessageType::Held,
        Kind::Waitlisted => MessageType::Waitlisted,
        Kind::Offered => MessageType::Offered,
        Kind::Expired => MessageType::Expired,
        Kind::Cancelled => MessageType::Cancelled,
        Kind::Transferred => MessageType::Transferred,
        Kind::Corrected | Kind::LinkRenewed => MessageType::Changed,
        Kind::CheckedIn => MessageType::CheckedIn,
        Kind::CheckInUndone => MessageType::CheckInUndone,
    }
}

/// The name under which its delivery is counted.
fn delivery_name(r#type: MessageType) -> &'static str {
    match r#type {
        MessageType::Confirmed => "message: registration.confirmed",
        MessageType::Held => "message: registration.held",
        MessageType::Waitlisted => "message: registration.waitlisted",
        MessageType::Offered => "message: registration.offered",
        MessageType::Expired => "message: registration.expired",
        MessageType::Cancelled => "message: registration.cancelled",
        MessageType::Transferred => "message: registration.transferred",
        MessageType::CheckedIn => "message: registration.checked_in",
        MessageType::CheckInUndone => "message: registration.check_in_undone",
        MessageType::Changed => "message: registration.changed",
        MessageType::EventPublished => "message: event.published",
        MessageType::EventChanged => "message: event.changed",
        MessageType::EventCancelled => "message: event.cancelled",
    }
}
