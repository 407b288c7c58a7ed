//! The recount.

use crate::connection::{absolute, off_runtime};
use crate::errors::{Failure, OpenError};
use crate::{rows, schema, sql};
use booking_core::{AuditReport, EventCount, EventStated};
use rusqlite::{Connection, Row};
use std::path::PathBuf;

/// Recounts every event of the database at `path` against its rows, and writes nothing: read access is
/// enough. In a folder that is not writable it works only while a server has the database open.
///
/// # Errors
/// [`OpenError`], also if the database is not there or has not all of its tables.
pub async fn audit(path: impl Into<PathBuf>) -> Result<AuditReport, OpenError> {
    let path = path.into();
    off_runtime(&path.clone(), move || {
        let path = absolute(&path)?;
        let (connection, _) = schema::open_checked(&path)?;
        count(&connection).map_err(|failure| OpenError::Recount { path, source: failure.into() })
    })
    .await
}

/// Counts everything, in one statement and so in one consistent view.
pub(crate) fn count(connection: &Connection) -> Result<AuditReport, Failure> {
    let mut statement = connection.prepare(sql::AUDIT_COUNT)?;
    let mut found = statement.query([])?;
    let mut counts = Vec::new();
    while let Some(row) = found.next()? {
        counts.push(event_count(row)?);
    }
    Ok(AuditReport::of(counts))
}

fn event_count(row: &Row<'_>) -> Result<EventCount, Failure> {
    let stated = match row.get("capacity")? {
        None => None,
        Some(capacity) => Some(EventStated {
            capacity,
            is_cancelled: row.get("is_cancelled")?,
            booked: row.get("booked_count")?,
            held: row.get("held_count")?,
            waiting: row.get("waitlist_count")?,
            version: row.get("version")?,
        }),
    };
    Ok(EventCount {
        event_id: rows::event_id(row, 0)?,
        stated,
        seated: row.get("seated")?,
        held: row.get("held")?,
        waiting: row.get("waiting")?,
        addresses: row.get("addresses")?,
        before_due: row.get("before_due")?,
        fact_versions: row.get("fact_versions")?,
        fact_version_last: row.get("fact_version_last")?,
    })
}
