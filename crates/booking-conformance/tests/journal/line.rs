//! The lines: each line of the file is one of these, in JSON. `booking-core` defines how its decisions are serialized.

use crate::state::State;
use booking_conformance::DeliveryTables;
use booking_core::{
    Event, EventChange, EventId, Fact, FactKind, IdempotencyRecord, KeyHash, OrganizerId,
    OrganizerToken, SigningSeed, TicketKey, TokenId,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// One transaction.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Line {
    /// Everything: the first line of a rewritten file.
    All(State),
    /// An event was created, or a request to do so was answered.
    Created(Option<Box<Event>>, Option<Box<IdempotencyRecord>>),
    Batch {
        at: DateTime<Utc>,
        changes: Vec<EventChange>,
    },
    /// Records are deleted: of which event, if of any, and under which key.
    Purged(Vec<(Option<EventId>, KeyHash)>),
    Assigned(OrganizerId, Vec<EventId>),
    Seed(SigningSeed),
    Shown(DateTime<Utc>, Vec<TicketKey>),
    Token(OrganizerToken),
    Revoked(TokenId, DateTime<Utc>),
    /// Delivery has changed: all of its data, as it is then.
    Delivered(Box<DeliveryTables>),
    /// The same where a former holder is deleted.
    FormerHoldersPurged(Box<DeliveryTables>),
    /// The reminders of an event are done.
    Reminded(EventId),
}

impl Line {
    /// Whether data of an earlier line must be gone afterwards.
    pub(crate) fn erases(&self) -> bool {
        let erased = |fact: &Fact| fact.kind == FactKind::Erased;
        match self {
            Self::Purged(_) | Self::FormerHoldersPurged(_) => true,
            Self::Batch { changes, .. } => changes
                .iter()
                .any(|change| change.purges_records || change.facts.iter().any(erased)),
            _ => false,
        }
    }
}
