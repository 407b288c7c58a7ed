//! What is written: each line of the file is one of these, in JSON. `booking-core` says how its registrations,
//! facts and outcomes are written; of what it does not, the shapes are here.

use crate::state::State;
use booking_core::{
    Capacity, Event, EventChange, EventDetails, EventId, EventRules, Fact, FactKind, Fingerprint,
    IdempotencyRecord, KeyHash, Organizer, OrganizerId, OrganizerName, OrganizerToken, Outcome,
    Registration, RegistrationId, SeatCounts, SigningSeed, TicketKey, TokenHash, TokenId, Version,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// One transaction.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Line {
    /// Everything: the first line of a file that was written anew.
    All(State),
    /// An event was put up, or a request to do so was answered.
    PutUp(Option<Box<Event>>, Option<Box<Record>>),
    Batch {
        at: DateTime<Utc>,
        changes: Vec<Change>,
    },
    /// Records are forgotten: of which event, if of any, and under which key.
    Forgotten(Vec<(Option<EventId>, KeyHash)>),
    Adopted(OrganizerId, Vec<EventId>),
    Seed(SigningSeed),
    Shown(DateTime<Utc>, Vec<TicketKey>),
    Token(Token),
    Revoked(TokenId, DateTime<Utc>),
}

impl Line {
    /// Whether something that an earlier line says must not be anywhere afterwards.
    pub(crate) fn erases(&self) -> bool {
        let erased = |fact: &Fact| fact.kind == FactKind::Erased;
        match self {
            Self::Forgotten(_) => true,
            Self::Batch { changes, .. } => changes
                .iter()
                .any(|change| change.purges_records || change.facts.iter().any(erased)),
            _ => false,
        }
    }
}

/// What a batch changes in one event.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Change {
    pub(crate) event_id: EventId,
    #[serde(with = "SeatCountsShape")]
    pub(crate) counts: SeatCounts,
    pub(crate) version: Version,
    pub(crate) due_at: Option<DateTime<Utc>>,
    pub(crate) edited: Option<Edited>,
    pub(crate) rows: Vec<Row>,
    pub(crate) replaced: Vec<RegistrationId>,
    pub(crate) facts: Vec<Fact>,
    pub(crate) purges_records: bool,
    pub(crate) records: Vec<Record>,
}

impl From<EventChange> for Change {
    fn from(change: EventChange) -> Self {
        Self {
            event_id: change.event_id,
            counts: change.counts,
            version: change.version,
            due_at: change.due_at,
            edited: change.edited.map(|edited| Edited {
                details: edited.details,
                capacity: edited.capacity,
                rules: edited.rules,
                details_changed_at: edited.details_changed_at,
                sequence: edited.sequence,
                offers_end_by: edited.offers_end_by,
                cancelled_version: edited.cancelled_version,
                erase_at: edited.erase_at,
                erased_to: edited.erased_to,
            }),
            rows: change.registrations.into_iter().map(Row::from).collect(),
            replaced: change.replaced,
            facts: change.facts,
            purges_records: change.purges_records,
            records: change.records.into_iter().map(Record).collect(),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Edited {
    pub(crate) details: EventDetails,
    pub(crate) capacity: Capacity,
    pub(crate) rules: EventRules,
    pub(crate) details_changed_at: DateTime<Utc>,
    pub(crate) sequence: u32,
    pub(crate) offers_end_by: Option<DateTime<Utc>>,
    pub(crate) cancelled_version: Option<Version>,
    pub(crate) erase_at: Option<DateTime<Utc>>,
    pub(crate) erased_to: Option<Version>,
}

/// A registration. Its token stands beside it: how a registration is written is for those who are told of
/// it, and need not have that.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) registration: Registration,
    pub(crate) token: Option<TokenHash>,
}

impl From<Registration> for Row {
    fn from(registration: Registration) -> Self {
        let token = registration.token_hash;
        // The place in the queue is found when it is asked for.
        Self { registration: Registration { position: None, ..registration }, token }
    }
}

impl Row {
    pub(crate) fn read(&self) -> Registration {
        Registration { token_hash: self.token, ..self.registration.clone() }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Record(#[serde(with = "RecordShape")] pub(crate) IdempotencyRecord);

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Token(#[serde(with = "TokenShape")] pub(crate) OrganizerToken);

#[derive(Serialize, Deserialize)]
#[serde(remote = "SeatCounts")]
pub(crate) struct SeatCountsShape {
    booked: u32,
    held: u32,
    waiting: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "IdempotencyRecord")]
struct RecordShape {
    hash: KeyHash,
    fingerprint: Fingerprint,
    outcome: Outcome,
    recorded_at: DateTime<Utc>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "OrganizerToken")]
struct TokenShape {
    id: TokenId,
    #[serde(with = "OrganizerShape")]
    organizer: Organizer,
    hash: TokenHash,
    created_at: DateTime<Utc>,
    revoked_at: Option<DateTime<Utc>>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Organizer")]
struct OrganizerShape {
    id: OrganizerId,
    name: OrganizerName,
}
