//! The history of a registration.

use crate::errors::Failure;
use crate::{rows, sql};
use booking_core::{EventId, Fact, HistoryEntry, PageLimit, RegistrationId, Version};
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
    let mut entries = Vec::new();
    let mut next = Some(end.version);
    while let Some(version) = next
        && entries.len() < limit.get()
    {
        let (entry, fact) = read_fact(&mut read, end.event_id, version)?;
        if fact.registration_id != Some(id) {
            let text = format!("the fact of version {version} is not about registration {id}");
            return Err(rows::broken("facts.body")(text));
        }
        entries.push(entry);
        next = fact.previous;
    }
    entries.reverse();
    if let Some(version) = end.cancelled {
        entries.push(read_fact(&mut read, end.event_id, version)?.0);
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
    }))
}

fn read_fact(
    statement: &mut CachedStatement<'_>,
    event_id: EventId,
    version: Version,
) -> Result<(HistoryEntry, Fact), Failure> {
    let mut found =
        statement.query(params![event_id.as_uuid().as_bytes(), rows::stored(version)])?;
    let Some(row) = found.next()? else {
        return Err(rows::broken("facts.body")(format!("no fact made version {version}")));
    };
    let recorded_at = rows::time(row, 0, "facts.recorded_at")?;
    let fact: Fact = rows::text(row, 1, "facts.body", |json| serde_json::from_str(json))?;
    Ok((HistoryEntry { version, recorded_at, kind: fact.kind, actor: fact.actor }, fact))
}
