//! What the columns hold, to and from the types of the domain.

use crate::errors::Failure;
use crate::sql::REGISTRATION;
use booking_core::{
    Answers, Availability, Capacity, CapacityMax, CheckedIn, Contact, Description, EmailAddress,
    Event, EventDetails, EventId, EventName, EventRules, EventState, EventStatus, EventTimes,
    IdempotencyRecord, KeyHash, Language, OfferTtl, Organizer, OrganizerId, OrganizerName,
    OrganizerToken, Outcome, Person, PersonName, Questions, Registration, RegistrationCounts,
    RemindHours, Retention, Role, SeatCounts, Status, Stored, TimeZone, TokenHash, Venue, Version,
};
use chrono::{DateTime, Utc};
use rusqlite::Row;
use rusqlite::types::FromSql;
use std::error::Error;
use uuid::Uuid;

/// An event from a row with the columns of `event/read`, `event/list` or `event/list_of`.
pub(crate) fn event(row: &Row<'_>) -> Result<Event, Failure> {
    Ok(Event {
        id: event_id(row, 0)?,
        organizer_id: organizer_id(row, 26)?,
        capacity: capacity(row, 1)?,
        version: version(row, 2, "events.version")?,
        rules: rules(row, 3)?,
        waitlist_count: count(row, 10, "events.waitlist_count")?,
        created_at: time(row, 11, "events.created_at")?,
        details: details(row, 12)?,
        booked_count: count(row, 24, "events.booked_count")?,
        changed_at: time(row, 27, "events.changed_at")?,
        details_changed_at: time(row, 28, "events.details_changed_at")?,
        sequence: count(row, 29, "events.sequence")?,
        asks: column(row, 30, "events.asks")?,
        is_settled: column(row, 25, "events.due_at")?,
    })
}

/// How full an event is, from a row with the columns of `event/availability`.
pub(crate) fn availability(row: &Row<'_>) -> Result<Availability, Failure> {
    Ok(Availability {
        event_id: event_id(row, 0)?,
        organizer_id: organizer_id(row, 1)?,
        status: event_status(row, 2)?,
        capacity: capacity(row, 3)?,
        version: version(row, 4, "events.version")?,
        booked_count: count(row, 5, "events.booked_count")?,
        waitlist_count: count(row, 6, "events.waitlist_count")?,
        is_settled: column(row, 7, "events.due_at")?,
    })
}

/// An event from a row with the columns of `event/load`.
pub(crate) fn state(id: EventId, row: &Row<'_>) -> Result<EventState, Failure> {
    let counts = SeatCounts {
        booked: count(row, 1, "events.booked_count")?,
        held: count(row, 2, "events.held_count")?,
        waiting: count(row, 3, "events.waitlist_count")?,
    };
    let version = version(row, 4, "events.version")?;
    let due_at = optional_time(row, 5, "events.due_at")?;
    let (organizer_id, capacity) = (organizer_id(row, 13)?, capacity(row, 0)?);
    let times = EventTimes {
        starts_at: optional_time(row, 14, "events.starts_at")?,
        ends_at: optional_time(row, 15, "events.ends_at")?,
    };
    let rules = rules(row, 6)?;
    let state = EventState::new(id, organizer_id, capacity, counts, version, rules, times, due_at);
    Ok(EventState { asks: column(row, 16, "events.asks")?, ..state })
}

/// Until when nobody changes the event, from a row with the columns of `event/load`.
pub(crate) fn frozen_until(row: &Row<'_>) -> Result<Option<DateTime<Utc>>, Failure> {
    optional_time(row, 17, "events.frozen_until")
}

/// What an event asks and has asked, from a row with the columns of `question/find`.
pub(crate) fn questions(row: &Row<'_>) -> Result<Questions, Failure> {
    let body = optional_text(row, 0, "event_questions.body", |json| serde_json::from_str(json))?;
    Ok(body.unwrap_or_default())
}

