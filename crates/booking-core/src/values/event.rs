use crate::values::time::is_stored;
use crate::{
    Capacity, Contact, Description, EventId, EventName, Invalid, Language, OfferTtl, OrganizerId,
    OrganizerName, RemindHours, Retention, TimeZone, Venue,
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Deref;

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
    /// The store's time when `version` was made, to the microsecond. Together they name one state: a
    /// restored backup makes the same versions again, at other times.
    #[serde(default)]
    pub changed_at: DateTime<Utc>,
    /// The store's time when what people are told of it last changed: its details or its status.
    #[serde(default)]
    pub details_changed_at: DateTime<Utc>,
    /// How often its times, its place or its status have changed (`SEQUENCE` of RFC 5545, section
    /// 3.8.7.4).
    #[serde(default)]
    pub sequence: u32,
    /// Whether it asks something of those who come: see [`ReadStore::questions`](crate::ReadStore::questions).
    #[serde(default)]
    pub asks: bool,
    /// Whether `version` says everything: no hold or offer has run out since it was made. If one has,
    /// `booked_count` shows that already, and `version` will when the next transaction tidies it.
    pub is_settled: bool,
}

/// How full an event is, and what tells who may know: of an [`Event`], what changes with every seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Availability {
    /// Of which event.
    pub event_id: EventId,
    /// See [`Event::organizer_id`].
    pub organizer_id: Option<OrganizerId>,
    /// See [`EventRules::status`].
    pub status: EventStatus,
    /// See [`Event::capacity`].
    pub capacity: Capacity,
    /// See [`Event::booked_count`].
    pub booked_count: u32,
    /// See [`Event::waitlist_count`].
    pub waitlist_count: u32,
    /// See [`Event::version`].
    pub version: Version,
    /// See [`Event::is_settled`].
    pub is_settled: bool,
}

impl From<&Event> for Availability {
    fn from(event: &Event) -> Self {
        Self {
            event_id: event.id,
            organizer_id: event.organizer_id,
            status: event.rules.status,
            capacity: event.capacity,
            booked_count: event.booked_count,
            waitlist_count: event.waitlist_count,
            version: event.version,
            is_settled: event.is_settled,
        }
    }
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
    /// In which language its mails are written.
    #[serde(default)]
    pub language: Language,
    /// How long before it begins those who come are reminded of it; they are not if nothing is said.
    #[serde(default)]
    pub remind_hours: Option<RemindHours>,
    /// Who puts it up, as people are to know them.
    #[serde(default)]
    pub organizer_name: Option<OrganizerName>,
    /// Where people ask about it.
    #[serde(default)]
    pub contact: Option<Contact>,
    /// Whether listings leave it out for those who do not manage it. By its id it is found as any other.
    #[serde(default)]
    pub is_unlisted: bool,
}

impl EventDetails {
    /// An event of which nothing but the name is known.
    pub fn named(name: EventName) -> Self {
        let description = Description::default();
        let (starts_at, ends_at, timezone, venue, retention) = Default::default();
        let (language, remind_hours, organizer_name, contact, is_unlisted) = Default::default();
        Self {
            name,
            description,
            starts_at,
            ends_at,
            timezone,
            venue,
            retention,
            language,
            remind_hours,
            organizer_name,
            contact,
            is_unlisted,
        }
    }

    /// When it begins and ends.
    pub fn times(&self) -> EventTimes {
        EventTimes { starts_at: self.starts_at, ends_at: self.ends_at }
    }

    /// When the personal data of its registrations is to be erased, if ever: `retention` after it is
    /// over, or, if it never is, after it takes no more registrations.
    pub fn erase_at(&self, rules: &EventRules) -> Option<DateTime<Utc>> {
        Some(self.retention?.after(self.times().over_at().or(rules.closes_at)?))
    }

    /// When those who come are to be reminded, if ever: `remind_hours` before it begins, if it is published.
    pub fn remind_at(&self, rules: &EventRules) -> Option<DateTime<Utc>> {
        let at = self.remind_hours?.before(self.starts_at?);
        at.filter(|_| rules.status == EventStatus::Published)
    }

    /// Whether people are told something else than before. For how long their data is kept is no news, nor how
    /// they are written to, nor where the event is listed.
    pub(crate) fn is_told_otherwise_than(&self, before: &Self) -> bool {
        let Self { retention, language, remind_hours, is_unlisted, .. } = *self;
        *self != Self { retention, language, remind_hours, is_unlisted, ..before.clone() }
    }

    /// Whether a calendar would have to tell people to be somewhere else, or at another time.
    pub(crate) fn is_moved_from(&self, before: &Self) -> bool {
        (self.times(), &self.timezone, &self.venue)
            != (before.times(), &before.timezone, &before.venue)
    }

    /// Whether it ends no earlier than it begins.
    pub fn is_in_order(&self) -> bool {
        in_order(self.starts_at, self.ends_at)
    }
}

