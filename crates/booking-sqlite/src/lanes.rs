//! From facts to sinks: which facts are new, which sinks they are for, and each sink's progress.

use crate::errors::Failure;
use crate::queries::{event_status, one_more_than};
use crate::rows::stored;
use crate::transaction::{Work, one_row};
use crate::{delivery_rows, endpoints, mails, rows, sql};
use booking_core::{
    Backlog, Clock, DueLane, EmailAddress, EventId, EventStatus, FactSource, LEASE, Lane, LaneNext,
    LaneStep, LeaseId, MAIL_SEEN_KEPT, Page, PageLimit, RecordedFact, Registration,
    RegistrationCursor, SinkId, Version,
};
use chrono::{DateTime, Utc};
use rusqlite::{Connection, Row, params};
use std::cmp::Reverse;

/// The new facts of one event, which are consecutive.
struct Span {
    event_id: EventId,
    first: i64,
    last: i64,
}

/// The new facts of up to `limit` events.
fn new_facts(connection: &Connection, limit: i64) -> Result<Vec<Span>, Failure> {
    let mut statement = connection.prepare_cached(sql::FACT_NEW)?;
    let spans = statement.query_and_then([limit], |row| -> Result<_, Failure> {
        Ok(Span {
            event_id: rows::event_id(row, 0)?,
            first: rows::column(row, 1, "new_facts.version_first")?,
            last: rows::column(row, 2, "events.version")?,
        })
    })?;
    spans.collect()
}

/// Whether there are new facts to route. Ask a reader: there are none most of the time, and the writer has other
/// work.
pub(crate) fn are_new(connection: &Connection) -> Result<bool, Failure> {
    Ok(!new_facts(connection, 1)?.is_empty())
}

/// Makes or lengthens the lanes for new facts, and returns of how many events. Facts are routed in the order of their
/// versions, by one transaction at a time, so that a lane begins before the first of them.
pub(crate) fn route(
    connection: &Connection,
    limit: PageLimit,
    clock: &Clock,
) -> Result<Work<u64>, Failure> {
    let spans = new_facts(connection, limit.get() as i64)?;
    if spans.is_empty() {
        return Ok(Work::Unchanged(0));
    }
    let now = clock();
    let seen_after = now - MAIL_SEEN_KEPT;
    let mut route = connection.prepare_cached(sql::LANE_ROUTE)?;
    let mut clear_new = connection.prepare_cached(sql::FACT_ROUTED)?;
    for Span { event_id, first, last } in &spans {
        let event_id = event_id.as_uuid();
        route.execute(params![
            event_id.as_bytes(),
            first - 1,
            last,
            now.timestamp_micros(),
            seen_after.timestamp_micros(),
        ])?;
        clear_new.execute(params![event_id.as_bytes()])?;
    }
    Ok(Work::Changed(spans.len() as u64))
}

/// The lanes due by `now`, up to a number for each sink, longest due first.
pub(crate) fn due(
    connection: &Connection,
    wanted: &[(SinkId, usize)],
    now: DateTime<Utc>,
) -> Result<Vec<Lane>, Failure> {
    due_by(connection, wanted, now, delivery_rows::lane)
}

/// The same, with since when they have been due.
pub(crate) fn due_since(
    connection: &Connection,
    wanted: &[(SinkId, usize)],
    now: DateTime<Utc>,
) -> Result<Vec<DueLane>, Failure> {
    due_by(connection, wanted, now, delivery_rows::due_lane)
}

