//! Columns, to and from the types of the domain.

use crate::errors::Failure;
use crate::sql::{EVENT, REGISTRATION, STATE};
use booking_core::{
    Answers, Availability, Capacity, CapacityMax, CheckedIn, Contact, Description, EmailAddress,
    Event, EventDetails, EventId, EventName, EventRules, EventState, EventStatus, EventTimes,
    IdempotencyRecord, KeyHash, Language, OfferTtl, Organizer, OrganizerId, OrganizerName,
    OrganizerToken, Outcome, Person, PersonName, Questions, Registration, RegistrationCounts,
    RemindHours, Retention, Role, RuleColumns, SeatCounts, Status, Stored, StoredDetails, TimeZone,
    TokenHash, Venue, Version,
};
use chrono::{DateTime, Utc};
use rusqlite::Row;
use rusqlite::types::FromSql;
use std::error::Error;
use uuid::Uuid;

/// Reads a column of a list by its name. Its position was found when this was compiled.
macro_rules! by_name {
    ($table:literal, $columns:ident, $read:ident($row:ident, $column:literal $(, $parse:expr)?)) => {
        $read(
            $row,
            const { $columns.at($column) },
            concat!($table, ".", $column)
            $(, $parse)?
        )
    };
}

/// The same for the columns of an event.
macro_rules! of_event {
    ($($read:tt)*) => { by_name!("events", EVENT, $($read)*) };
}

/// The same for the columns of a state.
macro_rules! of_state {
    ($($read:tt)*) => { by_name!("events", STATE, $($read)*) };
}

/// The same for the columns of a registration.
macro_rules! of_registration {
    ($($read:tt)*) => { by_name!("registrations", REGISTRATION, $($read)*) };
}

/// The index after the columns of an event.
const AFTER_EVENT: usize = EVENT.count();

/// An event from a row with the columns of one, and after them how many seats are taken at an instant and whether that
/// number is final.
pub(crate) fn event(row: &Row<'_>) -> Result<Event, Failure> {
    Ok(Event {
        id: of_event!(uuid(row, "id"))?.into(),
        organizer_id: organizer_id(row, const { EVENT.at("organizer_id") })?,
        capacity: capacity(row, const { EVENT.at("capacity") })?,
        version: of_event!(version(row, "version"))?,
        rules: rules(row, const { &RuleColumns::of(EVENT) })?,
        waitlist_count: of_event!(count(row, "waitlist_count"))?,
        created_at: of_event!(time(row, "created_at"))?,
        details: details(row)?,
        booked_count: count(row, AFTER_EVENT, "events.booked_count")?,
        changed_at: since_created(row, of_event!(optional_time(row, "changed_at"))?)?,
        details_changed_at: since_created(
            row,
            of_event!(optional_time(row, "details_changed_at"))?,
        )?,
        sequence: of_event!(count(row, "sequence"))?,
        asks: of_event!(column(row, "asks"))?,
        is_settled: column(row, AFTER_EVENT + 1, "events.due_at")?,
    })
}

/// An event's stored details, from a row with the columns of `event/details`.
pub(crate) fn stored_details(row: &Row<'_>) -> Result<StoredDetails, Failure> {
    Ok(StoredDetails {
        details: details(row)?,
        created_at: of_event!(time(row, "created_at"))?,
        changed_at: since_created(row, of_event!(optional_time(row, "changed_at"))?)?,
        details_changed_at: since_created(
            row,
            of_event!(optional_time(row, "details_changed_at"))?,
        )?,
        sequence: of_event!(count(row, "sequence"))?,
        erase_at: optional_time(row, AFTER_EVENT, "events.erase_at")?,
        remind_at: optional_time(row, AFTER_EVENT + 1, "events.remind_at")?,
    })
}

/// When something of an event changed, which is when the event was created unless it has changed
/// since.
fn since_created(
    row: &Row<'_>,
    changed_at: Option<DateTime<Utc>>,
) -> Result<DateTime<Utc>, Failure> {
    changed_at.map_or_else(|| of_event!(time(row, "created_at")), Ok)
}

/// An event's availability, from a row with the columns of `event/availability`.
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
        booked: of_state!(count(row, "booked_count"))?,
        held: of_state!(count(row, "held_count"))?,
        waiting: of_state!(count(row, "waitlist_count"))?,
    };
    let version = of_state!(version(row, "version"))?;
    let due_at = of_state!(optional_time(row, "due_at"))?;
    let organizer_id = organizer_id(row, const { STATE.at("organizer_id") })?;
    let capacity = capacity(row, const { STATE.at("capacity") })?;
    let times = EventTimes {
        starts_at: of_state!(optional_time(row, "starts_at"))?,
        ends_at: of_state!(optional_time(row, "ends_at"))?,
    };
    let rules = rules(row, const { &RuleColumns::of(STATE) })?;
    let state = EventState::new(id, organizer_id, capacity, counts, version, rules, times, due_at);
    Ok(EventState { asks: of_state!(column(row, "asks"))?, ..state })
}

/// Until when the event is frozen, from a row with the columns of `event/load`.
pub(crate) fn frozen_until(row: &Row<'_>) -> Result<Option<DateTime<Utc>>, Failure> {
    of_state!(optional_time(row, "frozen_until"))
}

