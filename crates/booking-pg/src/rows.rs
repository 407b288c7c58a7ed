//! From rows to domain types. Columns go by their place in the statement; those of a registration by their names,
//! since many statements have them.

use crate::error::PgError;
use crate::sql::REGISTRATION;
use booking_core::{
    Answers, Availability, Capacity, CapacityMax, CheckedIn, Contact, Description, EmailAddress,
    Event, EventDetails, EventId, EventName, EventRules, EventState, EventStatus, EventTimes, Fact,
    Fingerprint, HistoryEntry, IdempotencyRecord, Invalid, KeyHash, Language, OfferTtl, Organizer,
    OrganizerId, OrganizerName, OrganizerToken, Outcome, Person, PersonName, Questions,
    Registration, RegistrationCounts, RegistrationId, RemindHours, Retention, Role, SeatCounts,
    SigningSeed, Status, Stored, StoredDetails, TicketKey, TimeZone, TokenHash, Venue, Version,
};
use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

/// A row of `event/lock`. What else belongs to the event comes later.
pub(crate) fn event_state(row: &Row) -> Result<EventState, PgError> {
    let counts = SeatCounts {
        booked: count("booked_count", row.get(2))?,
        held: count("held_count", row.get(3))?,
        waiting: count("waitlist_count", row.get(4))?,
    };
    let state = EventState::new(
        event_id(row, 0),
        organizer_id(row, 14),
        capacity(row.get(1))?,
        counts,
        version("version", row.get(5))?,
        rules(row, 7)?,
        EventTimes { starts_at: row.get(15), ends_at: row.get(16) },
        row.get(6),
    );
    Ok(EventState { asks: row.get(17), ..state })
}

/// Until when nobody changes the event of a row of `event/lock`.
pub(crate) fn frozen_until(row: &Row) -> Option<DateTime<Utc>> {
    row.get(18)
}

/// The version in a column.
pub(crate) fn version_at(row: &Row, at: usize) -> Result<Version, PgError> {
    version("version", row.get(at))
}

/// A row of `question/find`, and the event that it is of.
pub(crate) fn questions(row: &Row) -> Result<(EventId, Questions), PgError> {
    let body = row.get::<_, Option<&str>>(1).map(serde_json::from_str);
    let questions = body.transpose().map_err(unreadable("body"))?;
    Ok((event_id(row, 0), questions.unwrap_or_default()))
}

/// A row of `event/details`.
pub(crate) fn kept_details(row: &Row) -> Result<StoredDetails, PgError> {
    let (details, created_at) = details(row)?;
    Ok(StoredDetails {
        details,
        created_at,
        changed_at: row.get(15),
        details_changed_at: row.get(16),
        sequence: count("sequence", row.get(17))?,
        erase_at: row.get(14),
        remind_at: row.get(18),
    })
}

/// The beginning of a row of `event/details` or `event/find`.
fn details(row: &Row) -> Result<(EventDetails, DateTime<Utc>), PgError> {
    let retention = row.get::<_, Option<i32>>(8).map(|days| Retention::parse(days.into()));
    let timezone = row.get::<_, Option<&str>>(6).map(TimeZone::parse).transpose();
    let venue = row.get::<_, Option<&str>>(7).map(Venue::parse_stored).transpose();
    let remind_hours = row.get::<_, Option<i32>>(10).map(|hours| RemindHours::parse(hours.into()));
    let organizer_name =
        row.get::<_, Option<&str>>(11).map(OrganizerName::parse_stored).transpose();
    let contact = row.get::<_, Option<&str>>(12).map(Contact::parse_stored).transpose();
    let details = EventDetails {
        name: EventName::parse_stored(row.get(2)).map_err(in_column("name"))?,
        description: Description::parse(row.get(3)).map_err(in_column("description"))?,
        starts_at: row.get(4),
        ends_at: row.get(5),
        timezone: timezone.map_err(in_column("timezone"))?,
        venue: venue.map_err(in_column("venue"))?,
        retention: retention.transpose().map_err(in_column("retention_days"))?,
        language: Language::from_name(row.get(9))
            .ok_or(PgError::Unreadable { column: "language" })?,
        remind_hours: remind_hours.transpose().map_err(in_column("remind_hours"))?,
        organizer_name: organizer_name.map_err(in_column("organizer_name"))?,
        contact: contact.map_err(in_column("contact"))?,
        is_unlisted: row.get(13),
    };
    Ok((details, row.get(1)))
}

