use crate::decide::stored;
use crate::{
    Capacity, EventDetails, EventId, EventRules, Fact, FactKind, IdempotencyRecord, Person,
    Questions, Registration, RegistrationId, SeatCounts, Version,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What one batch changes in one event: all of it is written, or none. It can be serialized for a store that keeps a
/// log of changes; token hashes are included.
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
    /// Other changes of the event's row.
    pub edited: Option<Box<EditedEvent>>,
    /// All its current and retired questions, if they changed.
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
    /// Attendees whose seats were transferred, for the mails that notify them. Those of registrations that are
    /// [erased](Self::erased) are deleted before these are stored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_holders: Vec<FormerHolder>,
    /// Whether all idempotency records of the event are deleted, before `records` are stored.
    pub purges_records: bool,
    /// The new idempotency records. An existing record with the same key has expired.
    pub records: Vec<IdempotencyRecord>,
}

impl EventChange {
    /// The version of the event that this was decided upon. A store writes the change to no other.
    pub fn decided_upon(&self) -> Version {
        Version::new(self.version.get() - self.facts.len() as u64)
    }

    /// The version that the first of `facts` made, or would have made.
    pub fn first_version(&self) -> Version {
        self.decided_upon().next()
    }

    /// The facts that need to be stored: all or, if each is a seat that was given at once, none. Those can be read back
    /// from the registrations: the one with the same [`created_version`](Registration::created_version) was made by
    /// [`Fact::of_seat`] at its `created_at`, if no stored fact made that version.
    pub fn facts_to_store(&self) -> &[Fact] {
        if self.facts.iter().all(Fact::is_of_seat) { &[] } else { &self.facts }
    }

    /// The registrations whose personal data is erased; the [former holders](crate::DeliveryStore::former_holder) of
    /// them are erased too.
    pub fn erased(&self) -> impl Iterator<Item = RegistrationId> {
        let erased = self.facts.iter().filter(|fact| fact.kind == FactKind::Erased);
        erased.filter_map(|fact| fact.registration_id)
    }
}

/// A former holder: an attendee whose seat was transferred to another. All that is left of them, since the registration
/// is now the other's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormerHolder {
    /// The registration that was theirs.
    pub registration_id: RegistrationId,
    /// The version of the event that transferred it.
    pub version: Version,
    /// The attendee, with the address in its canonical spelling.
    pub person: Person,
}

/// An event whose row changed in more than its counts.
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
    /// Stored offers that last longer than this end at this time instead, before `registrations` are written: the event
    /// is over then. `None` if no offer can last longer.
    pub offers_end_by: Option<DateTime<Utc>>,
    /// The version that cancelled the event, if one did.
    pub cancelled_version: Option<Version>,
    /// When personal data of the event is next due to be erased; `None` if never, or if all of it is.
    pub erase_at: Option<DateTime<Utc>>,
    /// When attendees are to be reminded; `None` if never, or if they were, or if it was too late for that when the
    /// event was moved.
    #[serde(default)]
    pub remind_at: Option<DateTime<Utc>>,
    /// Every registration made by this version or an earlier one is erased. `None` if unchanged.
    pub erased_to: Option<Version>,
    /// See [`Event::asks`](crate::Event::asks).
    #[serde(default)]
    pub asks: bool,
}