/// When an event takes place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EventTimes {
    /// See [`EventDetails::starts_at`].
    pub starts_at: Option<DateTime<Utc>>,
    /// See [`EventDetails::ends_at`].
    pub ends_at: Option<DateTime<Utc>>,
}

impl EventTimes {
    /// For how long an event lasts whose end nobody said.
    pub const LASTS: TimeDelta = TimeDelta::hours(24);
    /// Who comes more than so long before the beginning comes early.
    pub const EARLY: TimeDelta = TimeDelta::hours(24);

    /// When it is over: at its end, else 24 hours after its beginning, else never. From then on nobody
    /// gets a seat.
    pub fn over_at(self) -> Option<DateTime<Utc>> {
        let lasts = |starts_at: DateTime<Utc>| starts_at.checked_add_signed(Self::LASTS);
        // One that begins on the last day of all times has no end that could be said.
        self.ends_at.or_else(|| self.starts_at.and_then(lasts).filter(is_stored))
    }

    /// Whether it is over at `now`.
    pub fn is_over(self, now: DateTime<Utc>) -> bool {
        self.over_at().is_some_and(|over_at| over_at <= now)
    }

    /// How an attendee is in time who comes at `at`.
    pub fn timing(self, at: DateTime<Utc>) -> Timing {
        match self.starts_at {
            _ if self.is_over(at) => Timing::Late,
            Some(starts_at) if starts_at - at > Self::EARLY => Timing::Early,
            Some(_) | None => Timing::OnTime,
        }
    }
}

/// How an attendee who is let in is in time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Timing {
    /// More than 24 hours before the event begins.
    Early,
    /// Neither early nor late.
    #[default]
    OnTime,
    /// The event is over.
    Late,
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
    /// How long the head of the queue may take to accept a seat that came free; if there is none, they
    /// are confirmed at once.
    pub offer_ttl: Option<OfferTtl>,
    /// Whether everybody who comes when there is no seat is told just that, also who has one: else
    /// anybody could find out who is registered without leaving a trace.
    #[serde(default)]
    pub conceals_registered: bool,
    /// Whether a visitor's seat is theirs only once the owner of the address has confirmed it by the link of a
    /// mail. A visitor who asks for one hears the same then, whether or not the address is registered.
    #[serde(default)]
    pub confirms_address: bool,
}

impl EventRules {
    /// Whether doors open before they close.
    pub fn is_in_order(&self) -> bool {
        in_order(self.opens_at, self.closes_at)
    }

