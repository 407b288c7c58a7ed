//! What is read outside of write transactions.

use crate::errors::Failure;
use crate::{rows, sql};
use booking_core::{
    Event, EventCursor, EventId, Page, PageLimit, Registration, RegistrationCursor,
};
use rusqlite::{Connection, params};
use uuid::Uuid;

pub(crate) fn read_event(connection: &Connection, id: EventId) -> Result<Option<Event>, Failure> {
    let mut statement = connection.prepare_cached(sql::EVENT_READ)?;
    let mut found = statement.query([id.as_uuid().as_bytes()])?;
    found.next()?.map(rows::event).transpose()
}

pub(crate) fn list_events(
    connection: &Connection,
    after: Option<EventCursor>,
    limit: PageLimit,
) -> Result<Page<Event, EventCursor>, Failure> {
    // The newest there can be comes before every event there is.
    let (micros, id) = after.map_or((i64::MAX, Uuid::max()), |cursor| {
        (cursor.created_at.timestamp_micros(), cursor.id.as_uuid())
    });
    let mut statement = connection.prepare_cached(sql::EVENT_LIST)?;
    let listed = statement
        .query_and_then(params![micros, id.as_bytes(), one_more_than(limit)], rows::event)?;
    Ok(Page::new(listed.collect::<Result<_, _>>()?, limit))
}

pub(crate) fn list_registrations(
    connection: &Connection,
    event_id: EventId,
    after: Option<RegistrationCursor>,
    limit: PageLimit,
) -> Result<Option<Page<Registration, RegistrationCursor>>, Failure> {
    let id = event_id.as_uuid();
    let after = after.map_or(0, |cursor| rows::stored(cursor.version()));
    let mut statement = connection.prepare_cached(sql::REGISTRATION_LIST)?;
    let listed = statement
        .query_and_then(params![id.as_bytes(), after, one_more_than(limit)], rows::registration)?;
    let listed: Vec<_> = listed.collect::<Result<_, Failure>>()?;
    // Whatever has registrations exists, and what exists once stays.
    if listed.is_empty() && !event_exists(connection, event_id)? {
        return Ok(None);
    }
    Ok(Some(Page::new(listed, limit)))
}

fn event_exists(connection: &Connection, id: EventId) -> Result<bool, Failure> {
    let mut statement = connection.prepare_cached(sql::EVENT_EXISTS)?;
    Ok(statement.query_row([id.as_uuid().as_bytes()], |row| row.get(0))?)
}

/// Tells whether there is another page.
fn one_more_than(limit: PageLimit) -> i64 {
    // At most `PageLimit::MAX`, which fits easily.
    limit.get() as i64 + 1
}
