use crate::errors::Failure;
use crate::{rows, sql};
use booking_core::{AuditReport, EventCount, EventStated};
use rusqlite::{Connection, Row};

/// Counts everything, in one statement and so in one consistent view.
pub(crate) fn audit(connection: &Connection) -> Result<AuditReport, Failure> {
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
        unforeseen: row.get("unforeseen")?,
        fact_versions: row.get("fact_versions")?,
        fact_version_last: row.get("fact_version_last")?,
    })
}