/// A row of `event/find`, `event/find_due`, `event/list` or `event/list_of`.
pub(crate) fn event(row: &Row) -> Result<Event, PgError> {
    let (details, created_at) = details(row)?;
    Ok(Event {
        id: event_id(row, 0),
        organizer_id: organizer_id(row, 26),
        details,
        capacity: capacity(row.get(14))?,
        rules: rules(row, 16)?,
        booked_count: count("booked_count", row.get(25))?,
        waitlist_count: count("waitlist_count", row.get(23))?,
        version: version("version", row.get(15))?,
        created_at,
        changed_at: row.get(27),
        details_changed_at: row.get(28),
        sequence: count("sequence", row.get(29))?,
        asks: row.get(30),
        is_settled: row.get(24),
    })
}

/// A row of `event/availability`.
pub(crate) fn availability(row: &Row) -> Result<Availability, PgError> {
    Ok(Availability {
        event_id: event_id(row, 0),
        organizer_id: organizer_id(row, 1),
        status: event_status(row, 2)?,
        capacity: capacity(row.get(3))?,
        version: version("version", row.get(4))?,
        booked_count: count("booked_count", row.get(5))?,
        waitlist_count: count("waitlist_count", row.get(6))?,
        is_settled: row.get(7),
    })
}

/// Seven columns from `at` on: status, opens_at, closes_at, waitlist_enabled, offer_ttl_seconds,
/// conceal_registered, confirm_address.
fn rules(row: &Row, at: usize) -> Result<EventRules, PgError> {
    let offer_ttl =
        row.get::<_, Option<i32>>(at + 4).map(|seconds| OfferTtl::parse(seconds.into()));
    Ok(EventRules {
        status: event_status(row, at)?,
        opens_at: row.get(at + 1),
        closes_at: row.get(at + 2),
        waitlist_enabled: row.get(at + 3),
        offer_ttl: offer_ttl.transpose().map_err(in_column("offer_ttl_seconds"))?,
        conceals_registered: row.get(at + 5),
        confirms_address: row.get(at + 6),
    })
}

/// A column with the state of an event.
pub(crate) fn event_status(row: &Row, at: usize) -> Result<EventStatus, PgError> {
    EventStatus::from_name(row.get(at)).ok_or(PgError::Unreadable { column: "status" })
}

/// Where a column of a registration is, found when this is compiled.
macro_rules! at {
    ($column:literal) => {
        const { REGISTRATION.at($column) }
    };
}

/// Who somebody is.
pub(crate) fn person(user_email: &str, name: Option<&str>) -> Result<Person, PgError> {
    let name = name.map(PersonName::parse_stored).transpose();
    Ok(Person {
        user_email: EmailAddress::parse_stored(user_email).map_err(in_column("user_email"))?,
        name: name.map_err(in_column("name"))?,
        answers: Answers::default(),
    })
}

/// A row with the columns of a registration, or the beginning of one. Those who wait get their place in the queue
/// later.
pub(crate) fn registration(row: &Row) -> Result<Registration, PgError> {
    let status = Status::from_name(row.get(at!("status")));
    let check_in = Option::zip(row.get(at!("checked_in_at")), row.get(at!("scan_id")));
    let token_hash = row.get::<_, Option<&[u8]>>(at!("token_hash"));
    let token_hash = token_hash.map(|bytes| bytes32("token_hash", bytes));
    let created_version = version("event_version", row.get(at!("event_version")))?;
    let changed_version = row.get::<_, Option<i64>>(at!("changed_version"));
    let changed_version = changed_version.map(|stored| version("changed_version", stored));
    let mut person = person(row.get(at!("user_email")), row.get(at!("name")))?;
    if let Some(answers) = row.get::<_, Option<&str>>(at!("answers")) {
        person.answers = serde_json::from_str(answers).map_err(unreadable("answers"))?;
    }
    Ok(Registration {
        event_id: event_of_registration(row),
        id: registration_id(row, at!("id")),
        person,
        status: status.ok_or(PgError::Unreadable { column: "status" })?,
        expires_at: row.get(at!("expires_at")),
        position: None,
        check_in: check_in.map(|(at, scan_id)| CheckedIn { at, scan_id }),
        generation: count("generation", row.get(at!("generation")))?,
        token_hash: token_hash.transpose()?.map(TokenHash::new),
        created_version,
        event_version: changed_version.transpose()?.unwrap_or(created_version),
        created_at: row.get(at!("created_at")),
    })
}

/// A row of `registration/counts`.
pub(crate) fn registration_counts(row: &Row) -> Result<RegistrationCounts, PgError> {
    let count = |column: &'static str, at: usize| {
        u64::try_from(row.get::<_, i64>(at)).map_err(unreadable(column))
    };
    // Held or offered, and over: they are expired, swept or not.
    let run_out = count("run_out", 5)?;
    let counts = RegistrationCounts {
        confirmed: count("confirmed", 1)?,
        waitlisted: count("waitlist_count", 2)?,
        held: count("held", 3)?,
        offered: count("offered", 4)?,
        cancelled: count("cancelled", 6)?,
        expired: count("expired", 7)? + run_out,
        checked_in: count("checked_in", 8)?,
    };
    Ok(counts.in_event(event_status(row, 0)?))
}

