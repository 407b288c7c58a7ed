//! Organizers, their tokens, and the assignment of events to them.

use crate::errors::Failure;
use crate::transaction::{Work, one_row};
use crate::{rows, sql};
use booking_core::{
    Clock, EventId, NewToken, Organizer, OrganizerId, OrganizerToken, PageLimit, Role, TOKENS_MAX,
    TokenId,
};
use chrono::{DateTime, SubsecRound, Utc};
use rusqlite::{Connection, params};

/// Older programs than this migration would take every token for its organizer's own.
const KNOWS_ROLES: i32 = 17;

/// All tokens, newest first.
pub(crate) fn list_tokens(connection: &Connection) -> Result<Vec<OrganizerToken>, Failure> {
    let mut list = connection.prepare_cached(sql::TOKEN_LIST)?;
    let tokens = list.query_and_then([], rows::organizer_token)?;
    tokens.collect()
}

/// Stores a token, or finds the one that has its id. `None` if there are too many.
pub(crate) fn create_token(
    connection: &Connection,
    new: &NewToken,
    clock: &Clock,
) -> Result<Work<Option<OrganizerToken>>, Failure> {
    if let Some(token) = find_token(connection, new.id)? {
        return Ok(Work::Unchanged(Some(token)));
    }
    let mut count = connection.prepare_cached(sql::TOKEN_COUNT)?;
    let tokens: i64 = count.query_row([], |row| row.get(0))?;
    if tokens >= TOKENS_MAX as i64 {
        return Ok(Work::Unchanged(None));
    }
    let now = clock().trunc_subsecs(6);
    let organizer_id = find_or_make(connection, &new.organizer, now)?;
    if new.role != Role::Owner {
        connection.prepare_cached(sql::SCHEMA_RAISE)?.execute([KNOWS_ROLES])?;
    }
    let events = new
        .events
        .as_ref()
        .map(|ids| ids.iter().flat_map(|id| id.as_uuid().into_bytes()).collect::<Vec<u8>>());
    let rows = connection.prepare_cached(sql::TOKEN_INSERT)?.execute(params![
        new.id.as_uuid().as_bytes(),
        organizer_id.as_uuid().as_bytes(),
        new.hash.as_bytes(),
        now.timestamp_micros(),
        new.role.as_str(),
        events,
    ])?;
    one_row("token/insert", rows)?;
    Ok(Work::Changed(find_token(connection, new.id)?))
}

/// The organizer with that name, who is created if there is none.
fn find_or_make(
    connection: &Connection,
    organizer: &Organizer,
    now: DateTime<Utc>,
) -> Result<OrganizerId, Failure> {
    let mut find = connection.prepare_cached(sql::ORGANIZER_FIND)?;
    let mut found = find.query([organizer.name.as_str()])?;
    if let Some(row) = found.next()? {
        return Ok(rows::uuid(row, 0, "organizers.id")?.into());
    }
    let rows = connection.prepare_cached(sql::ORGANIZER_INSERT)?.execute(params![
        organizer.id.as_uuid().as_bytes(),
        organizer.name.as_str(),
        now.timestamp_micros(),
    ])?;
    one_row("organizer/insert", rows)?;
    Ok(organizer.id)
}

/// Revokes a token, unless it is revoked. `None` if there is none.
pub(crate) fn revoke_token(
    connection: &Connection,
    id: TokenId,
    clock: &Clock,
) -> Result<Work<Option<OrganizerToken>>, Failure> {
    let revoked = connection
        .prepare_cached(sql::TOKEN_REVOKE)?
        .execute(params![id.as_uuid().as_bytes(), clock().timestamp_micros()])?;
    let token = find_token(connection, id)?;
    Ok(if revoked == 1 { Work::Changed(token) } else { Work::Unchanged(token) })
}

fn find_token(connection: &Connection, id: TokenId) -> Result<Option<OrganizerToken>, Failure> {
    let mut find = connection.prepare_cached(sql::TOKEN_FIND)?;
    let mut found = find.query([id.as_uuid().as_bytes()])?;
    found.next()?.map(rows::organizer_token).transpose()
}

/// Up to `limit` events without an organizer.
pub(crate) fn of_nobody(
    connection: &Connection,
    limit: PageLimit,
) -> Result<Vec<EventId>, Failure> {
    let mut statement = connection.prepare_cached(sql::EVENT_OF_NOBODY)?;
    let found = statement.query_and_then([limit.get() as i64], |row| rows::event_id(row, 0))?;
    found.collect()
}

/// Assigns those of `events` that still have no organizer to one, and returns how many; if this is
/// repeated (`again`), after a COMMIT that was lost, with those that are already assigned to it.
pub(crate) fn assign(
    connection: &Connection,
    organizer_id: OrganizerId,
    events: &[EventId],
    again: bool,
) -> Result<Work<u64>, Failure> {
    let organizer_id = organizer_id.as_uuid();
    let mut assign = connection.prepare_cached(sql::EVENT_ASSIGN)?;
    let mut assigned = 0;
    for event in events {
        let event = event.as_uuid();
        assigned += assign.execute(params![event.as_bytes(), organizer_id.as_bytes(), again])?;
    }
    Ok(match assigned {
        0 => Work::Unchanged(0),
        _ => Work::Changed(assigned as u64),
    })
}
