//! The seeds of the keys that tickets are signed with.

use crate::errors::Failure;
use crate::transaction::{Work, one_row};
use crate::{rows, sql};
use booking_core::{Clock, SigningSeed, TicketKey};
use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};

/// All seeds, newest first.
pub(crate) fn list(connection: &Connection) -> Result<Vec<SigningSeed>, Failure> {
    let mut list = connection.prepare_cached(sql::KEY_LIST)?;
    let seeds = list.query_and_then([], |row| {
        rows::column(row, 0, "signing_keys.seed").map(SigningSeed::new)
    })?;
    seeds.collect()
}

/// Stores another one as the newest, or with `only_first` if there is none yet.
pub(crate) fn add(
    connection: &Connection,
    seed: SigningSeed,
    only_first: bool,
    clock: &Clock,
) -> Result<Work<()>, Failure> {
    let newest = list(connection)?.into_iter().next();
    // It is the newest already if this is repeated after a COMMIT that was lost.
    if newest.is_some_and(|newest| only_first || newest == seed) {
        return Ok(Work::Unchanged(()));
    }
    let rows = connection
        .prepare_cached(sql::KEY_INSERT)?
        .execute(params![seed.as_bytes(), clock().timestamp_micros()])?;
    one_row("key/insert", rows)?;
    Ok(Work::Changed(()))
}

/// The public keys that a server has published lately.
pub(crate) fn list_shown(
    connection: &Connection,
    now: DateTime<Utc>,
) -> Result<Vec<TicketKey>, Failure> {
    let since = now - TicketKey::KEPT;
    let mut list = connection.prepare_cached(sql::TICKET_KEY_LIST)?;
    let keys = list.query_and_then([since.timestamp_micros()], |row| {
        rows::column(row, 0, "ticket_keys.public_key").map(TicketKey::new)
    })?;
    keys.collect()
}

/// Records that a server signs with these.
pub(crate) fn show(
    connection: &Connection,
    keys: &[TicketKey],
    clock: &Clock,
) -> Result<Work<()>, Failure> {
    if keys.is_empty() {
        return Ok(Work::Unchanged(()));
    }
    let now = clock().timestamp_micros();
    let mut show = connection.prepare_cached(sql::TICKET_KEY_SHOW)?;
    for key in keys {
        one_row("ticket_key/show", show.execute(params![key.as_bytes(), now])?)?;
    }
    Ok(Work::Changed(()))
}
