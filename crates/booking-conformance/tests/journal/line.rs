//! What is written: each line of the file is one of these, in JSON. `booking-core` says how what it decides is
//! written.

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
    /// Everything: the first line of a file that was written anew.
    All(State),
    /// An event was put up, or a request to do so was answered.
    PutUp(Option<Box<Event>>, Option<Box<IdempotencyRecord>>),
    Batch {
        at: DateTime<Utc>,
        changes: Vec<EventChange>,
    },
    /// Records are forgotten: of which event, if of any, and under which key.
    Forgotten(Vec<(Option<EventId>, KeyHash)>),
    Assigned(OrganizerId, Vec<EventId>),
    Seed(SigningSeed),
    Shown(DateTime<Utc>, Vec<TicketKey>),
    Token(OrganizerToken),
    Revoked(TokenId, DateTime<Utc>),
    /// Something about what is delivered has changed: all of that, as it is then.
    Delivered(Box<DeliveryTables>),
    /// The same where somebody who has given a seat away is kept no longer.
    Parted(Box<DeliveryTables>),
    /// Nobody is to be reminded of an event any more.
    Reminded(EventId),
}

impl Line {
    /// Whether something that an earlier line says must not be anywhere afterwards.
    pub(crate) fn erases(&self) -> bool {
        let erased = |fact: &Fact| fact.kind == FactKind::Erased;
        match self {
            Self::Forgotten(_) | Self::Parted(_) => true,
            Self::Batch { changes, .. } => changes
                .iter()
                .any(|change| change.purges_records || change.facts.iter().any(erased)),
            _ => false,
        }
    }
}
