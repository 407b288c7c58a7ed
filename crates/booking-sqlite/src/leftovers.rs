//! What moves leave behind: rows of an event that is elsewhere, room for one that never arrived, and records of moves.

use crate::errors::Failure;
use crate::transaction::Work;
use crate::ways::{Way, find, version};
use crate::{rows, sql};
use booking_core::{Clock, EventId, MOVED_LANES, MOVED_TABLES, MoveId, MovedScope, ROOM_KEPT};
use rusqlite::{Connection, params};
use uuid::Uuid;

/// What was purged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Purged {
    pub(crate) rows: u64,
    /// Whether some rows may hold personal data, and must not stay in the log.
    pub(crate) is_personal: bool,
}

/// Deletes what is no longer needed, up to `limit` rows of each table.
pub(crate) fn purge(
    connection: &Connection,
    limit: usize,
    clock: &Clock,
) -> Result<Work<Purged>, Failure> {
    let now = clock();
    let mut purge = connection.prepare_cached(sql::MOVING_PURGE)?;
    let purged = purge.execute(params![now.timestamp_micros(), limit as i64])? as u64;
    let mut take = connection.prepare_cached(sql::MOVING_TAKE_ROOM)?;
    let made_before = (now - ROOM_KEPT).timestamp_micros();
    let taken = take.query_and_then([made_before], |row| rows::event_id(row, 0))?;
    let taken = taken.collect::<Result<Vec<_>, Failure>>()?;
    let Some(event) = taken.first() else {
        let purged = Purged { rows: purged, is_personal: false };
        return Ok(if purged.rows > 0 { Work::Changed(purged) } else { Work::Unchanged(purged) });
    };
    let nobody = MoveId::from(Uuid::nil());
    let cleared = match clear(connection, *event, nobody, limit)? {
        Work::Changed(cleared) | Work::Unchanged(cleared) => cleared,
    };
    let mut rows = purged + cleared;
    if cleared == 0 {
        give_up_room(connection, *event, nobody)?;
        rows += 1;
    }
    Ok(Work::Changed(Purged { rows, is_personal: cleared > 0 }))
}

/// Deletes up to `limit` rows of each table, of an event that `mover` has taken away or is copying here, and returns
/// how many.
pub(crate) fn clear(
    connection: &Connection,
    event: EventId,
    mover: MoveId,
    limit: usize,
) -> Result<Work<u64>, Failure> {
    let is_his = |way: Way| way.direction != "leaving" && way.mover == mover;
    if !find(connection, event)?.is_some_and(is_his) || version(connection, event)?.is_some() {
        return Ok(Work::Unchanged(0));
    }
    let own = MOVED_TABLES.iter().filter(|table| table.scope == MovedScope::Event);
    let mut cleared = 0;
    for table in own.chain([&MOVED_LANES]) {
        let (name, page) = (table.name, table.page.join(", "));
        let sql = format!(
            "DELETE FROM {name} WHERE event_id = ?1 AND ({page}) IN \
             (SELECT {page} FROM {name} WHERE event_id = ?1 ORDER BY {page} LIMIT ?2)"
        );
        let id = event.as_uuid();
        let parameters = params![id.as_bytes(), limit as i64];
        cleared += connection.prepare_cached(&sql)?.execute(parameters)?;
    }
    let mut none_new = connection.prepare_cached(sql::FACT_ROUTED)?;
    none_new.execute([event.as_uuid().as_bytes()])?;
    Ok(Work::of_rows(cleared))
}

/// Deletes the room of an event that is not to arrive.
pub(crate) fn give_up_room(
    connection: &Connection,
    event: EventId,
    mover: MoveId,
) -> Result<Work<bool>, Failure> {
    let is_his = find(connection, event)?.is_some_and(|way| way.arrives_by(mover));
    if !is_his || version(connection, event)?.is_some() {
        return Ok(Work::Unchanged(false));
    }
    let (event, mover) = (event.as_uuid(), mover.as_uuid());
    let mut give_up = connection.prepare_cached(sql::MOVING_GIVE_UP)?;
    give_up.execute(params![event.as_bytes(), mover.as_bytes()])?;
    Ok(Work::Changed(true))
}
