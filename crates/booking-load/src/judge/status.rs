//! Statuses of registrations, and who changes them.

use serde::{Deserialize, Serialize};

/// The status of a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are those of the contract")]
pub enum Status {
    Confirmed,
    Held,
    Waitlisted,
    Offered,
    Cancelled,
    Expired,
}

impl Status {
    /// Whether it takes a seat.
    pub fn has_seat(self) -> bool {
        matches!(self, Self::Confirmed | Self::Held | Self::Offered)
    }

    /// Whether its address may not register again.
    pub fn is_live(self) -> bool {
        self.has_seat() || self == Self::Waitlisted
    }
}

/// The author of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are those of the contract")]
pub enum Actor {
    Attendee,
    Organizer,
    System,
}
