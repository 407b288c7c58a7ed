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
    /// Its id.
    pub id: EventId,
    /// Its organizer; `None` if it was created where there were no organizers.
    #[serde(default)]
    pub organizer_id: Option<OrganizerId>,
    /// Its public details.
    pub details: EventDetails,
    /// How many seats it has.
    pub capacity: Capacity,
    /// Who may register, and when.
    pub rules: EventRules,
    /// How many seats are taken: by confirmed registrations, and by unexpired holds and offers. Never more than
    /// `capacity`.
    pub booked_count: u32,
    /// How many attendees wait for a seat.
    pub waitlist_count: u32,
    /// The number of its committed changes, its creation included.
    pub version: Version,
    /// The store's time at its creation, to the microsecond.
    pub created_at: DateTime<Utc>,
    /// The store's time when `version` was made, to the microsecond. Together they name one state: a
    /// restored backup makes the same versions again, at other times.
    #[serde(default)]
    pub changed_at: DateTime<Utc>,
    /// The store's time when its public details or its status last changed.
    #[serde(default)]
    pub details_changed_at: DateTime<Utc>,
    /// How often its times, its place or its status have changed (`SEQUENCE` of RFC 5545, section 3.8.7.4).
    #[serde(default)]
    pub sequence: u32,
    /// Whether it has questions: see [`ReadStore::questions`](crate::ReadStore::questions).
    #[serde(default)]
    pub asks: bool,
    /// Whether `version` covers everything: no hold or offer has expired since it was made. If one has, `booked_count`
    /// excludes it already, and `version` changes when the next transaction settles it.
    pub is_settled: bool,
}

/// How full an event is, and who may see it: the fields of an [`Event`] that change with every seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Availability {
    /// The event.
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

/// The public details of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventDetails {
    /// Its name.
    pub name: EventName,
    /// What it is about; possibly empty.
    pub description: Description,
    /// When it starts.
    pub starts_at: Option<DateTime<Utc>>,
    /// When it ends; not before it starts.
    pub ends_at: Option<DateTime<Utc>>,
    /// The time zone in which its times are shown.
    pub timezone: Option<TimeZone>,
    /// Where it takes place.
    pub venue: Option<Venue>,
    /// How long after its end personal data is kept; for ever if `None`.
    #[serde(default)]
    pub retention: Option<Retention>,
    /// The language of its mails.
    #[serde(default)]
    pub language: Language,
    /// How long before its start attendees are reminded; they are not if `None`.
    #[serde(default)]
    pub remind_hours: Option<RemindHours>,
    /// The organizer, as shown to attendees.
    #[serde(default)]
    pub organizer_name: Option<OrganizerName>,
    /// Where to ask about it.
    #[serde(default)]
    pub contact: Option<Contact>,
    /// Whether listings leave it out, except for its managers. By its id it is found as any other.
    #[serde(default)]
    pub is_unlisted: bool,
}

impl EventDetails {
    /// An event with a name and no other details.
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

    /// When the personal data of its registrations is to be erased, if ever: `retention` after it is over, or, if it
    /// never is, after registration closes.
    pub fn erase_at(&self, rules: &EventRules) -> Option<DateTime<Utc>> {
        Some(self.retention?.after(self.times().over_at().or(rules.closes_at)?))
    }

    /// When attendees are to be reminded, if ever: `remind_hours` before it starts, if it is published.
    pub fn remind_at(&self, rules: &EventRules) -> Option<DateTime<Utc>> {
        let at = self.remind_hours?.before(self.starts_at?);
        at.filter(|_| rules.status == EventStatus::Published)
    }

    /// Whether attendees would be told of a change. The retention, the reminder and language settings and the listing
    /// do not count.
    pub(crate) fn differs_publicly_from(&self, before: &Self) -> bool {
        let Self { retention, language, remind_hours, is_unlisted, .. } = *self;
        *self != Self { retention, language, remind_hours, is_unlisted, ..before.clone() }
    }

    /// Whether its time or place changed, as calendars see it.
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
    /// How long an event without an end lasts.
    pub const LASTS: TimeDelta = TimeDelta::hours(24);
    /// An attendee who comes earlier than this before the start is early.
    pub const EARLY: TimeDelta = TimeDelta::hours(24);