/// The event of a row with the columns of a registration, whatever else is in it.
pub(crate) fn event_of_registration(row: &Row) -> EventId {
    event_id(row, at!("event_id"))
}

/// A column with a place in a queue, of somebody who waits.
pub(crate) fn position(row: &Row, at: usize) -> Result<Option<u32>, PgError> {
    let position = row.get::<_, Option<i64>>(at).map(u32::try_from);
    position.transpose().map_err(unreadable("position"))
}

/// A row of `record/load`, and the event that it is of.
pub(crate) fn record(row: &Row) -> Result<(EventId, IdempotencyRecord), PgError> {
    let outcome: Stored<Outcome> =
        serde_json::from_str(row.get(4)).map_err(unreadable("outcome"))?;
    let record = IdempotencyRecord {
        hash: KeyHash::new(bytes32("key_hash", row.get(1))?),
        fingerprint: Fingerprint::new(bytes32("fingerprint", row.get(2))?),
        recorded_at: row.get(3),
        outcome: outcome.0,
    };
    Ok((event_id(row, 0), record))
}

/// A row of `registration/history`, whose facts must be about `id` or about its event.
pub(crate) fn history_entry(row: &Row, id: RegistrationId) -> Result<HistoryEntry, PgError> {
    let fact = row.get::<_, Option<&str>>(2).unwrap_or_default();
    let fact: Fact = serde_json::from_str(fact).map_err(unreadable("body"))?;
    if fact.registration_id.is_some_and(|other| other != id) {
        return Err(PgError::Unreadable { column: "body" });
    }
    let Fact { kind, actor, .. } = fact;
    let version = version("version", row.get(0))?;
    Ok(HistoryEntry { version, recorded_at: row.get(1), kind, actor })
}

/// A row of `signing_key/list`.
pub(crate) fn signing_seed(row: &Row) -> Result<SigningSeed, PgError> {
    Ok(SigningSeed::new(bytes32("seed", row.get(0))?))
}

/// A row of `ticket_key/list`.
pub(crate) fn ticket_key(row: &Row) -> Result<TicketKey, PgError> {
    Ok(TicketKey::new(bytes32("public_key", row.get(0))?))
}

/// A row of `token/find` or `token/list`.
pub(crate) fn organizer_token(row: &Row) -> Result<OrganizerToken, PgError> {
    let name = OrganizerName::parse_stored(row.get(2)).map_err(in_column("name"))?;
    let events: Option<Vec<Uuid>> = row.get(7);
    Ok(OrganizerToken {
        id: row.get::<_, Uuid>(0).into(),
        organizer: Organizer::new(row.get::<_, Uuid>(1).into(), name),
        hash: TokenHash::new(bytes32("token_hash", row.get(3))?),
        role: Role::from_name(row.get(6)).ok_or(PgError::Unreadable { column: "role" })?,
        events: events.map(|ids| ids.into_iter().map(EventId::from).collect()),
        created_at: row.get(4),
        revoked_at: row.get(5),
    })
}

fn organizer_id(row: &Row, at: usize) -> Option<OrganizerId> {
    row.get::<_, Option<Uuid>>(at).map(OrganizerId::from)
}

pub(crate) fn event_id(row: &Row, at: usize) -> EventId {
    row.get::<_, Uuid>(at).into()
}

pub(crate) fn registration_id(row: &Row, at: usize) -> RegistrationId {
    row.get::<_, Uuid>(at).into()
}

fn capacity(stored: i32) -> Result<Capacity, PgError> {
    Capacity::parse(stored.into(), CapacityMax::HIGHEST).map_err(in_column("capacity"))
}

pub(crate) fn count(column: &'static str, stored: i32) -> Result<u32, PgError> {
    u32::try_from(stored).map_err(unreadable(column))
}

pub(crate) fn version(column: &'static str, stored: i64) -> Result<Version, PgError> {
    u64::try_from(stored).map(Version::new).map_err(unreadable(column))
}

pub(crate) fn bytes32(column: &'static str, stored: &[u8]) -> Result<[u8; 32], PgError> {
    stored.try_into().map_err(unreadable(column))
}

pub(crate) fn in_column(column: &'static str) -> impl Fn(Invalid) -> PgError {
    move |source| PgError::Row { column, source }
}

/// Without the cause, which may quote what is stored.
pub(crate) fn unreadable<E>(column: &'static str) -> impl Fn(E) -> PgError {
    move |_| PgError::Unreadable { column }
}
