//! The history of a registration.

use crate::errors::Failure;
use crate::{rows, sql};
use booking_core::{EventId, HistoryEntry, PageLimit, RecordedFact, RegistrationId, Version};
use chrono::{DateTime, Utc};
use rusqlite::{CachedStatement, Connection, params};

/// Follows the facts about a registration backwards from the last one.
///
/// They are read one by one, and still show one state: that of the first statement. A fact never
/// changes, and those that it refers to existed before it.
pub(crate) fn history(
    connection: &Connection,
    id: RegistrationId,
    limit: PageLimit,
) -> Result<Option<Vec<HistoryEntry>>, Failure> {
    let Some(end) = read_end(connection, id)? else { return Ok(None) };
    let mut read = connection.prepare_cached(sql::FACT_READ)?;
    let mut entries: Vec<HistoryEntry> = Vec::new();
    let mut next = Some(end.version);
    while let Some(version) = next
        && entries.len() < limit.get()
    {
        let seat = RecordedFact::of_seat(end.created_version, end.created_at, id);
        let stored = read_fact(&mut read, end.event_id, version)?;
        let made = stored.or((version == seat.version).then_some(seat));
        let made = made.ok_or_else(|| missing(version))?;
        if made.fact.registration_id != Some(id) {
            let text = format!("the fact of version {version} is not about registration {id}");
            return Err(rows::broken("facts.body")(text));
        }
        next = made.fact.previous;
        entries.push(made.into());
    }
    entries.reverse();
    if let Some(version) = end.cancelled {
        let ended = read_fact(&mut read, end.event_id, version)?;
        entries.push(ended.ok_or_else(|| missing(version))?.into());
        // It may have been erased after that.
        entries.sort_by_key(|entry| entry.version);
    }
    Ok(Some(entries))
}

/// The end of a history.
struct End {
    event_id: EventId,
    /// The last change of the registration.
    version: Version,
    /// The change that cancelled the event while the registration was live.
    cancelled: Option<Version>,
    /// The version that made the registration.
    created_version: Version,
    created_at: DateTime<Utc>,
}

fn read_end(connection: &Connection, id: RegistrationId) -> Result<Option<End>, Failure> {
    let mut statement = connection.prepare_cached(sql::REGISTRATION_LAST)?;
    let mut found = statement.query([id.as_uuid().as_bytes()])?;
    let Some(row) = found.next()? else { return Ok(None) };
    let cancelled = rows::optional_version(row, 3, "events.cancelled_version")?;
    let is_live = rows::status(row, 2)?.is_live();
    Ok(Some(End {
        event_id: rows::event_id(row, 0)?,
        version: rows::version(row, 1, "registrations.changed_version")?,
        cancelled: cancelled.filter(|_| is_live),
        created_version: rows::version(row, 4, "registrations.event_version")?,
        created_at: rows::time(row, 5, "registrations.created_at")?,
    }))
}

/// The stored fact that made a version.
fn read_fact(
    statement: &mut CachedStatement<'_>,
    event_id: EventId,
    version: Version,
) -> Result<Option<RecordedFact>, Failure> {
    let mut found =
        statement.query(params![event_id.as_uuid().as_bytes(), rows::stored(version)])?;
    let Some(row) = found.next()? else { return Ok(None) };
    let recorded_at = rows::time(row, 0, "facts.recorded_at")?;
    let fact = rows::text(row, 1, "facts.body", |json| serde_json::from_str(json))?;
    Ok(Some(RecordedFact { version, recorded_at, fact }))
}

fn missing(version: Version) -> Failure {
    rows::broken("facts.body")(format!("no fact made version {version}"))
}