    /// When it is over: at its end, else 24 hours after its start, else never. From then on no seat is given out.
    pub fn over_at(self) -> Option<DateTime<Utc>> {
        let lasts = |starts_at: DateTime<Utc>| starts_at.checked_add_signed(Self::LASTS);
        // A start on the last representable day has no representable end.
        self.ends_at.or_else(|| self.starts_at.and_then(lasts).filter(is_stored))
    }

    /// Whether it is over at `now`.
    pub fn is_over(self, now: DateTime<Utc>) -> bool {
        self.over_at().is_some_and(|over_at| over_at <= now)
    }

    /// Whether an attendee who comes at `at` is in time.
    pub fn timing(self, at: DateTime<Utc>) -> Timing {
        match self.starts_at {
            _ if self.is_over(at) => Timing::Late,
            Some(starts_at) if starts_at - at > Self::EARLY => Timing::Early,
            Some(_) | None => Timing::OnTime,
        }
    }
}

/// Whether an attendee who is checked in is in time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Timing {
    /// More than 24 hours before the start.
    Early,
    /// Neither early nor late.
    #[default]
    OnTime,
    /// The event is over.
    Late,
}

/// Who may register for an event, and when. The store's clock decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRules {
    /// Whether it is open for registration at all.
    pub status: EventStatus,
    /// Registration opens at this instant; at once if `None`.
    pub opens_at: Option<DateTime<Utc>>,
    /// Registration closes at this instant; after `opens_at`.
    pub closes_at: Option<DateTime<Utc>>,
    /// Whether attendees may join the waitlist when there is no seat. Those on it already are served anyway.
    pub waitlist_enabled: bool,
    /// How long the head of the waitlist may take to accept a freed seat; if `None`, they are confirmed at once.
    pub offer_ttl: Option<OfferTtl>,
    /// Whether a full event reports "sold out" also to registered attendees: otherwise a visitor could find out who is
    /// registered without leaving a trace.
    #[serde(default)]
    pub conceals_registered: bool,
    /// Whether a visitor's seat must be confirmed by the owner of the address, through a mailed link. A visitor then
    /// gets the same answer, whether or not the address is registered.
    #[serde(default)]
    pub confirms_address: bool,
}

impl EventRules {
    /// Whether it opens before it closes.
    pub fn is_in_order(&self) -> bool {
        in_order(self.opens_at, self.closes_at)
    }

    /// How long the head of the waitlist may take to accept a freed seat; if `None`, they are confirmed at once. Where
    /// addresses are confirmed, every seat has to be accepted: there the default is a day.
    pub fn accept_within(&self) -> Option<OfferTtl> {
        self.offer_ttl.or_else(|| self.confirms_address.then(OfferTtl::default))
    }

    /// Whether registration is open at `now`.
    pub fn is_open(&self, now: DateTime<Utc>) -> bool {
        self.status == EventStatus::Published
            && self.opens_at.is_none_or(|opens| now >= opens)
            && self.closes_at.is_none_or(|closes| now < closes)
    }
}

impl Default for EventRules {
    /// Published, always open, with a waitlist whose offers last a day.
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

/// The state of an event. It goes from draft to published to cancelled, and never back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventStatus {
    /// Not open yet.
    Draft,
    /// Open, within its hours.
    Published,
    /// Cancelled: all registrations count as cancelled.
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

/// A valid event to be created: it ends no earlier than it starts, and closes no earlier than it opens. The caller
/// chooses the id, so that the request can be repeated.
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

/// The fields of an event to be created. Whether they are valid is known once they are
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
    /// Checks that the times are in order.
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

    /// The same, with changed fields.
    ///
    /// # Errors
    /// [`Invalid::OutOfOrder`], if the times are not in order then.
    pub fn with(self, change: impl FnOnce(&mut NewEventFields)) -> Result<Self, Invalid> {
        let mut fields = self.0;
        change(&mut fields);
        fields.check()
    }

    /// Its fields, to be changed.
    pub fn into_fields(self) -> NewEventFields {
        self.0
    }

    /// The event as it is when it was just created, at `now`, which is to the microsecond.
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

/// Read-only access.
impl Deref for NewEvent {
    type Target = NewEventFields;

    fn deref(&self) -> &NewEventFields {
        &self.0
    }
}

/// The number of a change in the one order of an event's changes: the first is 1, and every committed change raises it
/// by one under the event's lock.
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
            assert_eq!(after.differs_publicly_from(&before), is_news, "{after:?}");
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
