//! What is done inside a write transaction.

use crate::errors::Failure;
use crate::queries::read_event;
use crate::rows::{self, stored};
use crate::sql;
use crate::transaction::Work;
use booking_core::{
    Clock, Command, Event, EventChange, EventCommand, EventId, EventState, Execution, Fact,
    NewEvent, Registration, Version, decide_batch,
};
use chrono::{DateTime, SubsecRound, Utc};
use rusqlite::{CachedStatement, Connection, params};
use std::collections::{BTreeMap, BTreeSet};

/// Executes a batch of commands.
pub(crate) fn execute(
    connection: &Connection,
    batch: &[EventCommand],
    clock: &Clock,
) -> Result<Work<Vec<Execution>>, Failure> {
    let now = clock();
    let states = load(connection, batch)?;
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

/// Puts up an event, or finds the one that is there under its id.
pub(crate) fn create_event(
    connection: &Connection,
    new: &NewEvent,
    clock: &Clock,
) -> Result<Work<Event>, Failure> {
    let now = clock().trunc_subsecs(6);
    let inserted = connection.prepare_cached(sql::EVENT_INSERT)?.execute(params![
        new.id.as_uuid().as_bytes(),
        new.capacity.get(),
        stored(Version::FIRST),
        now.timestamp_micros(),
        new.name.as_str(),
        new.description.as_str(),
    ])?;
    if inserted == 1 {
        let facts = [Fact::EventCreated];
        write_facts(connection, new.id, Version::FIRST, Version::FIRST, &facts, now)?;
    }
    // Read back in both cases, so that what is answered is what anybody will read.
    let event = read_event(connection, new.id)?
        .ok_or(Failure::RowsChanged { statement: "event/insert", rows: 0 })?;
    Ok(if inserted == 1 { Work::Changed(event) } else { Work::Unchanged(event) })
}

fn load(
    connection: &Connection,
    batch: &[EventCommand],
) -> Result<BTreeMap<EventId, EventState>, Failure> {
    let mut states = BTreeMap::new();
    let mut load_event = connection.prepare_cached(sql::EVENT_LOAD)?;
    let ids: BTreeSet<EventId> = batch.iter().map(|item| item.event_id).collect();
    for id in ids {
        if let Some(state) = load_state(&mut load_event, id)? {
            states.insert(id, state);
        }
    }
    let mut load_registrations = connection.prepare_cached(sql::REGISTRATION_LOAD)?;
    for item in batch {
        if let Some(state) = states.get_mut(&item.event_id) {
            load_of(&mut load_registrations, item, &mut state.registrations)?;
        }
    }
    Ok(states)
}

fn load_state(
    statement: &mut CachedStatement<'_>,
    id: EventId,
) -> Result<Option<EventState>, Failure> {
    let mut rows = statement.query([id.as_uuid().as_bytes()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(EventState {
        id,
        capacity: rows::capacity(row, 0)?,
        booked_count: rows::booked_count(row, 1)?,
        version: rows::version(row, 2, "events.version")?,
        registrations: Vec::new(),
    }))
}

/// Adds the registrations that have the id or the address of a command, two at most.
fn load_of(
    statement: &mut CachedStatement<'_>,
    item: &EventCommand,
    found: &mut Vec<Registration>,
) -> Result<(), Failure> {
    let Command::Register(register) = &item.command;
    let mut rows = statement.query(params![
        item.event_id.as_uuid().as_bytes(),
        register.registration_id.as_uuid().as_bytes(),
        register.user_email.as_str(),
    ])?;
    while let Some(row) = rows.next()? {
        found.push(rows::registration(row)?);
    }
    Ok(())
}

fn write(connection: &Connection, change: &EventChange, now: DateTime<Utc>) -> Result<(), Failure> {
    let event_id = change.event_id.as_uuid();
    let decided_upon = stored(change.first_version()) - 1;
    let rows = connection.prepare_cached(sql::EVENT_UPDATE)?.execute(params![
        event_id.as_bytes(),
        change.booked_count,
        stored(change.version),
        decided_upon,
    ])?;
    one_row("event/update", rows)?;

    let mut insert = connection.prepare_cached(sql::REGISTRATION_INSERT)?;
    for registration in &change.registrations {
        let rows = insert.execute(params![
            event_id.as_bytes(),
            stored(registration.event_version),
            registration.id.as_uuid().as_bytes(),
            registration.user_email.as_str(),
            registration.created_at.timestamp_micros(),
        ])?;
        one_row("registration/insert", rows)?;
    }
    let first = change.first_version();
    write_facts(connection, change.event_id, first, change.version, &change.facts, now)
}

fn write_facts(
    connection: &Connection,
    event_id: EventId,
    first: Version,
    last: Version,
    facts: &[Fact],
    now: DateTime<Utc>,
) -> Result<(), Failure> {
    let body = serde_json::to_string(facts).expect("facts are plain data, which JSON can hold");
    let rows = connection.prepare_cached(sql::FACT_INSERT)?.execute(params![
        event_id.as_uuid().as_bytes(),
        stored(first),
        stored(last),
        now.timestamp_micros(),
        body,
    ])?;
    one_row("fact/insert", rows)
}

fn one_row(statement: &'static str, rows: usize) -> Result<(), Failure> {
    if rows == 1 { Ok(()) } else { Err(Failure::RowsChanged { statement, rows }) }
}
