//! What the columns hold, to and from the types of the domain.

use crate::errors::Failure;
use booking_core::{
    Capacity, CapacityMax, Description, EmailAddress, Event, EventId, EventName, Registration,
    Version,
};
use chrono::{DateTime, Utc};
use rusqlite::Row;
use std::error::Error;
use uuid::Uuid;

/// An event from a row with the columns of `event/read`.
pub(crate) fn event(row: &Row<'_>) -> Result<Event, Failure> {
    Ok(Event {
        id: uuid(row, 0, "events.id")?.into(),
        capacity: capacity(row, 1)?,
        booked_count: booked_count(row, 2)?,
        version: version(row, 3, "events.version")?,
        created_at: time(row, 4, "events.created_at")?,
        name: EventName::parse(&text(row, 5, "events.name")?).map_err(broken("events.name"))?,
        description: Description::parse(&text(row, 6, "events.description")?)
            .map_err(broken("events.description"))?,
    })
}

/// A registration from a row with the columns of `registration/list`.
pub(crate) fn registration(row: &Row<'_>) -> Result<Registration, Failure> {
    Ok(Registration {
        event_id: uuid(row, 0, "registrations.event_id")?.into(),
        event_version: version(row, 1, "registrations.event_version")?,
        id: uuid(row, 2, "registrations.id")?.into(),
        user_email: EmailAddress::parse(&text(row, 3, "registrations.user_email")?)
            .map_err(broken("registrations.user_email"))?,
        created_at: time(row, 4, "registrations.created_at")?,
    })
}

pub(crate) fn event_id(row: &Row<'_>, index: usize) -> Result<EventId, Failure> {
    Ok(uuid(row, index, "event_id")?.into())
}

pub(crate) fn capacity(row: &Row<'_>, index: usize) -> Result<Capacity, Failure> {
    let seats = integer(row, index, "events.capacity")?;
    Capacity::parse(seats, CapacityMax::HIGHEST).map_err(broken("events.capacity"))
}

pub(crate) fn booked_count(row: &Row<'_>, index: usize) -> Result<u32, Failure> {
    let seats = integer(row, index, "events.booked_count")?;
    seats.try_into().map_err(broken("events.booked_count"))
}

pub(crate) fn version(
    row: &Row<'_>,
    index: usize,
    column: &'static str,
) -> Result<Version, Failure> {
    let number = integer(row, index, column)?;
    number.try_into().map(Version::new).map_err(broken(column))
}

pub(crate) fn integer(row: &Row<'_>, index: usize, column: &'static str) -> Result<i64, Failure> {
    row.get(index).map_err(broken(column))
}

/// A version as its column keeps it.
pub(crate) fn stored(version: Version) -> i64 {
    i64::try_from(version.get()).expect("a version counts changes, and there are never 2^63")
}

fn uuid(row: &Row<'_>, index: usize, column: &'static str) -> Result<Uuid, Failure> {
    row.get(index).map(Uuid::from_bytes).map_err(broken(column))
}

fn text(row: &Row<'_>, index: usize, column: &'static str) -> Result<String, Failure> {
    row.get(index).map_err(broken(column))
}

fn time(row: &Row<'_>, index: usize, column: &'static str) -> Result<DateTime<Utc>, Failure> {
    let micros = integer(row, index, column)?;
    DateTime::from_timestamp_micros(micros)
        .ok_or_else(|| broken(column)(format!("{micros} microseconds are too far from 1970")))
}

fn broken<E: Into<Box<dyn Error + Send + Sync>>>(
    column: &'static str,
) -> impl FnOnce(E) -> Failure {
    move |source| Failure::Row { column, source: source.into() }
}
