//! The transaction that sells seats.

use crate::connection::Lease;
use crate::error::PgError;
use crate::load::{LoadedBatch, Wanted};
use crate::read::existing;
use crate::rollback::End;
use crate::rows;
use crate::sql::{self, BEGIN, Sql};
use crate::store::PgStore;
use crate::transaction::{Attempt, Name, run};
use crate::write::write_and_commit;
use booking_core::{
    AskedBy, EventChange, EventCommand, EventId, Execution, Observation, Outcome, SoughtIds,
    StoreError, WhenBusy, decide_batch, refuse_moving,
};
use chrono::{DateTime, Utc};
use futures_util::future::join3;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use uuid::Uuid;

/// The events whose changes any attempt of a batch was about to commit.
#[derive(Default)]
struct Sent(Mutex<BTreeSet<EventId>>);

impl Sent {
    fn note(&self, changes: &[EventChange]) {
        let mut events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        events.extend(changes.iter().map(|change| change.event_id));
    }

    fn has(&self, event: EventId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&event)
    }
}

impl PgStore {
    pub(crate) async fn execute_batch(
        &self,
        batch: &[EventCommand],
        when_busy: WhenBusy,
    ) -> Result<Vec<Execution>, StoreError> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let name = Name { what: "execute", asked_by: Some(AskedBy::of(batch)) };
        let sent = &Sent::default();
        let executed = run(self, &name, |attempt| {
            Box::pin(async move { self.attempt_batch(batch, when_busy, &attempt, sent).await })
        });
        let executions = executed.await?;
        if executions.iter().all(|execution| *execution == Execution::Unknown) {
            return Err(StoreError::commit_unknown(PgError::EventMoving));
        }
        Ok(executions)
    }

    async fn attempt_batch(
        &self,
        batch: &[EventCommand],
        when_busy: WhenBusy,
        attempt: &Attempt,
        sent: &Sent,
    ) -> Result<Vec<Execution>, PgError> {
        let lock = match when_busy {
            WhenBusy::Skip if !attempt.must_find_out() => self.locking.skip,
            WhenBusy::Skip | WhenBusy::Wait => self.locking.wait,
        };
        let event_ids = event_ids(batch);
        let (connection, before) = self.rollbacks.connection_for(&self.pool, &event_ids).await?;
        let began = Instant::now();
        let sought = SoughtIds::by(attempt.is_repeated(), self.refuses.load(Ordering::Relaxed));
        let mut loaded =
            self.lock_and_load(&connection, before, lock, batch, &event_ids, sought).await?;
        let mut decided = decide_batch(batch, &loaded.states, &loaded.busy, loaded.now);
        let mut answered = batch.iter().zip(&decided.0);
        let refuses = answered.any(|(item, execution)| item.must_know_its_id(execution));
        if refuses && sought == SoughtIds::None {
            loaded.load_claims_by_id(&connection, batch).await?;
            decided = decide_batch(batch, &loaded.states, &loaded.busy, loaded.now);
        }
        self.refuses.store(refuses, Ordering::Relaxed);
        let (mut executions, changes) = decided;
        refuse_moving(batch, &loaded.moving, &mut executions);
        if attempt.must_find_out() {
            // An earlier attempt may have been committed before the event was frozen, or left. The others are not kept
            // waiting until it is sold again: it may have left for good.
            for (item, execution) in batch.iter().zip(&mut executions) {
                if loaded.moving.contains(&item.event_id) && sent.has(item.event_id) {
                    *execution = Execution::Unknown;
                }
            }
        }
        if changes.is_empty() && !executions.iter().any(reports_earlier_work) {
            // Not COMMIT, which would wait without need because of the row locks; nor is this
            // waited for.
            self.rollbacks.roll_back(&self.pool, connection, event_ids).await?;
            self.observer.observe(Observation::Executed(began.elapsed()));
            return Ok(executions);
        }
        if changes.is_empty() {
            // The row locks make COMMIT wait, for the disk and for the standby.
            connection.commit().await?;
        } else {
            let writing = Instant::now();
            sent.note(&changes);
            write_and_commit(&connection, self.locking, &changes, loaded.now, attempt).await?;
            self.observer.observe(Observation::Committed(writing.elapsed()));
        }
        self.observer.observe(Observation::Executed(began.elapsed()));
        connection.give_back();
        Ok(executions)
    }

    /// The first round trip: BEGIN, the lock, and what can be read once it is held. If an event needs
    /// more than that, because a hold has expired or attendees wait, there is one more.
    async fn lock_and_load(
        &self,
        connection: &Lease,
        before: End,
        lock: Sql,
        batch: &[EventCommand],
        event_ids: &[Uuid],
        sought: SoughtIds,
    ) -> Result<LoadedBatch, PgError> {
        let mut commands: BTreeMap<EventId, Vec<&EventCommand>> = BTreeMap::new();
        for item in batch {
            commands.entry(item.event_id).or_default().push(item);
        }
        let Wanted { addresses, ids, keys } = Wanted::of(batch, sought);

        let waits = lock.name == self.locking.wait.name;
        let lock = connection.prepare(lock).await?;
        let now = connection.prepare_if(self.clock.is_none(), sql::SESSION_NOW).await?;
        let prepare = async |needed: bool, sql| connection.prepare_if(needed, sql).await;
        let by_address = prepare(!addresses.0.is_empty(), sql::REGISTRATION_BY_ADDRESS).await?;
        let by_id = prepare(!ids.0.is_empty(), sql::REGISTRATION_BY_ID).await?;
        let by_key = prepare(!keys.0.is_empty(), sql::RECORD_LOAD).await?;
        let begin = self.session.begin(BEGIN, AskedBy::of(batch));
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

        // Report why the lock was refused, and not what its transaction could not do after that.
        let events = events?;
        let now: DateTime<Utc> = match now?.first() {
            Some(row) => row.get(0),
            None => self.clock_time().expect("the database was asked unless there is a clock"),
        };
        let (mut states, mut moving) = (BTreeMap::new(), BTreeSet::new());
        for row in &events {
            let state = rows::event_state(row)?;
            match rows::frozen_until(row).is_some_and(|until| now < until) {
                true => drop(moving.insert(state.id)),
                false => drop(states.insert(state.id, state)),
            }
        }
        let mut busy = BTreeSet::new();
        if states.len() + moving.len() < commands.len() {
            let is_there = |id: &EventId| states.contains_key(id) || moving.contains(id);
            let missing = commands.keys().filter(|id| !is_there(id)).map(|id| id.as_uuid());
            let missing: Vec<Uuid> = missing.collect();
            // The rows that the lock skipped. With a lock that waits there are none but events that were created, or
            // arrived, this very moment.
            busy = existing(connection, &missing).await?;
            let found = busy.len();
            if waits {
                // They were not locked: they have appeared since, and a retry will find them.
                moving.append(&mut busy);
            }
            if found < missing.len() {
                let clock_time = self.clock_time();
                let elsewhere =
                    connection.fetch(sql::MOVING_WHICH, &[&missing, &clock_time]).await?;
                let elsewhere = elsewhere.iter().map(|row| rows::event_id(row, 0));
                moving.extend(elsewhere.filter(|id| !busy.contains(id)));
            }
        }
        let mut loaded = LoadedBatch { states, busy, moving, now };
        loaded.add_registrations(&by_address?)?;
        loaded.add_registrations(&by_id?)?;
        loaded.add_records(&by_key?)?;
        loaded.load_planned(connection, &commands).await?;
        loaded.load_positions(connection, batch).await?;
        Ok(loaded)
    }
}

/// The events of a batch, in order.
fn event_ids(batch: &[EventCommand]) -> Vec<Uuid> {
    let mut ids: Vec<Uuid> = batch.iter().map(|item| item.event_id.as_uuid()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Whether this answer reports that something was done earlier, although nothing is done now. It must be
/// as safe as a commit: after a crash there may be rows that no standby has.
fn reports_earlier_work(execution: &Execution) -> bool {
    !matches!(
        execution,
        Execution::Busy
            | Execution::Unknown
            | Execution::Decided(Outcome::Refused(_) | Outcome::Settled)
    )
}
