//! From rows to domain types and back. Columns go by their place in the statement.

use crate::error::PgError;
use booking_core::{
    Capacity, CapacityMax, Description, EmailAddress, Event, EventId, EventName, EventState, Fact,
    Invalid, Registration, Version,
};
use tokio_postgres::Row;
use uuid::Uuid;

/// A row of `event/lock`. Its registrations come later.
pub(crate) fn event_state(row: &Row) -> Result<EventState, PgError> {
    Ok(EventState {
        id: EventId::from(row.get::<_, Uuid>(0)),
        capacity: capacity(row.get(1))?,
        booked_count: count("booked_count", row.get(2))?,
        version: version("version", row.get(3))?,
        registrations: Vec::new(),
    })
}

/// A row of `event/find` or `event/list`.
pub(crate) fn event(row: &Row) -> Result<Event, PgError> {
    Ok(Event {
        id: EventId::from(row.get::<_, Uuid>(0)),
        name: EventName::parse(row.get(1)).map_err(in_column("name"))?,
        description: Description::parse(row.get(2)).map_err(in_column("description"))?,
        capacity: capacity(row.get(3))?,
        booked_count: count("booked_count", row.get(4))?,
        version: version("version", row.get(5))?,
        created_at: row.get(6),
    })
}

/// A row of `registration/load` or `registration/list`.
pub(crate) fn registration(row: &Row) -> Result<Registration, PgError> {
    Ok(Registration {
        event_id: row.get::<_, Uuid>(0).into(),
        id: row.get::<_, Uuid>(1).into(),
        user_email: EmailAddress::parse(row.get(2)).map_err(in_column("user_email"))?,
        event_version: version("event_version", row.get(3))?,
        created_at: row.get(4),
    })
}

fn capacity(stored: i32) -> Result<Capacity, PgError> {
    Capacity::parse(stored.into(), CapacityMax::HIGHEST).map_err(in_column("capacity"))
}

fn count(column: &'static str, stored: i32) -> Result<u32, PgError> {
    let out_of_range = Invalid::OutOfRange { min: 0, max: i32::MAX as u32 };
    u32::try_from(stored).map_err(|_| PgError::Row { column, source: out_of_range })
}

fn version(column: &'static str, stored: i64) -> Result<Version, PgError> {
    let out_of_range = Invalid::OutOfRange { min: 1, max: u32::MAX };
    let stored =
        u64::try_from(stored).map_err(|_| PgError::Row { column, source: out_of_range })?;
    Ok(Version::new(stored))
}

fn in_column(column: &'static str) -> impl Fn(Invalid) -> PgError {
    move |source| PgError::Row { column, source }
}

/// A number of seats as `integer`. A [`Capacity`] never exceeds it, nor does what is taken of one.
pub(crate) fn stored_count(count: u32) -> i32 {
    i32::try_from(count).expect("no more seats than a capacity can have")
}

/// A version as `bigint`.
pub(crate) fn stored_version(version: Version) -> i64 {
    i64::try_from(version.get()).expect("an event does not change 2^63 times")
}

/// Facts as they are stored: a JSON array.
pub(crate) fn stored_facts(facts: &[Fact]) -> String {
    serde_json::to_string(facts).expect("facts are plain data, which JSON can hold")
}
