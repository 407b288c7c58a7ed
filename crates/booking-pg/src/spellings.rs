//! Rewriting the addresses that earlier versions stored into their canonical spelling, once.

use crate::connection::Lease;
use crate::error::PgError;
use crate::sql::{self, BEGIN};
use booking_core::EmailAddress;
use tokio_postgres::Row;
use uuid::Uuid;

/// Its name in the table of rewrites.
pub(crate) const NAME: &str = "canonical_addresses";

/// How many registrations are read at a time. Those of one event are rewritten in one transaction.
const TOGETHER: i64 = 500;

/// Rewrites every stored address that has another spelling, unless that was done before. If it is interrupted,
/// the next run continues.
///
/// If another live registration of the event has the canonical spelling already, one person has two seats.
/// Both were sold, so that both stay as they are.
pub(crate) async fn rewrite(connection: &Lease) -> Result<(), PgError> {
    if is_rewritten(connection).await? {
        return Ok(());
    }
    let mut after = (Uuid::nil(), 0_i64);
    loop {
        let found = connection
            .fetch(sql::REGISTRATION_OTHERWISE_SPELT, &[&after.0, &after.1, &TOGETHER])
            .await?;
        for of_event in found.chunk_by(|a, b| a.get::<_, Uuid>(0) == b.get::<_, Uuid>(0)) {
            rewrite_together(connection, of_event).await?;
        }
        match found.last() {
            Some(last) if found.len() >= TOGETHER as usize => after = (last.get(0), last.get(1)),
            Some(_) | None => break,
        }
    }
    connection.fetch(sql::REWRITE_INSERT, &[&NAME]).await?;
    Ok(())
}

/// Whether the rewrite was done.
pub(crate) async fn is_rewritten(connection: &Lease) -> Result<bool, PgError> {
    Ok(!connection.fetch(sql::REWRITE_FIND, &[&NAME]).await?.is_empty())
}

/// Rewrites some rows of one event under its lock, so that no other transaction takes an address
/// meanwhile.
async fn rewrite_together(connection: &Lease, rows: &[Row]) -> Result<(), PgError> {
    let respelt: Vec<_> = rows
        .iter()
        .filter_map(|row| {
            let (event_id, id, stored): (Uuid, Uuid, &str) = (row.get(0), row.get(2), row.get(3));
            let canonical = String::from(EmailAddress::respelling_of(stored)?);
            Some((event_id, id, stored, canonical))
        })
        .collect();
    let Some((event_id, ..)) = respelt.first() else { return Ok(()) };
    let respell = connection.prepare(sql::REGISTRATION_RESPELL).await?;
    connection.command(BEGIN).await?;
    connection.fetch(sql::EVENT_LOCK, &[&vec![*event_id]]).await?;
    for (event_id, id, stored, canonical) in &respelt {
        let changed = connection.change(&respell, &[event_id, id, stored, canonical]).await?;
        if changed == 0 {
            log::warn!(
                "registration {id} of event {event_id} keeps another spelling of its address: \
                 another live registration of the event has the address already, unless it has just changed"
            );
        }
    }
    connection.commit().await
}
