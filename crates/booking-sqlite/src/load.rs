//! Reading a batch's events before deciding.

use crate::errors::Failure;
use crate::rows::{self, stored};
use crate::{records, sql, ways};
use booking_core::{EventCommand, EventId, EventState, LoadPlan, Registration, SoughtIds, Status};
use chrono::{DateTime, Utc};
use rusqlite::{CachedStatement, Connection, Params, params};
use std::collections::{BTreeMap, BTreeSet};

/// The events of a batch.
pub(crate) struct Loaded {
    pub(crate) states: BTreeMap<EventId, EventState>,
    /// Those that are moving to another store, or have left, so that they cannot be changed here.
    pub(crate) moving: BTreeSet<EventId>,
}

/// Loads the existing events of `batch`, with what its commands need of them at `now`. Of the registrations that they
/// make, those are looked for by their ids that `sought` says.
pub(crate) fn load(
    connection: &Connection,
    batch: &[EventCommand],
    now: DateTime<Utc>,
    sought: SoughtIds,
) -> Result<Loaded, Failure> {
    let mut of_events: BTreeMap<EventId, Vec<&EventCommand>> = BTreeMap::new();
    for item in batch {
        of_events.entry(item.event_id).or_default().push(item);
    }
    let (mut states, mut moving) = (BTreeMap::new(), BTreeSet::new());
    let mut load_event = connection.prepare_cached(sql::EVENT_LOAD)?;
    for id in of_events.keys() {
        let mut rows = load_event.query([id.as_uuid().as_bytes()])?;
        match rows.next()? {
            Some(row) if rows::frozen_until(row)?.is_some_and(|until| now < until) => {
                moving.insert(*id);
            }
            Some(row) => {
                states.insert(*id, rows::state(*id, row)?);
            }
            None if ways::is_elsewhere(connection, *id, now)? => {
                moving.insert(*id);
            }
            None => {}
        }
    }
    load_by_address(connection, batch, &mut states)?;
    load_by_id(connection, batch.iter().filter(|item| item.looks_up_its_id(sought)), &mut states)?;
    load_records(connection, batch, &mut states)?;
    for state in states.values_mut() {
        let plan = state.load_plan(of_events[&state.id].iter().copied(), now);
        if !plan.is_nothing() {
            load_planned(connection, state, plan, now)?;
        }
        count_positions(connection, state)?;
    }
    Ok(Loaded { states, moving })
}

/// For commands of `batch` that create a registration, adds the ones that already have its id.
pub(crate) fn load_claims_by_id(
    connection: &Connection,
    batch: &[EventCommand],
    states: &mut BTreeMap<EventId, EventState>,
) -> Result<(), Failure> {
    let made = batch.iter().filter(|item| item.makes_registration());
    load_by_id(connection, made.filter(|item| item.looks_up_its_id(SoughtIds::SentAgain)), states)?;
    states.values_mut().try_for_each(|state| count_positions(connection, state))
}

/// Adds the live registrations that have the address of a command.
fn load_by_address(
    connection: &Connection,
    batch: &[EventCommand],
    states: &mut BTreeMap<EventId, EventState>,
) -> Result<(), Failure> {
    let mut find = connection.prepare_cached(sql::REGISTRATION_BY_ADDRESS)?;
    for item in batch {
        if let (Some(email), Some(state)) = (item.user_email(), states.get_mut(&item.event_id)) {
            let event_id = state.id.as_uuid();
            add(&mut find, params![event_id.as_bytes(), email.as_str()], &mut state.registrations)?;
        }
    }
    Ok(())
}

/// Adds the registrations that have the id of a command.
fn load_by_id<'a>(
    connection: &Connection,
    commands: impl Iterator<Item = &'a EventCommand>,
    states: &mut BTreeMap<EventId, EventState>,
) -> Result<(), Failure> {
    let mut find = connection.prepare_cached(sql::REGISTRATION_BY_ID)?;
    for item in commands {
        if let (Some(id), Some(state)) = (item.registration_id(), states.get_mut(&item.event_id)) {
            let (event_id, id) = (state.id.as_uuid(), id.as_uuid());
            add(&mut find, params![event_id.as_bytes(), id.as_bytes()], &mut state.registrations)?;
        }
    }
    Ok(())
}

