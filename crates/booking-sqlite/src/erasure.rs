//! Removing erased data from the write-ahead log, which has the pages as they were.

use crate::connection::open_writer;
use crate::errors::Failure;
use booking_core::{Command, EventCommand};
use std::path::Path;
use std::time::Duration;

/// How long this waits for readers and writers; nobody can write meanwhile.
const LOG_WAIT_MAX: Duration = Duration::from_secs(1);

/// Whether a batch may have erased something.
pub(crate) fn is_erasing(batch: &[EventCommand]) -> bool {
    batch.iter().any(|item| matches!(item.command, Command::Erase { .. } | Command::EraseDue))
}

/// Copies the write-ahead log of the database at `path` into it, and truncates the log. If a reader
/// takes too long, that is left to the next erasure, or until the log is overwritten.
pub(crate) fn empty_log(path: &Path) {
    const STAYS: &str = "what was erased stays in the write-ahead log for now";
    match try_empty_log(path) {
        Ok(true) => {}
        Ok(false) => log::info!("{STAYS}: it is being read"),
        Err(failure) => log::warn!("{STAYS}: {failure}"),
    }
}

fn try_empty_log(path: &Path) -> Result<bool, Failure> {
    let connection = open_writer(path, LOG_WAIT_MAX).map_err(Failure::Open)?;
    let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
    let is_busy: bool = connection.query_row(checkpoint, [], |row| row.get(0))?;
    Ok(!is_busy)
}
