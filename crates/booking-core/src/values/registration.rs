use crate::{EventId, EventStatus, Person, RegistrationId, TokenHash, Version};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An attendee's claim on a seat of an event, through its whole life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// Its id.
    pub id: RegistrationId,
    /// The event.
    pub event_id: EventId,
    /// The attendee. In JSON its fields are inlined here.
    #[serde(flatten)]
    pub person: Person,
    /// Its status.
    pub status: Status,
    /// When a hold or an offer expires; `None` for all others.
    pub expires_at: Option<DateTime<Utc>>,
    /// The place on the waitlist, 1 for the next; `None` unless it waits.
    pub position: Option<u32>,
    /// The scan that checked the attendee in, and when.
    pub check_in: Option<CheckedIn>,
    /// Raised by whatever voids earlier tickets: a transfer, a cancellation.
    pub generation: u32,
    /// The hash of the attendee's manage token. Not serialized, except by [`Stored`](crate::Stored).
    #[serde(default, skip_serializing)]
    pub token_hash: Option<TokenHash>,
    /// The version of the event that this registration made. Registrations are listed, and the waitlist is served, in
    /// its order.
    pub created_version: Version,
    /// The version of the event that its last change made.
    pub event_version: Version,
    /// The store's time when it was made, to the microsecond.
    pub created_at: DateTime<Utc>,
}

/// The status of a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It has a seat.
    Confirmed,
    /// It has a seat until [`Registration::expires_at`].
    Held,
    /// It waits for a seat.
    Waitlisted,
    /// It waited, and has a seat until [`Registration::expires_at`].
    Offered,
    /// Given up.
    Cancelled,
    /// A hold or an offer that expired.
    Expired,
}

impl Status {
    /// Every status there is.
    pub const ALL: [Self; 6] = [
        Self::Confirmed,
        Self::Held,
        Self::Waitlisted,
        Self::Offered,
        Self::Cancelled,
        Self::Expired,
    ];

    /// Its name, in JSON and in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Held => "held",
            Self::Waitlisted => "waitlisted",
            Self::Offered => "offered",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    /// The status called `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// Whether it keeps its address from registering again.
    pub const fn is_live(self) -> bool {
        self.takes_a_seat() || matches!(self, Self::Waitlisted)
    }

    /// Whether it counts as a seat taken.
    pub const fn takes_a_seat(self) -> bool {
        matches!(self, Self::Confirmed | Self::Held | Self::Offered)
    }

    /// Whether time alone ends it.
    pub const fn runs_out(self) -> bool {
        matches!(self, Self::Held | Self::Offered)
    }
}

/// An attendee's check-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckedIn {
    /// When the ticket was scanned.
    pub at: DateTime<Utc>,
    /// The scan: sent again, the outcome is the earlier success.
    pub scan_id: Uuid,
}

impl Registration {
    /// Whether it has expired at `now`, whatever its row says.
    pub fn has_run_out(&self, now: DateTime<Utc>) -> bool {
        self.status.runs_out() && self.expires_at.is_none_or(|end| end <= now)
    }

    /// Whether its personal data is erased.
    pub fn is_erased(&self) -> bool {
        self.person.is_erased()
    }

    /// Erases its personal data, and the manage token. The seat stays: its history and counts are anonymous.
    pub fn erase(&mut self) {
        self.person = Person::erased(self.id);
        self.token_hash = None;
    }

    /// As it is at `now` for an event in the state `event`: an expired hold is `Expired`, swept or not, and all live
    /// registrations of a cancelled event are `Cancelled`.
    #[must_use]
    pub fn as_of(self, now: DateTime<Utc>, event: EventStatus) -> Self {
        let status = match self.status {
            _ if self.has_run_out(now) => Status::Expired,
            status if event == EventStatus::Cancelled && status.is_live() => Status::Cancelled,
            status => status,
        };
        let ended = status != self.status;
        let position = self.position.filter(|_| !ended);
        let expires_at = self.expires_at.filter(|_| !ended);
        Self { status, position, expires_at, ..self }
    }
}

/// How many registrations of an event are in which state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RegistrationCounts {
    /// Those that are [`Status::Confirmed`].
    pub confirmed: u64,
    /// Those that are [`Status::Held`].
    pub held: u64,
    /// Those that are [`Status::Waitlisted`].
    pub waitlisted: u64,
    /// Those that are [`Status::Offered`].
    pub offered: u64,
    /// Those that are [`Status::Cancelled`].
    pub cancelled: u64,
    /// Those that are [`Status::Expired`].
    pub expired: u64,
    /// Those that were checked in. Each of them is confirmed, unless the event was cancelled since.
    pub checked_in: u64,
}

impl RegistrationCounts {
    /// How many are in that state.
    pub const fn of(&self, status: Status) -> u64 {
        match status {
            Status::Confirmed => self.confirmed,
            Status::Held => self.held,
            Status::Waitlisted => self.waitlisted,
            Status::Offered => self.offered,
            Status::Cancelled => self.cancelled,
            Status::Expired => self.expired,
        }
    }

    /// Counts a registration, as it is now.
    pub fn add(&mut self, registration: &Registration) {
        let count = match registration.status {
            Status::Confirmed => &mut self.confirmed,
            Status::Held => &mut self.held,
            Status::Waitlisted => &mut self.waitlisted,
            Status::Offered => &mut self.offered,
            Status::Cancelled => &mut self.cancelled,
            Status::Expired => &mut self.expired,
        };
        *count += 1;
        self.checked_in += u64::from(registration.check_in.is_some());
    }

    /// The same for rows whose event is in the state `event`: live ones of a cancelled event are cancelled.
    #[must_use]
    pub fn in_event(self, event: EventStatus) -> Self {
        if event != EventStatus::Cancelled {
            return self;
        }
        let live = self.confirmed + self.held + self.waitlisted + self.offered;
        let (cancelled, expired) = (self.cancelled + live, self.expired);
        Self { cancelled, expired, checked_in: self.checked_in, ..Self::default() }
    }

    /// How many a listing has.
    pub fn listed(&self, listed: Listed) -> u64 {
        let is_listed = |status: &Status| listed == Listed::All || status.takes_a_seat();
        Status::ALL.iter().filter(|status| is_listed(status)).map(|status| self.of(*status)).sum()
    }
}

/// Which registrations of an event are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Listed {
    /// Those that have a seat, as [`Event::booked_count`](crate::Event::booked_count) counts them.
    #[default]
    Seated,
    /// All ever made.
    All,
}
