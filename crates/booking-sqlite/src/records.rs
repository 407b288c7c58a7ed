//! What was answered to requests that may come again.

use crate::errors::Failure;
use crate::transaction::{Work, one_row};
use crate::{rows, sql};
use booking_core::{Clock, EmailAddress, IdempotencyRecord, KeyHash, Outcome, PageLimit, Stored};
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
        let outcome = serde_json::to_string(&Stored(&record.outcome))
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
pub(crate) fn purge(
    connection: &Connection,
    limit: PageLimit,
    clock: &Clock,
) -> Result<Work<u64>, Failure> {
    let made_before = clock() - IdempotencyRecord::KEPT;
    let purged = connection
        .prepare_cached(sql::RECORD_PURGE)?
        .execute(params![made_before.timestamp_micros(), limit.get() as i64])?;
    Ok(match purged {
        0 => Work::Unchanged(0),
        _ => Work::Changed(purged as u64),
    })
}

/// A record, as it is found by what it says: the event that it is of, its key, and what it said.
pub(crate) struct Found {
    event_id: Uuid,
    hash: [u8; 32],
    said: String,
}

/// Up to `limit` records that say that a registration is of `email`.
pub(crate) fn of_address(
    connection: &Connection,
    email: &EmailAddress,
    limit: PageLimit,
) -> Result<Vec<Found>, Failure> {
    let as_asked = as_outcomes_say(email);
    let mut statement = connection.prepare_cached(sql::RECORD_OF_ADDRESS)?;
    let mut looked_at = statement.query(params![as_asked])?;
    let mut found = Vec::new();
    while found.len() < limit.get()
        && let Some(row) = looked_at.next()?
    {
        let outcome: String = rows::column(row, 2, "idempotency_records.outcome")?;
        let said = match outcome.contains(&as_asked) {
            true => Some(as_asked.clone()),
            false => address_in(&outcome)
                .filter(|stored| email.is_stored_as(stored.as_str()))
                .map(|stored| as_outcomes_say(&stored)),
        };
        if let Some(said) = said {
            let event_id = rows::uuid(row, 0, "idempotency_records.event_id")?;
            let hash = rows::column(row, 1, "idempotency_records.key_hash")?;
            found.push(Found { event_id, hash, said });
        }
    }
    Ok(found)
}

/// How an outcome, as it is stored, says whose a registration is.
fn as_outcomes_say(email: &EmailAddress) -> String {
    let json = serde_json::to_string(email).expect("a text is JSON");
    format!("\"user_email\":{json}")
}

/// Whose registration an outcome tells of.
fn address_in(outcome: &str) -> Option<EmailAddress> {
    let outcome: Outcome = serde_json::from_str(outcome).ok()?;
    outcome.registration().map(|registration| registration.person.user_email.clone())
}

/// Deletes those records, unless they say something else by now, and tells how many they were.
pub(crate) fn delete(connection: &Connection, found: &[Found]) -> Result<Work<u64>, Failure> {
    let mut delete = connection.prepare_cached(sql::RECORD_DELETE)?;
    for Found { event_id, hash, said } in found {
        delete.execute(params![event_id.as_bytes(), hash, said])?;
    }
    Ok(Work::Changed(found.len() as u64))
}