/// Seven columns from `status` on.
fn rules(row: &Row<'_>, first: usize) -> Result<EventRules, Failure> {
    let ttl: Option<i64> = column(row, first + 4, "events.offer_ttl_seconds")?;
    Ok(EventRules {
        status: event_status(row, first)?,
        opens_at: optional_time(row, first + 1, "events.opens_at")?,
        closes_at: optional_time(row, first + 2, "events.closes_at")?,
        waitlist_enabled: column(row, first + 3, "events.waitlist_enabled")?,
        offer_ttl: ttl
            .map(OfferTtl::parse)
            .transpose()
            .map_err(broken("events.offer_ttl_seconds"))?,
        conceals_registered: column(row, first + 5, "events.conceal_registered")?,
        confirms_address: column(row, first + 6, "events.confirm_address")?,
    })
}

/// Twelve columns from `starts_at` on.
pub(crate) fn details(row: &Row<'_>, first: usize) -> Result<EventDetails, Failure> {
    let days: Option<i64> = column(row, first + 6, "events.retention_days")?;
    let hours: Option<i64> = column(row, first + 8, "events.remind_hours")?;
    Ok(EventDetails {
        starts_at: optional_time(row, first, "events.starts_at")?,
        ends_at: optional_time(row, first + 1, "events.ends_at")?,
        timezone: optional_text(row, first + 2, "events.timezone", TimeZone::parse)?,
        venue: optional_text(row, first + 3, "events.venue", Venue::parse_stored)?,
        name: text(row, first + 4, "events.name", EventName::parse_stored)?,
        description: text(row, first + 5, "events.description", Description::parse)?,
        retention: days
            .map(Retention::parse)
            .transpose()
            .map_err(broken("events.retention_days"))?,
        language: text(row, first + 7, "events.language", |name| {
            Language::from_name(name).ok_or_else(|| format!("{name:?} is not a language"))
        })?,
        remind_hours: hours
            .map(RemindHours::parse)
            .transpose()
            .map_err(broken("events.remind_hours"))?,
        organizer_name: optional_text(
            row,
            first + 9,
            "events.organizer_name",
            OrganizerName::parse_stored,
        )?,
        contact: optional_text(row, first + 10, "events.contact", Contact::parse_stored)?,
        is_unlisted: column(row, first + 11, "events.unlisted")?,
    })
}

/// Reads a column of a registration by its name. Where that is was found when this was compiled.
macro_rules! by_name {
    ($read:ident($row:ident, $column:literal $(, $parse:expr)?)) => {
        $read(
            $row,
            const { REGISTRATION.at($column) },
            concat!("registrations.", $column)
            $(, $parse)?
        )
    };
}

/// A registration, without its position, from a row with the columns of one, or one that begins with them.
pub(crate) fn registration(row: &Row<'_>) -> Result<Registration, Failure> {
    let created_version = by_name!(version(row, "event_version"))?;
    let changed_version = by_name!(optional_version(row, "changed_version"))?;
    let token_hash: Option<[u8; 32]> = by_name!(column(row, "token_hash"))?;
    Ok(Registration {
        event_id: by_name!(uuid(row, "event_id"))?.into(),
        created_version,
        event_version: changed_version.unwrap_or(created_version),
        id: by_name!(uuid(row, "id"))?.into(),
        person: Person {
            user_email: by_name!(text(row, "user_email", EmailAddress::parse_stored))?,
            name: by_name!(optional_text(row, "name", PersonName::parse_stored))?,
            answers: by_name!(optional_text(row, "answers", answers))?.unwrap_or_default(),
        },
        status: status(row, const { REGISTRATION.at("status") })?,
        expires_at: by_name!(optional_time(row, "expires_at"))?,
        position: None,
        generation: by_name!(count(row, "generation"))?,
        token_hash: token_hash.map(TokenHash::new),
        check_in: check_in(row)?,
        created_at: by_name!(time(row, "created_at"))?,
    })
}