fn load_records(
    connection: &Connection,
    batch: &[EventCommand],
    states: &mut BTreeMap<EventId, EventState>,
) -> Result<(), Failure> {
    if batch.iter().all(|item| item.key.is_none()) {
        return Ok(());
    }
    let mut find = connection.prepare_cached(sql::RECORD_FIND)?;
    for item in batch {
        if let (Some(key), Some(state)) = (&item.key, states.get_mut(&item.event_id)) {
            state.records.extend(records::find(&mut find, item.event_id.as_uuid(), key.hash)?);
        }
    }
    Ok(())
}

fn load_planned(
    connection: &Connection,
    state: &mut EventState,
    plan: LoadPlan,
    now: DateTime<Utc>,
) -> Result<(), Failure> {
    let id = state.id.as_uuid();
    let now = now.timestamp_micros();
    if plan.overdue_max > 0 {
        let mut overdue = connection.prepare_cached(sql::REGISTRATION_OVERDUE)?;
        let parameters = params![id.as_bytes(), now, plan.overdue_max];
        add(&mut overdue, parameters, &mut state.overdue)?;
        let mut due_next = connection.prepare_cached(sql::REGISTRATION_DUE_NEXT)?;
        let mut rows = due_next.query(params![id.as_bytes(), now])?;
        if let Some(row) = rows.next()? {
            state.due_next = rows::optional_time(row, 0, "registrations.expires_at")?;
        }
    }
    if plan.waiting_max > 0 {
        let mut waiting = connection.prepare_cached(sql::REGISTRATION_WAITING)?;
        add(&mut waiting, params![id.as_bytes(), plan.waiting_max], &mut state.waiting)?;
        for (position, registration) in (1..).zip(&mut state.waiting) {
            registration.position = Some(position);
        }
    }
    if plan.unerased_max > 0 {
        let mut unerased = connection.prepare_cached(sql::REGISTRATION_UNERASED)?;
        add(&mut unerased, params![id.as_bytes(), plan.unerased_max], &mut state.unerased)?;
    }
    if plan.questions {
        let mut questions = connection.prepare_cached(sql::QUESTION_FIND)?;
        let mut rows = questions.query([id.as_bytes()])?;
        state.questions = rows.next()?.map(rows::questions).transpose()?;
    }
    if plan.details {
        let mut details = connection.prepare_cached(sql::EVENT_DETAILS)?;
        let mut rows = details.query([id.as_bytes()])?;
        if let Some(row) = rows.next()? {
            state.details = Some(rows::stored_details(row)?);
        }
    }
    Ok(())
}

/// Counts, for each waiting registration that commands name, how many wait before it. In the order of
/// the queue, so that it is walked once however many they are.
fn count_positions(connection: &Connection, state: &mut EventState) -> Result<(), Failure> {
    let mut waiting: Vec<_> = state
        .registrations
        .iter_mut()
        .filter(|registration| registration.status == Status::Waitlisted)
        .collect();
    if waiting.is_empty() {
        return Ok(());
    }
    waiting.sort_by_key(|registration| registration.created_version);
    let mut count = connection.prepare_cached(sql::REGISTRATION_COUNT_WAITING)?;
    let (mut counted_to, mut ahead) = (0, 0);
    for registration in waiting {
        let version = stored(registration.created_version);
        let mut rows = count.query(params![state.id.as_uuid().as_bytes(), counted_to, version])?;
        if let Some(row) = rows.next()? {
            ahead += rows::count(row, 0, "count(*)")?;
        }
        counted_to = version;
        registration.position = Some(ahead + 1);
    }
    Ok(())
}

fn add(
    statement: &mut CachedStatement<'_>,
    parameters: impl Params,
    found: &mut Vec<Registration>,
) -> Result<(), Failure> {
    let mut rows = statement.query(parameters)?;
    while let Some(row) = rows.next()? {
        found.push(rows::registration(row)?);
    }
    Ok(())
}
