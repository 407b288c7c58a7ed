use crate::{
    Capacity, Description, EventId, EventName, OfferTtl, OrganizerId, Retention, TimeZone, Venue,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;

/// An event as it was in one committed state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its name for programs.
    pub id: EventId,
    /// Whose it is; nobody's if it was put up where there were no organizers.
    #[serde(default)]
    pub organizer_id: Option<OrganizerId>,
    /// What people are told of it.
    pub details: EventDetails,
    /// How many seats it has.
    pub capacity: Capacity,
    /// Who may register, and when.
    pub rules: EventRules,
    /// How many seats are taken: by confirmed registrations, and by holds and offers that have not run
    /// out. Never more than `capacity`.
    pub booked_count: u32,
    /// How many people wait for a seat.
    pub waitlist_count: u32,
    /// The number of its committed changes, its creation included.
    pub version: Version,
    /// The store's time at its creation, to the microsecond.
    pub created_at: DateTime<Utc>,
    /// Whether `version` says everything: no hold or offer has run out since it was made. If one has,
    /// `booked_count` shows that already, and `version` will when the next transaction tidies it.
    pub is_settled: bool,
}

/// What people are told of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventDetails {
    /// Its name for people.
    pub name: EventName,
    /// What it is about; possibly empty.
    pub description: Description,
    /// When it begins.
    pub starts_at: Option<DateTime<Utc>>,
    /// When it ends; not before it begins.
    pub ends_at: Option<DateTime<Utc>>,
    /// In which time zone its times are shown.
    pub timezone: Option<TimeZone>,
    /// Where it takes place.
    pub venue: Option<Venue>,
    /// For how long after its end their personal data is kept; for ever if nothing is said.
    #[serde(default)]
    pub retention: Option<Retention>,
}

impl EventDetails {
    /// An event of which nothing but the name is known.
    pub fn named(name: EventName) -> Self {
        let description = Description::default();
        let (starts_at, ends_at, timezone, venue, retention) = Default::default();
        Self { name, description, starts_at, ends_at, timezone, venue, retention }
    }

    /// When the event is over: at its end, else its beginning, else when it takes no more
    /// registrations. One of which nothing of that is known is never over.
    pub fn over_at(&self, rules: &EventRules) -> Option<DateTime<Utc>> {
        self.ends_at.or(self.starts_at).or(rules.closes_at)
    }

    /// When the personal data of its registrations is to be erased, if ever.
    pub fn erase_at(&self, rules: &EventRules) -> Option<DateTime<Utc>> {
        Some(self.retention?.after(self.over_at(rules)?))
    }

    /// Whether it ends no earlier than it begins.
    pub fn is_in_order(&self) -> bool {
        in_order(self.starts_at, self.ends_at)
    }
}

/// Who may register for an event, and when. The store's clock is what counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRules {
    /// Whether it is open to anybody at all.
    pub status: EventStatus,
    /// From this instant on seats are given; from the beginning if there is none.
    pub opens_at: Option<DateTime<Utc>>,
    /// Before this instant seats are given; after `opens_at`.
    pub closes_at: Option<DateTime<Utc>>,
    /// Whether people may wait for a seat when there is none. Those who wait already are served.
    pub waitlist_enabled: bool,
    /// How long somebody who waited may take to accept a seat that came free; if there is none, they
    /// are confirmed at once.
    pub offer_ttl: Option<OfferTtl>,
}

impl EventRules {
    /// Whether doors open before they close.
    pub fn is_in_order(&self) -> bool {
        in_order(self.opens_at, self.closes_at)
    }

    /// Whether seats are given at `now`.
    pub fn is_open(&self, now: DateTime<Utc>) -> bool {
        self.status == EventStatus::Published
            && self.opens_at.is_none_or(|opens| now >= opens)
            && self.closes_at.is_none_or(|closes| now < closes)
    }
}

impl Default for EventRules {
    /// Published, without hours, with a waitlist whose offers last a day.
    fn default() -> Self {
        Self {
            status: EventStatus::Published,
            opens_at: None,
            closes_at: None,
            waitlist_enabled: true,
            offer_ttl: Some(OfferTtl::default()),
        }
    }
}

fn in_order(from: Option<DateTime<Utc>>, to: Option<DateTime<Utc>>) -> bool {
    from.zip(to).is_none_or(|(from, to)| from <= to)
}

/// What state an event is in. It goes from draft to published to cancelled, and never back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventStatus {
    /// Not open to anybody yet.
    Draft,
    /// Open, within its hours.
    Published,
    /// Called off: whatever was registered counts as cancelled.
    Cancelled,
}

impl EventStatus {
    /// Every status there is.
    pub const ALL: [Self; 3] = [Self::Draft, Self::Published, Self::Cancelled];

    /// Its name, in JSON and in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Published => "published",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status called `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

/// An event to be put up. The caller chooses the id, so that asking again is safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// See [`Event::id`].
    pub id: EventId,
    /// See [`Event::organizer_id`].
    pub organizer_id: Option<OrganizerId>,
    /// See [`Event::details`].
    pub details: EventDetails,
    /// See [`Event::capacity`].
    pub capacity: Capacity,
    /// See [`Event::rules`].
    pub rules: EventRules,
}

impl NewEvent {
    /// An event with `capacity` seats that is open at once to whoever comes, and nobody's.
    pub fn new(id: EventId, name: EventName, capacity: Capacity) -> Self {
        let (details, rules) = (EventDetails::named(name), EventRules::default());
        Self { id, organizer_id: None, details, capacity, rules }
    }

    /// The event as it is when it has just been put up, at `now`, which is to the microsecond.
    pub fn created_at(self, now: DateTime<Utc>) -> Event {
        Event {
            id: self.id,
            organizer_id: self.organizer_id,
            details: self.details,
            capacity: self.capacity,
            rules: self.rules,
            booked_count: 0,
            waitlist_count: 0,
            version: Version::FIRST,
            created_at: now,
            is_settled: true,
        }
    }
}

/// Where a change stands in the one true order of an event's changes: the first is 1, and every
/// committed change raises it by one under the event's lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
