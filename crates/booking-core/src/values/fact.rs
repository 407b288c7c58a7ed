use crate::{EventStatus, RecordedFact, RegistrationId, Version};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Something that happened to an event; each made one version of it. Facts are written in the transaction that made
/// them true, and side effects follow from them. They contain ids and no personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// What happened.
    pub kind: FactKind,
    /// The registration; `None` if it was the event itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration_id: Option<RegistrationId>,
    /// The actor.
    #[serde(default, skip_serializing_if = "Actor::is_attendee")]
    pub actor: Actor,
    /// The version that the previous fact about the same registration made, so that its history can be followed
    /// backwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Version>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactKind {
    /// The event was created, open for registration at once.
    EventCreated,
    /// The event was created as a draft. Stores written by earlier versions have [`EventCreated`](Self::EventCreated)
    /// for drafts, too.
    EventDrafted,
    /// The event, until then a draft, was published.
    EventPublished,
    /// The event's times, its time zone or its place were changed, and possibly more: attendees have to be there at
    /// another time, or elsewhere.
    EventMoved,
    /// The event was changed otherwise.
    EventEdited,
    /// The event was cancelled, and with it all registrations.
    EventCancelled,
    /// A seat was given at once.
    Registered,
    /// A seat is held.
    Held,
    /// An attendee joined the waitlist.
    Waitlisted,
    /// A hold, an offer or a waitlist place became a seat.
    Confirmed,
    /// A freed seat was offered to a waiting attendee.
    Offered,
    /// A hold or an offer expired.
    Expired,
    /// It was cancelled.
    Cancelled,
    /// The seat was transferred to another attendee.
    Transferred,
    /// The attendee's name or address was corrected.
    Corrected,
    /// The attendee was given a new token.
    LinkRenewed,
    /// The attendee was checked in.
    CheckedIn,
    /// The check-in was undone.
    CheckInUndone,
    /// Its personal data was erased.
    Erased,
}

impl FactKind {
    /// Its name, in JSON and in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EventCreated => "event_created",
            Self::EventDrafted => "event_drafted",
            Self::EventPublished => "event_published",
            Self::EventMoved => "event_moved",
            Self::EventEdited => "event_edited",
            Self::EventCancelled => "event_cancelled",
            Self::Registered => "registered",
            Self::Held => "held",
            Self::Waitlisted => "waitlisted",
            Self::Confirmed => "confirmed",
            Self::Offered => "offered",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Transferred => "transferred",
            Self::Corrected => "corrected",
            Self::LinkRenewed => "link_renewed",
            Self::CheckedIn => "checked_in",
            Self::CheckInUndone => "check_in_undone",
            Self::Erased => "erased",
        }
    }
}

/// The actor of a fact.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// The person who registers or is registered.
    #[default]
    Attendee,
    /// The organizer of the event.
    Organizer,
    /// Time alone, the waitlist moving up, or the operator of the servers.
    System,
}

impl Actor {
    /// Its name, in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Attendee => "attendee",
            Self::Organizer => "organizer",
            Self::System => "system",
        }
    }

    // By reference, as serde requires.
    fn is_attendee(&self) -> bool {
        *self == Self::Attendee
    }
}

impl Fact {
    /// The creation of an event with the state `status`.
    pub const fn of_creation(status: EventStatus) -> Self {
        Self::of_event(match status {
            EventStatus::Draft => FactKind::EventDrafted,
            EventStatus::Published | EventStatus::Cancelled => FactKind::EventCreated,
        })
    }

    /// A seat that was given at once.
    pub const fn of_seat(registration_id: RegistrationId) -> Self {
        Self {
            kind: FactKind::Registered,
            registration_id: Some(registration_id),
            actor: Actor::Attendee,
            previous: None,
        }
    }

    /// Whether it is [that](Self::of_seat): then its registration says all of it.
    pub(crate) fn is_of_seat(&self) -> bool {
        self.registration_id.is_some_and(|id| *self == Self::of_seat(id))
    }

    /// A change of the event itself by its organizer.
    pub const fn of_event(kind: FactKind) -> Self {
        Self { kind, registration_id: None, actor: Actor::Organizer, previous: None }
    }

    /// The same, by another actor.
    #[must_use]
    pub const fn by(self, actor: Actor) -> Self {
        Self { actor, ..self }
    }
}

/// A fact about a registration, as its history lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The version of the event that it made.
    pub version: Version,
    /// The store's time when it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// What happened.
    pub kind: FactKind,
    /// Who made it happen.
    pub actor: Actor,
}

impl From<RecordedFact> for HistoryEntry {
    fn from(RecordedFact { version, recorded_at, fact }: RecordedFact) -> Self {
        Self { version, recorded_at, kind: fact.kind, actor: fact.actor }
    }
}
