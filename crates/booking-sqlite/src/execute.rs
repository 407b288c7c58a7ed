//! Executing a batch of commands inside a write transaction.

use crate::errors::Failure;
use crate::load::{Loaded, load, load_claims_by_id};
use crate::transaction::Work;
use crate::write::write;
use booking_core::{Clock, EventCommand, Execution, SoughtIds, decide_batch, refuse_moving};
use chrono::SubsecRound;
use rusqlite::Connection;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What is looked up of the registrations that a batch creates.
///
/// A new registration is looked up by its address and not by its id: if the id is taken its index refuses
/// it, and the transaction is run again. Only that run and a refusal need the ids, and looking them up is
/// a tenth of the work.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lookup {
    /// Whether the last batch refused a command that may have been executed before: so will the next.
    refuses: Arc<AtomicBool>,
}

/// Executes a batch of commands, `again` if it may be committed already.
pub(crate) fn execute(
    connection: &Connection,
    batch: &[EventCommand],
    clock: &Clock,
    lookup: &Lookup,
    again: bool,
) -> Result<Work<Vec<Execution>>, Failure> {
    let now = clock().trunc_subsecs(6);
    let sought = SoughtIds::by(again, lookup.refuses.load(Ordering::Relaxed));
    let Loaded { mut states, moving } = load(connection, batch, now, sought)?;
    // The write lock covers every event.
    let busy = BTreeSet::new();
    let mut decided = decide_batch(batch, &states, &busy, now);
    let mut answered = batch.iter().zip(&decided.0);
    let refuses = answered.any(|(item, execution)| item.must_know_its_id(execution));
    if refuses && sought == SoughtIds::None {
        load_claims_by_id(connection, batch, &mut states)?;
        decided = decide_batch(batch, &states, &busy, now);
    }
    lookup.refuses.store(refuses, Ordering::Relaxed);
    let (mut executions, changes) = decided;
    refuse_moving(batch, &moving, &mut executions);
    if changes.is_empty() {
        return Ok(Work::Unchanged(executions));
    }
    for change in &changes {
        write(connection, change, now)?;
    }
    Ok(Work::Changed(executions))
}
