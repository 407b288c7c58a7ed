use crate::{Capacity, Description, EventId, EventName};
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::fmt;

/// An event as it was in one committed state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    /// Its name for programs.
    pub id: EventId,
    /// Its name for people.
    pub name: EventName,
    /// What it is about; possibly empty.
    pub description: Description,
    /// How many seats it has.
    pub capacity: Capacity,
    /// How many of them are taken. Never more than `capacity`, and always what counting the live
    /// registrations gives.
    pub booked_count: u32,
    /// The number of its committed changes, its creation included.
    pub version: Version,
    /// The store's time at its creation, to the microsecond.
    pub created_at: DateTime<Utc>,
}

/// An event to be put up. The caller chooses the id, so that asking again is safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// See [`Event::id`].
    pub id: EventId,
    /// See [`Event::name`].
    pub name: EventName,
    /// See [`Event::description`].
    pub description: Description,
    /// See [`Event::capacity`].
    pub capacity: Capacity,
}

/// Where a change stands in the one true order of an event's changes: the first is 1, and every
/// committed change raises it by one under the event's lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Version(u64);

impl Version {
    /// The version that an event's creation makes.
    pub const FIRST: Self = Self(1);

    /// Version number `number`, as a store kept it.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The version that the next change makes.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The version as a number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