fn due_by<T>(
    connection: &Connection,
    wanted: &[(SinkId, usize)],
    now: DateTime<Utc>,
    read: fn(&Row<'_>) -> Result<T, Failure>,
) -> Result<Vec<T>, Failure> {
    let mut statement = connection.prepare_cached(sql::LANE_DUE)?;
    let mut lanes = Vec::new();
    for (sink, at_most) in wanted {
        let (sink, at_most) = (sink.as_uuid(), i64::try_from(*at_most).unwrap_or(i64::MAX));
        let parameters = params![sink.as_bytes(), now.timestamp_micros(), at_most];
        for lane in statement.query_and_then(parameters, read)? {
            lanes.push(lane?);
        }
    }
    Ok(lanes)
}

pub(crate) fn claim(
    connection: &Connection,
    wanted: &[(SinkId, usize)],
    lease: LeaseId,
    clock: &Clock,
) -> Result<Work<Vec<Lane>>, Failure> {
    let now = clock();
    let lanes = due(connection, wanted, now)?;
    if lanes.is_empty() {
        return Ok(Work::Unchanged(lanes));
    }
    let mut claim = connection.prepare_cached(sql::LANE_CLAIM)?;
    for lane in &lanes {
        let rows = claim.execute(params![
            lane.event_id.as_uuid().as_bytes(),
            lane.sink.as_uuid().as_bytes(),
            lease.as_uuid().as_bytes(),
            (now + LEASE).timestamp_micros(),
        ])?;
        one_row("lane/claim", rows)?;
    }
    Ok(Work::Changed(lanes))
}

/// If it is run again after a COMMIT that was lost, it may report that a lane which it released itself does not
/// belong to it any more. Either way the caller is done with that lane.
pub(crate) fn advance(
    connection: &Connection,
    steps: &[LaneStep],
    clock: &Clock,
) -> Result<Work<Vec<bool>>, Failure> {
    let now = clock();
    let stepped = steps.iter().map(|step| advance_one(connection, step, now));
    let stepped = stepped.collect::<Result<Vec<_>, _>>()?;
    Ok(if stepped.contains(&true) { Work::Changed(stepped) } else { Work::Unchanged(stepped) })
}

fn advance_one(
    connection: &Connection,
    step: &LaneStep,
    now: DateTime<Utc>,
) -> Result<bool, Failure> {
    let due_at = match step.next {
        LaneNext::GoOn => Some(now + LEASE),
        LaneNext::RetryAfter(pause) => Some(now + pause),
        LaneNext::Release => None,
    };
    let stepped = connection.prepare_cached(sql::LANE_ADVANCE)?.execute(params![
        step.event_id.as_uuid().as_bytes(),
        step.sink.as_uuid().as_bytes(),
        step.lease.as_uuid().as_bytes(),
        stored(step.version),
        step.position.map(stored),
        step.attempts,
        step.next == LaneNext::GoOn,
        rows::stored_time(due_at),
        now.timestamp_micros(),
    ])?;
    if stepped == 0 {
        return Ok(false);
    }
    for delivery in &step.deliveries {
        endpoints::upsert_delivery(connection, delivery, now)?;
    }
    mails::insert(connection, &step.mails, now)?;
    Ok(true)
}

/// Up to `at_most` facts after `after`. Each version was made by one fact, so that so many facts are so many
/// versions.
pub(crate) fn facts(
    connection: &Connection,
    event_id: EventId,
    after: Version,
    at_most: usize,
) -> Result<Vec<RecordedFact>, Failure> {
    let last = Version::new(after.get().saturating_add(at_most as u64).min(i64::MAX as u64));
    let event_id = event_id.as_uuid();
    let mut statement = connection.prepare_cached(sql::FACT_AFTER)?;
    let parameters = params![event_id.as_bytes(), stored(after), stored(last)];
    let rows = statement.query_and_then(parameters, delivery_rows::facts)?;
    let rows: Vec<_> = rows.collect::<Result<_, _>>()?;
    Ok(FactSource::merge(rows, after, last))
}

/// As stored: the caller wants the people whom a fact concerned, and not what has expired since.
pub(crate) fn list_live(
    connection: &Connection,
    event_id: EventId,
    after: Option<RegistrationCursor>,
    limit: PageLimit,
) -> Result<Option<Page<Registration, RegistrationCursor>>, Failure> {
    if event_status(connection, event_id)?.is_none() {
        return Ok(None);
    }
    let after = after.map_or(0, |cursor| stored(cursor.version()));
    let event_id = event_id.as_uuid();
    let mut list = connection.prepare_cached(sql::REGISTRATION_LIST_LIVE)?;
    let parameters = params![event_id.as_bytes(), after, one_more_than(limit)];
    let listed = list.query_and_then(parameters, rows::registration)?;
    Ok(Some(Page::new(listed.collect::<Result<_, _>>()?, limit)))
}

/// The live registrations of an address, for all events that have not ended. Holds and offers that have expired
/// are left out.
pub(crate) fn list_live_of(
    connection: &Connection,
    user_email: &EmailAddress,
    limit: PageLimit,
    now: DateTime<Utc>,
) -> Result<Vec<Registration>, Failure> {
    let mut list = connection.prepare_cached(sql::REGISTRATION_LIVE_OF_ADDRESS)?;
    let parameters = params![user_email.as_str(), limit.get() as i64, now.timestamp_micros()];
    let listed = list.query_and_then(parameters, rows::registration)?;
    let listed: Vec<_> = listed.collect::<Result<_, _>>()?;
    // None of them belongs to a cancelled event.
    let listed = listed.into_iter().map(|row| row.as_of(now, EventStatus::Published));
    Ok(listed.filter(|row| row.status.is_live()).collect())
}

/// Runs a statement that changes or deletes some rows of a sink, and returns how many.
pub(crate) fn change_some_of(
    connection: &Connection,
    statement: &str,
    sink: SinkId,
    at_most: i64,
) -> Result<Work<u64>, Failure> {
    let sink = sink.as_uuid();
    let mut statement = connection.prepare_cached(statement)?;
    Ok(Work::of_rows(statement.execute(params![sink.as_bytes(), at_most])?))
}

/// Makes some lanes of a sink that wait for another try due at once.
pub(crate) fn retry(
    connection: &Connection,
    sink: SinkId,
    at_most: i64,
    clock: &Clock,
) -> Result<Work<u64>, Failure> {
    let (sink, now) = (sink.as_uuid(), clock().timestamp_micros());
    let mut retry = connection.prepare_cached(sql::LANE_RETRY)?;
    Ok(Work::of_rows(retry.execute(params![sink.as_bytes(), now, at_most])?))
}

pub(crate) fn backlog(connection: &Connection) -> Result<Backlog, Failure> {
    let mut oldest = connection.prepare_cached(sql::FACT_OLDEST_NEW)?;
    let mut oldest = oldest.query([])?;
    let oldest_unrouted = match oldest.next()? {
        Some(row) => rows::optional_time(row, 0, "facts.recorded_at")?,
        None => None,
    };
    let mut sinks = Vec::new();
    // A disabled endpoint has no backlog, however long it is disabled.
    let enabled = endpoints::list(connection)?.into_iter().filter(|one| one.disabled.is_none());
    for sink in [SinkId::MAIL].into_iter().chain(enabled.map(|one| one.id.into())) {
        let mut count = connection.prepare_cached(sql::LANE_BACKLOG)?;
        let mut counted = count.query([sink.as_uuid().as_bytes()])?;
        if let Some(row) = counted.next()? {
            sinks.push(delivery_rows::sink_backlog(sink, row)?);
        }
    }
    sinks.retain(|sink| sink.lanes > 0);
    sinks.sort_by_key(|sink| (sink.oldest, Reverse(sink.failing), sink.sink));
    sinks.truncate(Backlog::SINKS_MAX);
    let (mails_due, oldest_mail, mails_stuck) = mails::backlog(connection)?;
    Ok(Backlog { oldest_unrouted, sinks, mails_due, oldest_mail, mails_stuck })
}

/// All sinks.
pub(crate) fn all_sinks(connection: &Connection) -> Result<Vec<SinkId>, Failure> {
    let endpoints = endpoints::list(connection)?;
    let of_endpoints = endpoints.into_iter().map(|endpoint| endpoint.id.into());
    Ok([SinkId::MAIL].into_iter().chain(of_endpoints).collect())
}