/// How many registrations are in which state, from a row with the columns of `registration/counts`.
pub(crate) fn registration_counts(row: &Row<'_>) -> Result<RegistrationCounts, Failure> {
    let number = |index: usize, name: &'static str| -> Result<u64, Failure> {
        let stored: i64 = column(row, index, name)?;
        stored.try_into().map_err(broken(name))
    };
    // Held or offered, and over: they are expired, swept or not.
    let run_out = number(5, "count(*)")?;
    let counts = RegistrationCounts {
        confirmed: number(1, "events.booked_count")?,
        waitlisted: number(2, "events.waitlist_count")?,
        held: number(3, "count(*)")?,
        offered: number(4, "count(*)")?,
        cancelled: number(6, "count(*)")?,
        expired: number(7, "count(*)")? + run_out,
        checked_in: number(8, "count(*)")?,
    };
    Ok(counts.in_event(event_status(row, 0)?))
}

fn answers(json: &str) -> Result<Answers, serde_json::Error> {
    serde_json::from_str(json)
}

fn check_in(row: &Row<'_>) -> Result<Option<CheckedIn>, Failure> {
    let Some(at) = by_name!(optional_time(row, "checked_in_at"))? else { return Ok(None) };
    Ok(Some(CheckedIn { at, scan_id: by_name!(uuid(row, "scan_id"))? }))
}

/// What was answered under the key `hash`, from a row with the columns of `record/find`.
pub(crate) fn record(hash: KeyHash, row: &Row<'_>) -> Result<IdempotencyRecord, Failure> {
    let fingerprint: [u8; 32] = column(row, 0, "idempotency_records.fingerprint")?;
    let outcome: Stored<Outcome> =
        text(row, 2, "idempotency_records.outcome", |json| serde_json::from_str(json))?;
    Ok(IdempotencyRecord {
        hash,
        fingerprint: booking_core::Fingerprint::new(fingerprint),
        recorded_at: time(row, 1, "idempotency_records.recorded_at")?,
        outcome: outcome.0,
    })
}

/// A token from a row with the columns of `token/list`.
pub(crate) fn organizer_token(row: &Row<'_>) -> Result<OrganizerToken, Failure> {
    let hash: [u8; 32] = column(row, 3, "organizer_tokens.token_hash")?;
    let events: Option<Vec<u8>> = column(row, 7, "organizer_tokens.event_ids")?;
    Ok(OrganizerToken {
        id: uuid(row, 0, "organizer_tokens.id")?.into(),
        organizer: Organizer::new(
            uuid(row, 1, "organizers.id")?.into(),
            text(row, 2, "organizers.name", OrganizerName::parse_stored)?,
        ),
        hash: TokenHash::new(hash),
        role: text(row, 6, "organizer_tokens.role", str::parse::<Role>)?,
        events: events.as_deref().map(event_ids),
        created_at: time(row, 4, "organizer_tokens.created_at")?,
        revoked_at: optional_time(row, 5, "organizer_tokens.revoked_at")?,
    })
}

/// Ids as they are kept together, one after the other.
fn event_ids(stored: &[u8]) -> Vec<EventId> {
    let (ids, _) = stored.as_chunks::<16>();
    ids.iter().map(|id| Uuid::from_bytes(*id).into()).collect()
}

fn organizer_id(row: &Row<'_>, index: usize) -> Result<Option<OrganizerId>, Failure> {
    let id: Option<[u8; 16]> = column(row, index, "events.organizer_id")?;
    Ok(id.map(|id| Uuid::from_bytes(id).into()))
}

pub(crate) fn event_id(row: &Row<'_>, index: usize) -> Result<EventId, Failure> {
    Ok(uuid(row, index, "event_id")?.into())
}

