//! The transaction that gives out seats.

use crate::connection::{Lease, named};
use crate::error::PgError;
use crate::rows;
use crate::sql::{self, Sql};
use crate::store::PgStore;
use crate::transaction::{Attempt, run};
use booking_core::{
    Command, EventChange, EventCommand, EventId, EventState, Execution, Outcome, Refusal,
    StoreError, WhenBusy, decide_batch,
};
use chrono::{DateTime, Utc};
use futures_util::future::join4;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, Statement};
use uuid::Uuid;

const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

impl PgStore {
    pub(crate) async fn execute_batch(
        &self,
        batch: &[EventCommand],
        when_busy: WhenBusy,
    ) -> Result<Vec<Execution>, StoreError> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        run("execute", |attempt| {
            Box::pin(async move { self.attempt_batch(batch, when_busy, &attempt).await })
        })
        .await
    }

    async fn attempt_batch(
        &self,
        batch: &[EventCommand],
        when_busy: WhenBusy,
        attempt: &Attempt,
    ) -> Result<Vec<Execution>, PgError> {
        let lock = match when_busy {
            WhenBusy::Skip if !attempt.must_find_out() => self.locking.skip,
            WhenBusy::Skip | WhenBusy::Wait => self.locking.wait,
        };
        let connection = Lease::from(&self.pool).await?;
        let statements = Statements::prepare(&connection, lock).await?;

        let by_id = attempt.is_repeated() || self.refuses.load(Ordering::Relaxed);
        let mut locked = self.lock_and_load(&connection, &statements, batch, by_id).await?;
        let mut decided = decide_batch(batch, &locked.states, &locked.busy, locked.now);
        let refuses = decided.0.iter().any(is_refusal);
        if refuses && !by_id {
            // Some of them may be there already under their ids.
            locked.load(Wanted::of(batch, true).query(&connection, &statements).await)?;
            decided = decide_batch(batch, &locked.states, &locked.busy, locked.now);
        }
        self.refuses.store(refuses, Ordering::Relaxed);
        let (executions, changes) = decided;
        if changes.is_empty() {
            // Not COMMIT: that would flush the row locks to disk.
            connection.batch_execute("ROLLBACK").await.map_err(named("ROLLBACK"))?;
        } else {
            write_and_commit(&connection, &statements, &changes, locked.now, attempt).await?;
        }
        connection.give_back();
        Ok(executions)
    }

    /// The first round trip: BEGIN, the lock, and what can be read once it is held.
    async fn lock_and_load(
        &self,
        connection: &Lease,
        statements: &Statements,
        batch: &[EventCommand],
        by_id: bool,
    ) -> Result<Locked, PgError> {
        let event_ids: BTreeSet<EventId> = batch.iter().map(|item| item.event_id).collect();
        let wanted = Wanted::of(batch, by_id);
        let lock_ids: Vec<Uuid> = event_ids.iter().map(|id| id.as_uuid()).collect();
        // Sent in this order without waiting in between. Each statement sees what was committed
        // before it began, and the lock is held when the later ones begin.
        let (begun, locked, now, loaded) = join4(
            connection.batch_execute(BEGIN),
            connection.query(&statements.lock.0, &[&lock_ids]),
            self.read_clock(connection, statements),
            wanted.query(connection, statements),
        )
        .await;
        begun.map_err(named("BEGIN"))?;
        let locked = locked.map_err(named(statements.lock.1))?;
        let now = now?;

        let mut states = BTreeMap::new();
        for row in &locked {
            let state = rows::event_state(row)?;
            states.insert(state.id, state);
        }
        let mut busy = BTreeSet::new();
        if states.len() < event_ids.len() {
            let missing = event_ids.into_iter().filter(|id| !states.contains_key(id));
            busy = existing(connection, missing.map(EventId::as_uuid).collect()).await?;
        }
        let mut locked = Locked { states, busy, now };
        locked.load(loaded)?;
        Ok(locked)
    }

    async fn read_clock(
        &self,
        connection: &Lease,
        statements: &Statements,
    ) -> Result<DateTime<Utc>, PgError> {
        if let Some(clock) = &self.clock {
            return Ok(clock());
        }
        let row = connection.query_one(&statements.now, &[]).await;
        Ok(row.map_err(named(sql::SESSION_NOW.name))?.get(0))
    }
}

/// What is known once the rows are locked.
struct Locked {
    states: BTreeMap<EventId, EventState>,
    busy: BTreeSet<EventId>,
    now: DateTime<Utc>,
}

impl Locked {
    /// Takes in what a query of [`Wanted`] found.
    fn load(&mut self, found: Result<Vec<Row>, tokio_postgres::Error>) -> Result<(), PgError> {
        for row in &found.map_err(named(sql::REGISTRATION_LOAD.name))? {
            let registration = rows::registration(row)?;
            if let Some(state) = self.states.get_mut(&registration.event_id) {
                state.registrations.push(registration);
            }
        }
        Ok(())
    }
}

/// Whether a command was refused because of what is registered.
fn is_refusal(execution: &Execution) -> bool {
    match execution {
        Execution::Decided(Outcome::Refused(refusal)) => *refusal != Refusal::EventNotFound,
        Execution::Decided(Outcome::Confirmed(_)) | Execution::Busy => false,
    }
}

/// Those of `missing` that exist: the rows that the lock skipped. With a lock that waits there are
/// none but events made this very moment, which are then as good as absent.
async fn existing(connection: &Lease, missing: Vec<Uuid>) -> Result<BTreeSet<EventId>, PgError> {
    let found = connection.fetch(sql::EVENT_EXIST, &[&missing]).await?;
    Ok(found.iter().map(|row| EventId::from(row.get::<_, Uuid>(0))).collect())
}