/// The questions that an event asks and has asked, from a row with the columns of `question/find`.
pub(crate) fn questions(row: &Row<'_>) -> Result<Questions, Failure> {
    let body = optional_text(row, 0, "event_questions.body", |json| serde_json::from_str(json))?;
    Ok(body.unwrap_or_default())
}

fn rules(row: &Row<'_>, at: &RuleColumns) -> Result<EventRules, Failure> {
    let ttl: Option<i64> = column(row, at.offer_ttl_seconds, "events.offer_ttl_seconds")?;
    let offer_ttl = ttl.map(OfferTtl::parse).transpose();
    Ok(EventRules {
        status: event_status(row, at.status)?,
        opens_at: optional_time(row, at.opens_at, "events.opens_at")?,
        closes_at: optional_time(row, at.closes_at, "events.closes_at")?,
        waitlist_enabled: column(row, at.waitlist_enabled, "events.waitlist_enabled")?,
        offer_ttl: offer_ttl.map_err(broken("events.offer_ttl_seconds"))?,
        conceals_registered: column(row, at.conceal_registered, "events.conceal_registered")?,
        confirms_address: column(row, at.confirm_address, "events.confirm_address")?,
    })
}

/// The public details of an event, from a row with the columns of one.
fn details(row: &Row<'_>) -> Result<EventDetails, Failure> {
    let days: Option<i64> = of_event!(column(row, "retention_days"))?;
    let hours: Option<i64> = of_event!(column(row, "remind_hours"))?;
    Ok(EventDetails {
        starts_at: of_event!(optional_time(row, "starts_at"))?,
        ends_at: of_event!(optional_time(row, "ends_at"))?,
        timezone: of_event!(optional_text(row, "timezone", TimeZone::parse))?,
        venue: of_event!(optional_text(row, "venue", Venue::parse_stored))?,
        name: of_event!(text(row, "name", EventName::parse_stored))?,
        description: of_event!(text(row, "description", Description::parse))?,
        retention: days
            .map(Retention::parse)
            .transpose()
            .map_err(broken("events.retention_days"))?,
        language: of_event!(text(row, "language", language))?,
        remind_hours: hours
            .map(RemindHours::parse)
            .transpose()
            .map_err(broken("events.remind_hours"))?,
        organizer_name: of_event!(optional_text(
            row,
            "organizer_name",
            OrganizerName::parse_stored
        ))?,
        contact: of_event!(optional_text(row, "contact", Contact::parse_stored))?,
        is_unlisted: of_event!(column(row, "unlisted"))?,
    })
}

fn language(name: &str) -> Result<Language, String> {
    Language::from_name(name).ok_or_else(|| format!("{name:?} is not a language"))
}

/// A registration, without its position, from a row with the columns of one, or one that begins with them.
pub(crate) fn registration(row: &Row<'_>) -> Result<Registration, Failure> {
    let created_version = of_registration!(version(row, "event_version"))?;
    let changed_version = of_registration!(optional_version(row, "changed_version"))?;
    let token_hash: Option<[u8; 32]> = of_registration!(column(row, "token_hash"))?;
    Ok(Registration {
        event_id: of_registration!(uuid(row, "event_id"))?.into(),
        created_version,
        event_version: changed_version.unwrap_or(created_version),
        id: of_registration!(uuid(row, "id"))?.into(),
        person: Person {
            user_email: of_registration!(text(row, "user_email", EmailAddress::parse_stored))?,
            name: of_registration!(optional_text(row, "name", PersonName::parse_stored))?,
            answers: of_registration!(optional_text(row, "answers", answers))?.unwrap_or_default(),
        },
        status: status(row, const { REGISTRATION.at("status") })?,
        expires_at: of_registration!(optional_time(row, "expires_at"))?,
        position: None,
        generation: of_registration!(count(row, "generation"))?,
        token_hash: token_hash.map(TokenHash::new),
        check_in: check_in(row)?,
        created_at: of_registration!(time(row, "created_at"))?,
    })
}

/// How many registrations are in each state, from a row with the columns of `registration/counts`.
pub(crate) fn registration_counts(row: &Row<'_>) -> Result<RegistrationCounts, Failure> {
    let number = |index: usize, name: &'static str| -> Result<u64, Failure> {
        let stored: i64 = column(row, index, name)?;
        stored.try_into().map_err(broken(name))
    };
    // Held or offered, and past their end: they are expired, swept or not.
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
    let Some(at) = of_registration!(optional_time(row, "checked_in_at"))? else { return Ok(None) };
    Ok(Some(CheckedIn { at, scan_id: of_registration!(uuid(row, "scan_id"))? }))
}

/// The answer under the key `hash`, from a row with the columns of `record/find`.
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

/// Ids that are stored together, one after the other.
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

/// A version as its column stores it.
pub(crate) fn stored(version: Version) -> i64 {
    i64::try_from(version.get()).expect("a version counts changes, and there are never 2^63")
}

/// An instant as its column stores it.
pub(crate) fn stored_time(time: Option<DateTime<Utc>>) -> Option<i64> {
    time.map(|time| time.timestamp_micros())
}