    /// How long the head of the queue may take to accept a seat that came free; if there is nothing to accept,
    /// they are confirmed at once. Where addresses are confirmed nobody gets a seat unasked: there it is a day if
    /// the event says nothing.
    pub fn accept_within(&self) -> Option<OfferTtl> {
        self.offer_ttl.or_else(|| self.confirms_address.then(OfferTtl::default))
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
            conceals_registered: false,
            confirms_address: false,
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
    /// Cancelled: whatever was registered counts as cancelled.
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

/// An event to be put up, which is in order: it ends no earlier than it begins, and closes no earlier than it
/// opens. The caller chooses the id, so that asking again is safe.
///
/// ```
/// # use booking_core::{Capacity, CapacityMax, EventName, Invalid, NewEvent, parse_instant};
/// # use uuid::Uuid;
/// # let (id, seats) = (Uuid::now_v7().into(), Capacity::parse(30, CapacityMax::default())?);
/// let meetup = NewEvent::new(id, EventName::parse("Rust meetup")?, seats);
/// let (from, to) = (parse_instant("2026-05-01T19:00:00Z")?, parse_instant("2026-05-01T22:00:00Z")?);
/// let meetup = meetup.with(|new| {
///     new.details.starts_at = Some(from);
///     new.details.ends_at = Some(to);
/// })?;
/// assert_eq!(meetup.details.ends_at, Some(to));
///
/// let backwards = meetup.with(|new| new.details.starts_at = Some(to + (to - from)));
/// assert_eq!(backwards, Err(Invalid::OutOfOrder));
/// # Ok::<(), Invalid>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent(NewEventFields);

/// What is said of an event to be put up. Whether it is in order is not known before it is
/// [checked](NewEventFields::check).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEventFields {
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

impl NewEventFields {
    /// Checks that the event is in order.
    ///
    /// # Errors
    /// [`Invalid::OutOfOrder`].
    pub fn check(self) -> Result<NewEvent, Invalid> {
        match self.details.is_in_order() && self.rules.is_in_order() {
            true => Ok(NewEvent(self)),
            false => Err(Invalid::OutOfOrder),
        }
    }
}

impl NewEvent {
    /// An event with `capacity` seats that is open at once to every visitor, and belongs to no organizer.
    pub fn new(id: EventId, name: EventName, capacity: Capacity) -> Self {
        let (details, rules) = (EventDetails::named(name), EventRules::default());
        Self(NewEventFields { id, organizer_id: None, details, capacity, rules })
    }

    /// The same, of which something else is said.
    ///
    /// # Errors
    /// [`Invalid::OutOfOrder`], if it is not in order then.
    pub fn with(self, change: impl FnOnce(&mut NewEventFields)) -> Result<Self, Invalid> {
        let mut fields = self.0;
        change(&mut fields);
        fields.check()
    }

    /// What is said of it, to say something else.
    pub fn into_fields(self) -> NewEventFields {
        self.0
    }

    /// The event as it is when it has just been put up, at `now`, which is to the microsecond.
    pub fn created_at(self, now: DateTime<Utc>) -> Event {
        let NewEventFields { id, organizer_id, details, capacity, rules } = self.0;
        Event {
            id,
            organizer_id,
            details,
            capacity,
            rules,
            booked_count: 0,
            waitlist_count: 0,
            version: Version::FIRST,
            created_at: now,
            changed_at: now,
            details_changed_at: now,
            sequence: 0,
            asks: false,
            is_settled: true,
        }
    }
}

/// To be read, and not changed.
impl Deref for NewEvent {
    type Target = NewEventFields;

    fn deref(&self) -> &NewEventFields {
        &self.0
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CapacityMax;

    #[test]
    fn a_reminder_needs_a_published_event_with_a_start() {
        let starts_at = DateTime::from_timestamp(1_750_000_000, 0);
        let two = RemindHours::parse(2).ok();
        let expected = starts_at.map(|at| at - TimeDelta::hours(2));
        let name = EventName::parse("An event").expect("valid");
        for (starts_at, remind_hours, status, expected) in [
            (starts_at, two, EventStatus::Published, expected),
            (None, two, EventStatus::Published, None),
            (starts_at, None, EventStatus::Published, None),
            (starts_at, two, EventStatus::Draft, None),
            (starts_at, two, EventStatus::Cancelled, None),
        ] {
            let details =
                EventDetails { starts_at, remind_hours, ..EventDetails::named(name.clone()) };
            let rules = EventRules { status, ..EventRules::default() };
            assert_eq!(details.remind_at(&rules), expected, "{status:?}");
        }
    }

    #[test]
    fn events_stored_by_earlier_versions_are_read() {
        let details = r#"{"name":"Jazz","description":"","starts_at":null,"ends_at":null,
            "timezone":null,"venue":null,"retention":null}"#;
        let details: EventDetails = serde_json::from_str(details).expect("it was always read");
        assert_eq!((details.language, details.remind_hours), (Language::En, None));
        assert_eq!((&details.organizer_name, &details.contact), (&None, &None));
        assert!(!details.is_unlisted);
        let rules = r#"{"status":"published","opens_at":null,"closes_at":null,
            "waitlist_enabled":true,"offer_ttl":null,"conceals_registered":true}"#;
        let rules: EventRules = serde_json::from_str(rules).expect("it was always read");
        assert!(!rules.confirms_address);
        assert_eq!(rules.accept_within(), None);
        let rules = EventRules { confirms_address: true, ..rules };
        assert_eq!(rules.accept_within(), Some(OfferTtl::default()));
    }

    #[test]
    fn changing_the_organizer_is_announced_and_changing_the_listing_is_not() {
        let before = EventDetails::named(EventName::parse("An event").expect("valid"));
        let organizer_name = OrganizerName::parse("Jazz Club").ok();
        let contact = Contact::parse("club@jazz.example").ok();
        for (after, is_news) in [
            (EventDetails { organizer_name, ..before.clone() }, true),
            (EventDetails { contact, ..before.clone() }, true),
            (EventDetails { is_unlisted: true, ..before.clone() }, false),
            (before.clone(), false),
        ] {
            assert_eq!(after.is_told_otherwise_than(&before), is_news, "{after:?}");
            assert!(!after.is_moved_from(&before));
        }
    }

    #[test]
    fn a_new_event_ends_after_it_starts() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0);
        let name = EventName::parse("An event").expect("valid");
        let seats = Capacity::parse(1, CapacityMax::default()).expect("valid");
        let new = NewEvent::new(uuid::Uuid::from_u128(1).into(), name, seats);
        for (from, to, is_in_order) in [
            (None, None, true),
            (at(9), None, true),
            (None, at(9), true),
            (at(9), at(9), true),
            (at(8), at(9), true),
            (at(9), at(8), false),
        ] {
            let times = new.clone().with(|new| {
                (new.details.starts_at, new.details.ends_at) = (from, to);
            });
            let doors = new.clone().with(|new| {
                (new.rules.opens_at, new.rules.closes_at) = (from, to);
            });
            for made in [times, doors] {
                assert_eq!(made.is_ok(), is_in_order, "{made:?}");
                let expected = if is_in_order { None } else { Some(Invalid::OutOfOrder) };
                assert_eq!(made.err(), expected);
            }
        }
    }
}
