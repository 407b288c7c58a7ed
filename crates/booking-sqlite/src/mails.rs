//! Mails to be sent, due reminders, and purging of deliveries.

use crate::errors::Failure;
use crate::rows::{self, stored};
use crate::transaction::{Work, one_row};
use crate::{delivery_rows, former_holders, sql};
use booking_core::{
    Clock, DELIVERIES_KEPT, EndpointId, EventId, LEASE, LeaseId, Mail, MailStep, NewMail,
    PageLimit, SettledMail,
};
use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};
use std::collections::BTreeSet;

/// Records that a server which sends mail is running.
pub(crate) fn show(connection: &Connection, clock: &Clock) -> Result<Work<()>, Failure> {
    let mut show = connection.prepare_cached(sql::MAIL_SHOW)?;
    one_row("mail/show", show.execute([clock().timestamp_micros()])?)?;
    Ok(Work::Changed(()))
}

/// Stores mails to be sent, except those that exist. Returns false, and stores none, if one's event is not here.
pub(crate) fn add(
    connection: &Connection,
    mails: &[NewMail],
    clock: &Clock,
) -> Result<Work<bool>, Failure> {
    let mut status = connection.prepare_cached(sql::EVENT_STATUS)?;
    let events: BTreeSet<EventId> = mails.iter().map(|mail| mail.event_id).collect();
    for event in events {
        if !status.exists([event.as_uuid().as_bytes()])? {
            return Ok(Work::Unchanged(false));
        }
    }
    insert(connection, mails, clock())?;
    Ok(Work::Changed(true))
}

/// The same for mails that are made at `now`.
pub(crate) fn insert(
    connection: &Connection,
    mails: &[NewMail],
    now: DateTime<Utc>,
) -> Result<(), Failure> {
    let mut insert = connection.prepare_cached(sql::MAIL_INSERT)?;
    for mail in mails {
        insert.execute(params![
            mail.event_id.as_uuid().as_bytes(),
            mail.id.as_uuid().as_bytes(),
            mail.registration_id.as_uuid().as_bytes(),
            mail.kind.as_str(),
            stored(mail.version),
            now.timestamp_micros(),
        ])?;
    }
    Ok(())
}

/// Mails due by `now`, longest due first.
pub(crate) fn due(
    connection: &Connection,
    at_most: usize,
    now: DateTime<Utc>,
) -> Result<Vec<Mail>, Failure> {
    let at_most = i64::try_from(at_most).unwrap_or(i64::MAX);
    let mut due = connection.prepare_cached(sql::MAIL_DUE)?;
    let due = due.query_and_then(params![now.timestamp_micros(), at_most], delivery_rows::mail)?;
    due.collect()
}

pub(crate) fn claim(
    connection: &Connection,
    at_most: usize,
    lease: LeaseId,
    clock: &Clock,
) -> Result<Work<Vec<Mail>>, Failure> {
    let now = clock();
    let mails = due(connection, at_most, now)?;
    if mails.is_empty() {
        return Ok(Work::Unchanged(mails));
    }
    let mut claim = connection.prepare_cached(sql::MAIL_CLAIM)?;
    for Mail { mail, .. } in &mails {
        let rows = claim.execute(params![
            mail.event_id.as_uuid().as_bytes(),
            mail.id.as_uuid().as_bytes(),
            lease.as_uuid().as_bytes(),
            (now + LEASE).timestamp_micros(),
        ])?;
        one_row("mail/claim", rows)?;
    }
    Ok(Work::Changed(mails))
}

/// If it is run again after a COMMIT that was lost, it may report that a mail which it settled itself does not
/// belong to its worker any more. Either way the worker is done with that mail.
pub(crate) fn settle(
    connection: &Connection,
    settled: &[SettledMail],
    clock: &Clock,
) -> Result<Work<Vec<bool>>, Failure> {
    let now = clock();
    let written = settled.iter().map(|one| settle_one(connection, one, now));
    let written = written.collect::<Result<Vec<_>, _>>()?;
    Ok(if written.contains(&true) { Work::Changed(written) } else { Work::Unchanged(written) })
}

