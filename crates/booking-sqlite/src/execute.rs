//! What is done with a batch of commands inside a write transaction.

use crate::errors::Failure;
use crate::load::load;
use crate::transaction::Work;
use crate::write::write;
use booking_core::{Clock, EventCommand, Execution, decide_batch};
use chrono::SubsecRound;
use rusqlite::Connection;
use std::collections::BTreeSet;

/// Executes a batch of commands.
pub(crate) fn execute(
    connection: &Connection,
    batch: &[EventCommand],
    clock: &Clock,
) -> Result<Work<Vec<Execution>>, Failure> {
    let now = clock().trunc_subsecs(6);
    let states = load(connection, batch, now)?;
    // Whoever holds the write lock holds every event.
    let busy = BTreeSet::new();
    let (executions, changes) = decide_batch(batch, &states, &busy, now);
    if changes.is_empty() {
        return Ok(Work::Unchanged(executions));
    }
    for change in &changes {
        write(connection, change, now)?;
    }
    Ok(Work::Changed(executions))
}
