use crate::decide::stored;
use crate::{
    Capacity, EventDetails, EventId, EventRules, Fact, FactKind, IdempotencyRecord, Person,
    Questions, Registration, RegistrationId, SeatCounts, Version,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What one batch changes in one event: all of it is written, or none. It can be serialized for a store that
/// keeps what happened, with the hashes of tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventChange {
    /// The event.
    pub event_id: EventId,
    /// Its new counts of seats.
    pub counts: SeatCounts,
    /// Its new version: one more for each of `facts`. [`Event::changed_at`](crate::Event::changed_at) is
    /// then the time of the decision.
    pub version: Version,
    /// See [`EventState::due_at`](crate::EventState::due_at).
    pub due_at: Option<DateTime<Utc>>,
    /// What else is new about it.
    pub edited: Option<Box<EditedEvent>>,
    /// All that it asks and has asked, if that is another than before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub questions: Option<Box<Questions>>,
    /// The registrations that are new or changed, as they are now.
    #[serde(with = "stored::registrations")]
    pub registrations: Vec<Registration>,
    /// Those of them whose rows are there already. These are deleted before `registrations` are
    /// inserted, so that addresses can pass from one row to another in any order.
    pub replaced: Vec<RegistrationId>,
    /// What happened, in the order of the versions that it made; the last made `version`.
    pub facts: Vec<Fact>,
    /// Those whose seats were given to somebody else, for the mails that tell them. Those of registrations that
    /// are [erased](Self::erased) go before they are kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_holders: Vec<FormerHolder>,
    /// Whether everything that was answered under idempotency keys is deleted, before `records` are
    /// kept.
    pub purges_records: bool,
    /// What was answered under idempotency keys. A record that is there already has run out.
    pub records: Vec<IdempotencyRecord>,
}

impl EventChange {
    /// The version that the first of `facts` made, or would have made.
    pub fn first_version(&self) -> Version {
        Version::new(self.version.get() + 1 - self.facts.len() as u64)
    }

    /// The registrations whose personal data is erased, and so is what was kept of
    /// [those who had them before](crate::DeliveryStore::former_holder).
    pub fn erased(&self) -> impl Iterator<Item = RegistrationId> {
        let erased = self.facts.iter().filter(|fact| fact.kind == FactKind::Erased);
        erased.filter_map(|fact| fact.registration_id)
    }
}

/// Somebody who had a seat until it was given to somebody else: all that is left of them, since the registration is of
/// the other from then on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormerHolder {
    /// Which was theirs.
    pub registration_id: RegistrationId,
    /// The version of the event that gave it away.
    pub version: Version,
    /// Who they are, with the address in its canonical spelling.
    pub person: Person,
}

/// An event whose row was changed in more than its counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditedEvent {
    /// See [`Event::details`](crate::Event::details).
    pub details: EventDetails,
    /// See [`Event::capacity`](crate::Event::capacity).
    pub capacity: Capacity,
    /// See [`Event::rules`](crate::Event::rules).
    pub rules: EventRules,
    /// See [`Event::details_changed_at`](crate::Event::details_changed_at).
    pub details_changed_at: DateTime<Utc>,
    /// See [`Event::sequence`](crate::Event::sequence).
    pub sequence: u32,
    /// Offers whose rows are there already end then if they last longer, before `registrations` are
    /// written: the event is over. `None` if none can.
    pub offers_end_by: Option<DateTime<Utc>>,
    /// The version that cancelled the event, if one did.
    pub cancelled_version: Option<Version>,
    /// When there is something to be erased of it; `None` if never, or if everything is.
    pub erase_at: Option<DateTime<Utc>>,
    /// When those who come are to be reminded; `None` if never, or if they were, or if it was too late for that
    /// when the event was moved.
    #[serde(default)]
    pub remind_at: Option<DateTime<Utc>>,
    /// Every registration that this or an earlier version made is erased. `None` if it is as it was.
    pub erased_to: Option<Version>,
    /// See [`Event::asks`](crate::Event::asks).
    #[serde(default)]
    pub asks: bool,
}
