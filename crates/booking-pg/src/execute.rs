//! The transaction that gives out seats.

use crate::connection::Lease;
use crate::error::PgError;
use crate::load::{Locked, Wanted};
use crate::rollback::End;
use crate::rows;
use crate::sql::{self, BEGIN, Sql};
use crate::store::PgStore;
use crate::transaction::{Attempt, Name, run};
use crate::write::write_and_commit;
use booking_core::{
    AskedBy, EventCommand, EventId, Execution, Observation, Outcome, StoreError, WhenBusy,
    decide_batch,
};
use chrono::{DateTime, Utc};
use futures_util::future::join3;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::time::Instant;
use uuid::Uuid;

impl PgStore {
    pub(crate) async fn execute_batch(
        &self,
        batch: &[EventCommand],
        when_busy: WhenBusy,
        released: &(dyn Fn() + Send + Sync),
    ) -> Result<Vec<Execution>, StoreError> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let asked_by = Some(AskedBy::of(batch));
        run(self, &Name { what: "execute", asked_by }, |attempt| {
            Box::pin(async move { self.attempt_batch(batch, when_busy, &attempt, released).await })
        })
        .await
    }

    async fn attempt_batch(
        &self,
        batch: &[EventCommand],
        when_busy: WhenBusy,
        attempt: &Attempt,
        released: &(dyn Fn() + Send + Sync),
    ) -> Result<Vec<Execution>, PgError> {
        let lock = match when_busy {
            WhenBusy::Skip if !attempt.must_find_out() => self.locking.skip,
            WhenBusy::Skip | WhenBusy::Wait => self.locking.wait,
        };
        let event_ids = event_ids(batch);
        let (connection, before) = self.rollbacks.connection_for(&self.pool, &event_ids).await?;
        let began = Instant::now();
        let by_id = attempt.is_repeated() || self.refuses.load(Ordering::Relaxed);
        let mut locked =
            self.lock_and_load(&connection, before, lock, batch, &event_ids, by_id).await?;
        let mut decided = decide_batch(batch, &locked.states, &locked.busy, locked.now);
        let mut answered = batch.iter().zip(&decided.0);
        let refuses = answered.any(|(item, execution)| item.must_know_its_id(execution));
        if refuses && !by_id {
            locked.load_claims_by_id(&connection, batch).await?;
            decided = decide_batch(batch, &locked.states, &locked.busy, locked.now);
        }
        self.refuses.store(refuses, Ordering::Relaxed);
        let (executions, changes) = decided;
        let tells_nothing = changes.is_empty() && !executions.iter().any(tells_what_was_done);
        if tells_nothing && !self.flush.releases_early() {
            // Not COMMIT, which the row locks would make wait for nothing; nor is this waited for.
            self.rollbacks.roll_back(&self.pool, connection, event_ids).await?;
            self.observer.observe(Observation::Executed(began.elapsed()));
            return Ok(executions);
        }
        let end = |how| {
            self.flush.end(&connection, how, || {
                // A command of an event that was busy goes before those that come later.
                if !executions.contains(&Execution::Busy) {
                    released();
                }
            })
        };
        if tells_nothing {
            // It may be because of what somebody has committed that is not safe yet.
            end("ROLLBACK").await?;
        } else if changes.is_empty() {
            // The row locks make COMMIT wait, for the disk and for the standby.
            end("COMMIT").await?;
        } else {
            let writing = Instant::now();
            write_and_commit(&connection, &changes, locked.now, attempt, end("COMMIT")).await?;
            self.observer.observe(Observation::Committed(writing.elapsed()));
        }
        self.observer.observe(Observation::Executed(began.elapsed()));
        connection.give_back();
        Ok(executions)
    }

    /// The first round trip: BEGIN, the lock, and what can be read once it is held. If an event needs
    /// more than that, because a hold has run out or somebody waits, there is one more.
    async fn lock_and_load(
        &self,
        connection: &Lease,
        before: End,
        lock: Sql,
        batch: &[EventCommand],
        event_ids: &[Uuid],
        by_id: bool,
    ) -> Result<Locked, PgError> {
        let mut commands: BTreeMap<EventId, Vec<&EventCommand>> = BTreeMap::new();
        for item in batch {
            commands.entry(item.event_id).or_default().push(item);
        }
        let Wanted { addresses, ids, keys } = Wanted::of(batch, by_id);

        let lock = connection.prepare(lock).await?;
        let now = connection.prepare_if(self.clock.is_none(), sql::SESSION_NOW).await?;
        let prepare = async |needed: bool, sql| connection.prepare_if(needed, sql).await;
        let by_address = prepare(!addresses.0.is_empty(), sql::REGISTRATION_BY_ADDRESS).await?;
        let by_id = prepare(!ids.0.is_empty(), sql::REGISTRATION_BY_ID).await?;
        let by_key = prepare(!keys.0.is_empty(), sql::RECORD_LOAD).await?;
        let begin = self.session.begin(BEGIN, self.flush.beginning(), AskedBy::of(batch));
        let asked = Instant::now();
        let lock_rows = async {
            let rows = connection.rows(&lock, &[&event_ids]).await;
            self.observer.observe(Observation::Locked(asked.elapsed()));
            rows
        };
        // Sent in this order without waiting in between. Each statement sees what was committed
        // before it began, and the lock is held when the later ones begin.
        let (before, (begun, events, now), (by_address, by_id, by_key)) = join3(
            before.wait(),
            join3(connection.script(BEGIN, &begin), lock_rows, connection.rows_if(&now, &[])),
            join3(
                connection.rows_if(&by_address, &[&addresses.0, &addresses.1]),
                connection.rows_if(&by_id, &[&ids.0, &ids.1]),
                connection.rows_if(&by_key, &[&keys.0, &keys.1]),
            ),
        )
        .await;
        before?;
        begun?;

        let mut states = BTreeMap::new();
        for row in &events? {
            let state = rows::event_state(row)?;
            states.insert(state.id, state);
        }
        let now = match now?.first() {
            Some(row) => row.get(0),
            None => self.clock_time().expect("the database was asked unless there is a clock"),
        };
        let mut busy = BTreeSet::new();
        if states.len() < commands.len() {
            let missing = commands.keys().filter(|id| !states.contains_key(id));
            busy = existing(connection, missing.map(|id| id.as_uuid()).collect()).await?;
        }
        let mut locked = Locked { states, busy, now };
        locked.add_registrations(&by_address?)?;
        locked.add_registrations(&by_id?)?;
        locked.add_records(&by_key?)?;
        locked.load_planned(connection, &commands).await?;
        locked.load_positions(connection, batch).await?;
        Ok(locked)
    }
}

/// The events of a batch, in order.
fn event_ids(batch: &[EventCommand]) -> Vec<Uuid> {
    let mut ids: Vec<Uuid> = batch.iter().map(|item| item.event_id.as_uuid()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Whether this tells that something was done, although nothing is done now. It must be as safe as if it
/// were: after a crash there may be rows that no standby has.
fn tells_what_was_done(execution: &Execution) -> bool {
    !matches!(
        execution,
        Execution::Busy | Execution::Decided(Outcome::Refused(_) | Outcome::Settled)
    )
}

/// Those of `missing` that exist: the rows that the lock skipped. With a lock that waits there are
/// none but events made this very moment, which are then as good as absent.
async fn existing(connection: &Lease, missing: Vec<Uuid>) -> Result<BTreeSet<EventId>, PgError> {
    let nobody_asks = None::<DateTime<Utc>>;
    let found = connection.fetch(sql::EVENT_STATUS, &[&missing, &nobody_asks]).await?;
    Ok(found.iter().map(|row| rows::event_id(row, 0)).collect())
}
