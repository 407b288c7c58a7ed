//! Answers to requests that may be repeated.

use crate::errors::Failure;
use crate::transaction::{Work, one_row};
use crate::{rows, sql};
use booking_core::{Clock, EmailAddress, IdempotencyRecord, KeyHash, Outcome, PageLimit, Stored};
use rusqlite::{CachedStatement, Connection, params};
use uuid::Uuid;

/// The answer under a key for an event, expired or not. `find` is [`sql::RECORD_FIND`].
pub(crate) fn find(
    find: &mut CachedStatement<'_>,
    event_id: Uuid,
    hash: KeyHash,
) -> Result<Option<IdempotencyRecord>, Failure> {
    let mut found = find.query(params![event_id.as_bytes(), hash.as_bytes()])?;
    found.next()?.map(|row| rows::record(hash, row)).transpose()
}

/// Stores an answer, in place of an expired one.
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

/// Deletes up to `limit` records that have expired, and returns how many. If it is run again after a
/// COMMIT that was lost, it deletes the next ones and returns their number, which does no harm.
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

/// A record that was found by its content: its event, its key, and its content.
pub(crate) struct Found {
    event_id: Uuid,
    hash: [u8; 32],
    said: String,
}

/// Up to `limit` records whose registration is of `email`.
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

/// The address of a registration as it is stored in an outcome.
fn as_outcomes_say(email: &EmailAddress) -> String {
    let json = serde_json::to_string(email).expect("a text is JSON");
    format!("\"user_email\":{json}")
}

/// The address of an outcome's registration.
fn address_in(outcome: &str) -> Option<EmailAddress> {
    let outcome: Outcome = serde_json::from_str(outcome).ok()?;
    outcome.registration().map(|registration| registration.person.user_email.clone())
}

/// Deletes those records, unless their content has changed by now, and returns how many.
pub(crate) fn delete(connection: &Connection, found: &[Found]) -> Result<Work<u64>, Failure> {
    let mut delete = connection.prepare_cached(sql::RECORD_DELETE)?;
    for Found { event_id, hash, said } in found {
        delete.execute(params![event_id.as_bytes(), hash, said])?;
    }
    Ok(Work::Changed(found.len() as u64))
}