fn settle_one(
    connection: &Connection,
    settled: &SettledMail,
    now: DateTime<Utc>,
) -> Result<bool, Failure> {
    let SettledMail { event_id, id, lease, step } = settled;
    let (state, due_at, failure) = match step {
        MailStep::Sent => ("sent", None, None),
        MailStep::Dropped => ("dropped", None, None),
        MailStep::GoOn => ("due", Some(now + LEASE), None),
        MailStep::PutBack => ("due", Some(now), None),
        MailStep::RetryAfter(pause, why) => ("due", Some(now + *pause), Some(why)),
        MailStep::Stuck(why) => ("stuck", None, Some(why)),
    };
    let written = connection.prepare_cached(sql::MAIL_SETTLE)?.execute(params![
        event_id.as_uuid().as_bytes(),
        id.as_uuid().as_bytes(),
        lease.as_uuid().as_bytes(),
        state,
        rows::stored_time(due_at),
        failure,
        now.timestamp_micros(),
        *step == MailStep::GoOn,
    ])?;
    if written == 0 {
        return Ok(false);
    }
    if due_at.is_none() {
        former_holders::sent(connection, *event_id, *id)?;
    }
    Ok(true)
}

/// Runs a statement that changes some mails, and returns how many.
pub(crate) fn change_some(
    connection: &Connection,
    statement: &str,
    at_most: i64,
    clock: &Clock,
) -> Result<Work<u64>, Failure> {
    let mut statement = connection.prepare_cached(statement)?;
    Ok(Work::of_rows(statement.execute(params![clock().timestamp_micros(), at_most])?))
}

/// The events whose reminders are due, longest overdue first, and since when.
pub(crate) fn due_reminders(
    connection: &Connection,
    limit: PageLimit,
    now: DateTime<Utc>,
) -> Result<Vec<(EventId, DateTime<Utc>)>, Failure> {
    let mut due = connection.prepare_cached(sql::EVENT_DUE_REMINDERS)?;
    let parameters = params![now.timestamp_micros(), limit.get() as i64];
    let due = due.query_and_then(parameters, |row| -> Result<_, Failure> {
        Ok((rows::event_id(row, 0)?, rows::time(row, 1, "events.remind_at")?))
    })?;
    due.collect()
}

/// Records that reminders were sent, unless their time has changed by now.
pub(crate) fn note_reminded(
    connection: &Connection,
    event_id: EventId,
    remind_at: DateTime<Utc>,
) -> Result<Work<()>, Failure> {
    let mut note = connection.prepare_cached(sql::EVENT_REMINDED)?;
    let noted =
        note.execute(params![event_id.as_uuid().as_bytes(), remind_at.timestamp_micros()])?;
    Ok(if noted == 0 { Work::Unchanged(()) } else { Work::Changed(()) })
}

/// How many are to be sent, when the oldest of them was made, and how many are stuck.
pub(crate) fn backlog(
    connection: &Connection,
) -> Result<(u64, Option<DateTime<Utc>>, u64), Failure> {
    let mut undone = connection.prepare_cached(sql::MAIL_UNDONE)?;
    let mut undone = undone.query([])?;
    let (due, oldest) = match undone.next()? {
        Some(row) => {
            (delivery_rows::counted(row, 0)?, rows::optional_time(row, 1, "mails.made_at")?)
        }
        None => (0, None),
    };
    let mut stuck = connection.prepare_cached(sql::MAIL_COUNT_STUCK)?;
    let stuck: i64 = stuck.query_row([], |row| row.get(0))?;
    Ok((due, oldest, stuck.unsigned_abs()))
}

/// Deletes some deliveries and mails that were done long ago, and former holders as old, and returns how many. If it is
/// run again after a COMMIT that was lost, it deletes the next ones and returns their number, which does no harm.
pub(crate) fn purge(
    connection: &Connection,
    endpoints: &[EndpointId],
    limit: PageLimit,
    clock: &Clock,
) -> Result<Work<u64>, Failure> {
    let (kept_since, limit) = (clock() - DELIVERIES_KEPT, limit.get());
    let done_before = kept_since.timestamp_micros();
    let mut purge = connection.prepare_cached(sql::DELIVERY_PURGE)?;
    let mut purged = 0;
    for id in endpoints {
        let left = (limit - purged) as i64;
        purged += purge.execute(params![id.as_uuid().as_bytes(), done_before, left])?;
    }
    let mut purge = connection.prepare_cached(sql::MAIL_PURGE)?;
    let mails = purge.execute(params![done_before, limit as i64])?;
    let former = former_holders::purge(connection, kept_since, limit as i64)?;
    Ok(Work::of_rows(purged + mails + former))
}
