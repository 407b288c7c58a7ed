//! The store's health.

use crate::errors::Failure;
use crate::execute::{self, Lookup};
use crate::transaction::Work;
use crate::writer::{Urgency, Writer};
use crate::{create, schema, sql};
use booking_core::{
    Caller, Capacity, CapacityMax, Claim, Clock, Command, EmailAddress, ErrorChain, EventCommand,
    EventName, Fingerprint, IdempotencyKey, KeyHash, Lately, Migration, NewEvent, StoreError,
    StoreHealth, Totals, WriteTrouble,
};
use chrono::SubsecRound;
use rusqlite::{Connection, MAIN_DB, params};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use uuid::Uuid;

/// The longest wait for the writer, to see whether it can write. A longer one means that it has other
/// work, which is an answer, too.
const TRY_WITHIN: Duration = Duration::from_secs(1);
/// How much is written and deleted again to see whether the disk has room: as much as some batches.
const BALLAST_BYTES: usize = 64 << 10;

pub(crate) fn health(connection: &Connection) -> Result<StoreHealth, Failure> {
    let applied = schema::applied(connection)?;
    let is_missing = |own: &&Migration| !applied.iter().any(|other| other.version == own.version);
    let missing = schema::ours().iter().filter(is_missing).count();
    Ok(StoreHealth {
        takes_writes: !connection.is_readonly(MAIN_DB)?,
        migrations_missing: missing,
        trouble: None,
    })
}

/// Whether writing works. It does if something was committed since the last check. Else a sale is made and
/// rolled back, which waits for no disk; and if the last write failed something is committed too, since only
/// that detects a full disk.
pub(crate) async fn trouble(writer: &Writer, clock: &Clock) -> Option<WriteTrouble> {
    let watch = writer.watch();
    let is_in_doubt = match watch.lately() {
        Lately::Committed => return None,
        Lately::Quiet => false,
        Lately::Failed => true,
    };
    match timeout(TRY_WITHIN, try_to_write(writer, clock, is_in_doubt)).await {
        Ok(Ok(())) => {
            if watch.is_news_of_recovery() {
                log::info!("what is written is committed again");
            }
            None
        }
        Ok(Err(error)) => {
            if watch.is_news_of_trouble() {
                log::error!("nothing can be written: {}", ErrorChain(&error));
            }
            Some(WriteTrouble::Failing)
        }
        Err(_) if is_in_doubt => Some(WriteTrouble::Failing),
        Err(_) => None,
    }
}

async fn try_to_write(writer: &Writer, clock: &Clock, is_in_doubt: bool) -> Result<(), StoreError> {
    let time = Arc::clone(clock);
    writer.run(Urgency::Others, move |connection| sell_and_take_back(connection, &time)).await?;
    if is_in_doubt {
        let time = Arc::clone(clock);
        writer.run(Urgency::Others, move |connection| fill_and_empty(connection, &time)).await?;
    }
    Ok(())
}

/// Creates an event and sells its seat, through every table and index that a sale needs.
fn sell_and_take_back(connection: &Connection, clock: &Clock) -> Result<Work<()>, Failure> {
    let name = EventName::parse("Nothing").expect("it is a name");
    let capacity = Capacity::parse(1, CapacityMax::default()).expect("it is a capacity");
    let event = NewEvent::new(Uuid::nil().into(), name, capacity);
    // Whichever cell it belongs to.
    create::insert_or_read(connection, &event, clock().trunc_subsecs(6))?;
    let nobody = EmailAddress::parse("nobody@example.invalid").expect("it is an address");
    let claim = Claim::new(Uuid::nil().into(), nobody);
    let key = IdempotencyKey::new(KeyHash::new([0; 32]), Fingerprint::new([0; 32]));
    let register = EventCommand::new(event.id, Caller::Operator, Command::Register(claim.into()))
        .with_key(Some(key));
    execute::execute(connection, &[register], clock, &Lookup::default(), false)?;
    // This rolls it back.
    Ok(Work::Unchanged(()))
}

/// Commits and deletes a record that nobody sees.
fn fill_and_empty(connection: &Connection, clock: &Clock) -> Result<Work<()>, Failure> {
    let nothing = Uuid::max();
    connection.prepare_cached(sql::RECORD_UPSERT)?.execute(params![
        nothing.as_bytes(),
        [0_u8; 32],
        [0_u8; 32],
        clock().timestamp_micros(),
        "x".repeat(BALLAST_BYTES),
    ])?;
    connection.prepare_cached(sql::RECORD_DELETE_ALL)?.execute([nothing.as_bytes()])?;
    Ok(Work::Changed(()))
}

pub(crate) fn totals(connection: &Connection) -> Result<Totals, Failure> {
    let mut statement = connection.prepare_cached(sql::EVENT_TOTALS)?;
    Ok(statement.query_row([], |row| {
        // Each is a sum of columns that CHECKs keep from being negative.
        let sum = |column| row.get::<_, i64>(column).map(i64::unsigned_abs);
        Ok(Totals {
            events: sum(0)?,
            capacity: sum(1)?,
            booked: sum(2)?,
            held: sum(3)?,
            waiting: sum(4)?,
        })
    })?)
}
