//! What was answered to requests that may come again.

use crate::errors::Failure;
use crate::transaction::Work;
use crate::write::one_row;
use crate::{rows, sql};
use booking_core::{Clock, IdempotencyRecord, KeyHash, PageLimit};
use rusqlite::{CachedStatement, Connection, params};
use uuid::Uuid;

/// What was answered under a key for an event, whether that still counts or not. `find` is
/// [`sql::RECORD_FIND`].
pub(crate) fn find(
    find: &mut CachedStatement<'_>,
    event_id: Uuid,
    hash: KeyHash,
) -> Result<Option<IdempotencyRecord>, Failure> {
    let mut found = find.query(params![event_id.as_bytes(), hash.as_bytes()])?;
    found.next()?.map(|row| rows::record(hash, row)).transpose()
}

/// Keeps what was answered, instead of what has run out.
pub(crate) fn write(
    connection: &Connection,
    event_id: Uuid,
    records: &[IdempotencyRecord],
) -> Result<(), Failure> {
    if records.is_empty() {
        return Ok(());
    }
    let mut upsert = connection.prepare_cached(sql::RECORD_UPSERT)?;
    for record in records {
        let outcome = serde_json::to_string(&record.outcome)
            .expect("outcomes are plain data, which JSON can hold");
        let rows = upsert.execute(params![
            event_id.as_bytes(),
            record.hash.as_bytes(),
            record.fingerprint.as_bytes(),
            record.recorded_at.timestamp_micros(),
            outcome,
        ])?;
        one_row("record/upsert", rows)?;
    }
    Ok(())
}

/// Deletes up to `limit` records that have run out, and tells how many. Run again after a COMMIT that was
/// lost, it deletes the next ones and tells of those, which does no harm.
pub(crate) fn forget(
    connection: &Connection,
    limit: PageLimit,
    clock: &Clock,
) -> Result<Work<u64>, Failure> {
    let made_before = clock() - IdempotencyRecord::KEPT;
    let forgotten = connection
        .prepare_cached(sql::RECORD_FORGET)?
        .execute(params![made_before.timestamp_micros(), limit.get() as i64])?;
    Ok(match forgotten {
        0 => Work::Unchanged(0),
        _ => Work::Changed(forgotten as u64),
    })
}