/// The second round trip: everything that changed, and COMMIT.
async fn write_and_commit(
    connection: &Lease,
    statements: &Statements,
    changes: &[EventChange],
    now: DateTime<Utc>,
    attempt: &Attempt,
) -> Result<(), PgError> {
    let events = EventRows::of(changes);
    let made = RegistrationRows::of(changes);
    attempt.commit_is_sent();
    let (updated, inserted, recorded, committed) = join4(
        connection.execute(
            &statements.update_events,
            &[&events.ids, &events.booked_counts, &events.versions],
        ),
        connection.execute(
            &statements.insert_registrations,
            &[&made.event_ids, &made.ids, &made.emails, &made.versions, &made.created_at],
        ),
        connection.execute(
            &statements.insert_facts,
            &[&events.ids, &events.first_versions, &events.versions, &now, &events.facts],
        ),
        connection.batch_execute("COMMIT"),
    )
    .await;
    // The driver reports COMMIT as done even when the server answered it with ROLLBACK, so what went
    // before it is looked at first: if that went well there was nothing to roll back.
    for answer in [&updated, &inserted, &recorded] {
        attempt.look_at(answer);
    }
    let updated = updated.map_err(named(sql::EVENT_UPDATE.name))?;
    let inserted = inserted.map_err(named(sql::REGISTRATION_INSERT.name))?;
    let recorded = recorded.map_err(named(sql::FACT_INSERT.name))?;
    committed.map_err(named("COMMIT"))?;
    let written = (updated, inserted, recorded);
    let expected = (events.ids.len() as u64, made.ids.len() as u64, events.ids.len() as u64);
    assert_eq!(written, expected, "events updated, registrations inserted, facts recorded");
    Ok(())
}

/// The statements of a batch, prepared once on each connection.
struct Statements {
    lock: (Statement, &'static str),
    load: Statement,
    now: Statement,
    update_events: Statement,
    insert_registrations: Statement,
    insert_facts: Statement,
}

impl Statements {
    async fn prepare(connection: &Lease, lock: Sql) -> Result<Self, PgError> {
        Ok(Self {
            lock: (connection.prepare(lock).await?, lock.name),
            load: connection.prepare(sql::REGISTRATION_LOAD).await?,
            now: connection.prepare(sql::SESSION_NOW).await?,
            update_events: connection.prepare(sql::EVENT_UPDATE).await?,
            insert_registrations: connection.prepare(sql::REGISTRATION_INSERT).await?,
            insert_facts: connection.prepare(sql::FACT_INSERT).await?,
        })
    }
}

/// What a batch has to look up, as columns.
struct Wanted<'a> {
    event_ids: Vec<Uuid>,
    registration_ids: Vec<Uuid>,
    emails: Vec<&'a str>,
    /// Whether to look for the ids too. That is half of the work, and what is written for the first
    /// time is not there: its address is looked for, and an id that is taken is refused by the primary
    /// key, after which all of it is attempted again with the ids. Only a refusal has to know.
    by_id: bool,
}

impl<'a> Wanted<'a> {
    fn of(batch: &'a [EventCommand], by_id: bool) -> Self {
        let mut wanted = Self {
            event_ids: Vec::with_capacity(batch.len()),
            registration_ids: Vec::with_capacity(batch.len()),
            emails: Vec::with_capacity(batch.len()),
            by_id,
        };
        for EventCommand { event_id, command } in batch {
            match command {
                Command::Register(register) => {
                    wanted.event_ids.push(event_id.as_uuid());
                    wanted.registration_ids.push(register.registration_id.as_uuid());
                    wanted.emails.push(register.user_email.as_str());
                }
            }
        }
        wanted
    }

    async fn query(
        &self,
        connection: &Lease,
        statements: &Statements,
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        let parameters: [&(dyn ToSql + Sync); 4] =
            [&self.event_ids, &self.registration_ids, &self.emails, &self.by_id];
        connection.query(&statements.load, &parameters).await
    }
}

/// The changed events, as columns.
struct EventRows {
    ids: Vec<Uuid>,
    booked_counts: Vec<i32>,
    first_versions: Vec<i64>,
    versions: Vec<i64>,
    facts: Vec<String>,
}

impl EventRows {
    fn of(changes: &[EventChange]) -> Self {
        let mut rows = Self {
            ids: Vec::with_capacity(changes.len()),
            booked_counts: Vec::with_capacity(changes.len()),
            first_versions: Vec::with_capacity(changes.len()),
            versions: Vec::with_capacity(changes.len()),
            facts: Vec::with_capacity(changes.len()),
        };
        for change in changes {
            rows.ids.push(change.event_id.as_uuid());
            rows.booked_counts.push(rows::stored_count(change.booked_count));
            rows.first_versions.push(rows::stored_version(change.first_version()));
            rows.versions.push(rows::stored_version(change.version));
            rows.facts.push(rows::stored_facts(&change.facts));
        }
        rows
    }
}

/// The new registrations, as columns.
#[derive(Default)]
struct RegistrationRows<'a> {
    event_ids: Vec<Uuid>,
    ids: Vec<Uuid>,
    emails: Vec<&'a str>,
    versions: Vec<i64>,
    created_at: Vec<DateTime<Utc>>,
}

impl<'a> RegistrationRows<'a> {
    fn of(changes: &'a [EventChange]) -> Self {
        let mut rows = Self::default();
        for registration in changes.iter().flat_map(|change| &change.registrations) {
            rows.event_ids.push(registration.event_id.as_uuid());
            rows.ids.push(registration.id.as_uuid());
            rows.emails.push(registration.user_email.as_str());
            rows.versions.push(rows::stored_version(registration.event_version));
            rows.created_at.push(registration.created_at);
        }
        rows
    }
}