pub(crate) fn event_status(row: &Row<'_>, index: usize) -> Result<EventStatus, Failure> {
    text(row, index, "events.status", |name| {
        EventStatus::from_name(name).ok_or_else(|| format!("{name:?} is not a status"))
    })
}

pub(crate) fn status(row: &Row<'_>, index: usize) -> Result<Status, Failure> {
    text(row, index, "registrations.status", |name| {
        Status::from_name(name).ok_or_else(|| format!("{name:?} is not a status"))
    })
}

fn capacity(row: &Row<'_>, index: usize) -> Result<Capacity, Failure> {
    let seats = column(row, index, "events.capacity")?;
    Capacity::parse(seats, CapacityMax::HIGHEST).map_err(broken("events.capacity"))
}

pub(crate) fn count(row: &Row<'_>, index: usize, name: &'static str) -> Result<u32, Failure> {
    column(row, index, name)
}

pub(crate) fn version(row: &Row<'_>, index: usize, name: &'static str) -> Result<Version, Failure> {
    number(column(row, index, name)?, name)
}

pub(crate) fn optional_version(
    row: &Row<'_>,
    index: usize,
    name: &'static str,
) -> Result<Option<Version>, Failure> {
    let stored: Option<i64> = column(row, index, name)?;
    stored.map(|stored| number(stored, name)).transpose()
}

fn number(stored: i64, name: &'static str) -> Result<Version, Failure> {
    stored.try_into().map(Version::new).map_err(broken(name))
}

pub(crate) fn time(
    row: &Row<'_>,
    index: usize,
    name: &'static str,
) -> Result<DateTime<Utc>, Failure> {
    instant(column(row, index, name)?, name)
}

pub(crate) fn optional_time(
    row: &Row<'_>,
    index: usize,
    name: &'static str,
) -> Result<Option<DateTime<Utc>>, Failure> {
    let micros: Option<i64> = column(row, index, name)?;
    micros.map(|micros| instant(micros, name)).transpose()
}

fn instant(micros: i64, name: &'static str) -> Result<DateTime<Utc>, Failure> {
    DateTime::from_timestamp_micros(micros)
        .ok_or_else(|| broken(name)(format!("{micros} microseconds are too far from 1970")))
}

pub(crate) fn text<T, E: Into<Box<dyn Error + Send + Sync>>>(
    row: &Row<'_>,
    index: usize,
    name: &'static str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, Failure> {
    let value = row.get_ref(index).map_err(broken(name))?;
    parse(value.as_str().map_err(broken(name))?).map_err(broken(name))
}

pub(crate) fn optional_text<T, E: Into<Box<dyn Error + Send + Sync>>>(
    row: &Row<'_>,
    index: usize,
    name: &'static str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Option<T>, Failure> {
    let value = row.get_ref(index).map_err(broken(name))?;
    let text = value.as_str_or_null().map_err(broken(name))?;
    text.map(parse).transpose().map_err(broken(name))
}

pub(crate) fn uuid(row: &Row<'_>, index: usize, name: &'static str) -> Result<Uuid, Failure> {
    column(row, index, name).map(Uuid::from_bytes)
}

pub(crate) fn column<T: FromSql>(
    row: &Row<'_>,
    index: usize,
    name: &'static str,
) -> Result<T, Failure> {
    row.get(index).map_err(broken(name))
}

pub(crate) fn broken<E: Into<Box<dyn Error + Send + Sync>>>(
    column: &'static str,
) -> impl FnOnce(E) -> Failure {
    move |source| Failure::Row { column, source: source.into() }
}

/// A version as its column keeps it.
pub(crate) fn stored(version: Version) -> i64 {
    i64::try_from(version.get()).expect("a version counts changes, and there are never 2^63")
}

/// An instant as its column keeps it.
pub(crate) fn stored_time(time: Option<DateTime<Utc>>) -> Option<i64> {
    time.map(|time| time.timestamp_micros())
}
