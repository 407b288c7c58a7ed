//! Where events are: here, moving, or in another store.

use crate::errors::Failure;
use crate::{rows, sql};
use booking_core::{EventId, MoveId, Version};
use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};
use uuid::Uuid;

/// The stored state of an event's move.
pub(crate) struct Way {
    pub(crate) direction: String,
    pub(crate) mover: MoveId,
    pub(crate) place: String,
    pub(crate) until: Option<DateTime<Utc>>,
    pub(crate) state: Option<String>,
}

impl Way {
    /// Whether `mover` still has the lease to take the event away.
    pub(crate) fn is_left_to(&self, mover: MoveId, now: DateTime<Utc>) -> bool {
        self.direction == "leaving"
            && self.mover == mover
            && self.until.is_some_and(|until| now < until)
    }

    pub(crate) fn arrives_by(&self, mover: MoveId) -> bool {
        self.direction == "arriving" && self.mover == mover
    }
}

pub(crate) fn find(connection: &Connection, event: EventId) -> Result<Option<Way>, Failure> {
    let mut find = connection.prepare_cached(sql::MOVING_FIND)?;
    let mut found = find.query([event.as_uuid().as_bytes()])?;
    let Some(row) = found.next()? else { return Ok(None) };
    Ok(Some(Way {
        direction: rows::column(row, 0, "moving_events.direction")?,
        mover: rows::uuid(row, 1, "moving_events.move_id")?.into(),
        place: rows::column(row, 2, "moving_events.place")?,
        until: rows::optional_time(row, 3, "moving_events.until")?,
        state: rows::column(row, 4, "moving_events.state")?,
    }))
}

/// Whether an event is moving, arrived just now, or was moved.
pub(crate) fn is_elsewhere(
    connection: &Connection,
    event: EventId,
    now: DateTime<Utc>,
) -> Result<bool, Failure> {
    let mut statement = connection.prepare_cached(sql::MOVING_IS_ELSEWHERE)?;
    let (event, now) = (event.as_uuid(), now.timestamp_micros());
    Ok(statement.query_row(params![event.as_bytes(), now], |row| row.get(0))?)
}

/// Whether that is so of any event whose id ends as this one does.
pub(crate) fn may_be(
    connection: &Connection,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<bool, Failure> {
    let mut statement = connection.prepare_cached(sql::MOVING_MAY_BE)?;
    let now = now.timestamp_micros();
    Ok(statement.query_row(params![id.as_bytes(), now], |row| row.get(0))?)
}

/// The event's version, if it is here.
pub(crate) fn version(connection: &Connection, event: EventId) -> Result<Option<Version>, Failure> {
    let mut find = connection.prepare_cached("SELECT version FROM events WHERE id = ?1")?;
    let mut found = find.query([event.as_uuid().as_bytes()])?;
    found.next()?.map(|row| rows::version(row, 0, "events.version")).transpose()
}
