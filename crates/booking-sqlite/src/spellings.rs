//! Rewriting the addresses that earlier versions stored into their canonical spelling, once.

use crate::sql;
use booking_core::EmailAddress;
use chrono::Utc;
use rusqlite::{Connection, Error as SqliteError, params};
use uuid::Uuid;

/// Its name in the table of rewrites.
const NAME: &str = "canonical_addresses";

/// How many registrations are in memory at a time.
const TOGETHER: usize = 500;

/// A registration whose address may have another spelling.
struct Candidate {
    event_id: [u8; 16],
    version: i64,
    id: [u8; 16],
    stored: String,
}

/// Rewrites every stored address that has another spelling, unless that was done before: in the transaction of
/// the migrations, during which nobody else can write.
///
/// If another live registration of the event has the canonical spelling already, one person has two seats.
/// Both were sold, so that both stay as they are.
pub(crate) fn rewrite(connection: &Connection) -> Result<(), SqliteError> {
    if is_rewritten(connection)? {
        return Ok(());
    }
    let mut after = ([0; 16], 0);
    loop {
        let candidates = candidates(connection, after)?;
        for candidate in &candidates {
            respell(connection, candidate)?;
        }
        match candidates.last() {
            Some(last) if candidates.len() >= TOGETHER => after = (last.event_id, last.version),
            Some(_) | None => break,
        }
    }
    connection.execute(sql::REWRITE_INSERT, params![NAME, Utc::now().timestamp_micros()])?;
    Ok(())
}

/// Whether the rewrite was done.
pub(crate) fn is_rewritten(connection: &Connection) -> Result<bool, SqliteError> {
    connection.prepare(sql::REWRITE_FIND)?.exists([NAME])
}

fn candidates(
    connection: &Connection,
    (event_id, version): ([u8; 16], i64),
) -> Result<Vec<Candidate>, SqliteError> {
    let mut statement = connection.prepare(sql::REGISTRATION_OTHERWISE_SPELT)?;
    let found = statement.query_map(params![event_id, version, TOGETHER as i64], |row| {
        let (event_id, version, id) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(Candidate { event_id, version, id, stored: row.get(3)? })
    })?;
    found.collect()
}

fn respell(connection: &Connection, candidate: &Candidate) -> Result<(), SqliteError> {
    let Candidate { event_id, version, id, stored } = candidate;
    let Some(canonical) = EmailAddress::respelling_of(stored) else { return Ok(()) };
    let mut respell = connection.prepare_cached(sql::REGISTRATION_RESPELL)?;
    if respell.execute(params![event_id, version, stored, canonical.as_str()])? == 0 {
        let [id, event_id] = [id, event_id].map(|id| Uuid::from_bytes(*id));
        log::warn!(
            "registration {id} of event {event_id} keeps another spelling of its address: \
             another live registration of the event has the address already"
        );
    }
    Ok(())
}
