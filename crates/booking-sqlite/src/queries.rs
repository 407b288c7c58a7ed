//! Reads outside of write transactions.

use crate::errors::Failure;
use crate::{rows, sql};
use booking_core::{
    Agenda, Availability, Caller, EmailAddress, Event, EventCursor, EventId, EventStatus, Listed,
    Page, PageLimit, Questions, Registration, RegistrationCounts, RegistrationCursor,
    RegistrationId, StartCursor, When,
};
use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};
use uuid::Uuid;

pub(crate) fn read_event(
    connection: &Connection,
    id: EventId,
    now: DateTime<Utc>,
) -> Result<Option<Event>, Failure> {
    let mut statement = connection.prepare_cached(sql::EVENT_READ)?;
    let mut found = statement.query(params![now.timestamp_micros(), id.as_uuid().as_bytes()])?;
    found.next()?.map(rows::event).transpose()
}

pub(crate) fn read_questions(
    connection: &Connection,
    id: EventId,
) -> Result<Option<Questions>, Failure> {
    let mut statement = connection.prepare_cached(sql::QUESTION_FIND)?;
    let mut found = statement.query([id.as_uuid().as_bytes()])?;
    found.next()?.map(rows::questions).transpose()
}

/// How full each event is. One statement each, as for [`events_by_registration`].
pub(crate) fn read_availability(
    connection: &Connection,
    ids: &[EventId],
    now: DateTime<Utc>,
) -> Result<Vec<Option<Availability>>, Failure> {
    let mut statement = connection.prepare_cached(sql::EVENT_AVAILABILITY)?;
    let mut of = |id: &EventId| {
        let mut found =
            statement.query(params![now.timestamp_micros(), id.as_uuid().as_bytes()])?;
        found.next()?.map(rows::availability).transpose()
    };
    ids.iter().map(&mut of).collect()
}

/// The events that `caller` finds: [`Caller::finds`] in SQL. Unlisted ones are shown to callers who see drafts.
pub(crate) fn list_events(
    connection: &Connection,
    caller: Caller,
    after: Option<EventCursor>,
    limit: PageLimit,
    now: DateTime<Utc>,
) -> Result<Page<Event, EventCursor>, Failure> {
    // The newest possible cursor comes before every event.
    let (micros, id) = after.map_or((i64::MAX, Uuid::max()), |cursor| {
        (cursor.created_at.timestamp_micros(), cursor.id.as_uuid())
    });
    let (now, id, rows_max) = (now.timestamp_micros(), id.as_bytes(), one_more_than(limit));
    let (drafts, drafts_of_nobody) = match caller {
        Caller::Organizer(own) => {
            let own = own.as_uuid();
            let mut statement = connection.prepare_cached(sql::EVENT_LIST_OF)?;
            let parameters = params![now, micros, id, rows_max, own.as_bytes()];
            let listed = statement.query_and_then(parameters, rows::event)?;
            return Ok(Page::new(listed.collect::<Result<_, _>>()?, limit));
        }
        Caller::Operator => (true, true),
        Caller::OpenOrganizer => (false, true),
        Caller::Anyone | Caller::Attendee(_) => (false, false),
    };
    let mut statement = connection.prepare_cached(sql::EVENT_LIST)?;
    let parameters = params![now, micros, id, rows_max, drafts, drafts_of_nobody];
    let listed = statement.query_and_then(parameters, rows::event)?;
    Ok(Page::new(listed.collect::<Result<_, _>>()?, limit))
}

/// The same in the order of their starts.
pub(crate) fn list_events_by_start(
    connection: &Connection,
    caller: Caller,
    agenda: Agenda,
    after: Option<StartCursor>,
    limit: PageLimit,
    now: DateTime<Utc>,
) -> Result<Page<Event, StartCursor>, Failure> {
    let (starts_at, id) = after.map_or(StartCursor::edge(&agenda), StartCursor::key);
    let id = id.as_uuid();
    let (drafts, drafts_of_nobody, own) = match caller {
        Caller::Organizer(own) => (true, true, Some(own.as_uuid())),
        Caller::Operator => (true, true, None),
        Caller::OpenOrganizer => (false, true, None),
        Caller::Anyone | Caller::Attendee(_) => (false, false, None),
    };
    let statement = match agenda.is_latest_first() {
        true => sql::EVENT_LIST_BY_START_DOWN,
        false => sql::EVENT_LIST_BY_START,
    };
    let mut statement = connection.prepare_cached(statement)?;
    let parameters = params![
        now.timestamp_micros(),
        starts_at.timestamp_micros(),
        id.as_bytes(),
        one_more_than(limit),
        drafts,
        drafts_of_nobody,
        own.as_ref().map(Uuid::as_bytes),
        rows::stored_time(agenda.from),
        rows::stored_time(agenda.to),
        agenda.when.map(|when| when == When::Past),
    ];
    let listed = statement.query_and_then(parameters, rows::event)?;
    Ok(Page::new(listed.collect::<Result<_, _>>()?, limit))
}

pub(crate) fn due_events(
    connection: &Connection,
    limit: PageLimit,
    now: DateTime<Utc>,
) -> Result<Vec<EventId>, Failure> {
    events_by(connection, sql::EVENT_DUE, limit, now)
}

pub(crate) fn erasable_events(
    connection: &Connection,
    limit: PageLimit,
    now: DateTime<Utc>,
) -> Result<Vec<EventId>, Failure> {
    events_by(connection, sql::EVENT_ERASABLE, limit, now)
}

fn events_by(
    connection: &Connection,
    statement: &str,
    limit: PageLimit,
    now: DateTime<Utc>,
) -> Result<Vec<EventId>, Failure> {
    let mut statement = connection.prepare_cached(statement)?;
    let parameters = params![now.timestamp_micros(), limit.get() as i64];
    let due = statement.query_and_then(parameters, |row| rows::event_id(row, 0))?;
    due.collect()
}

/// Some registrations of an address, of any event and in any state.
pub(crate) fn registrations_of(
    connection: &Connection,
    email: &EmailAddress,
    limit: PageLimit,
) -> Result<Vec<(EventId, RegistrationId)>, Failure> {
    let mut statement = connection.prepare_cached(sql::REGISTRATION_OF_ADDRESS)?;
    let mut looked_at = statement.query(params![email.as_str()])?;
    let mut found = Vec::new();
    while found.len() < limit.get()
        && let Some(row) = looked_at.next()?
    {
        let stored: String = rows::column(row, 2, "registrations.user_email")?;
        if email.is_stored_as(&stored) {
            found.push((rows::event_id(row, 0)?, rows::uuid(row, 1, "registrations.id")?.into()));
        }
    }
    Ok(found)
}

pub(crate) fn list_registrations(
    connection: &Connection,
    event_id: EventId,
    listed: Listed,
    after: Option<RegistrationCursor>,
    limit: PageLimit,
    now: DateTime<Utc>,
) -> Result<Option<Page<Registration, RegistrationCursor>>, Failure> {
    // A statement of its own, and still one state of the event: cancelling it touches no registration,
    // and nothing changes one after that.
    let Some(status) = event_status(connection, event_id)? else { return Ok(None) };
    let id = event_id.as_uuid();
    let after = after.map_or(0, |cursor| rows::stored(cursor.version()));
    let rows_max = one_more_than(limit);
    let rows: Vec<Registration> = match (listed, status) {
        (Listed::Seated, EventStatus::Cancelled) => Vec::new(),
        (Listed::Seated, EventStatus::Draft | EventStatus::Published) => connection
            .prepare_cached(sql::REGISTRATION_LIST_SEATED)?
            .query_and_then(
                params![id.as_bytes(), after, rows_max, now.timestamp_micros()],
                rows::registration,
            )?
            .collect::<Result<_, _>>()?,
        (Listed::All, _) => connection
            .prepare_cached(sql::REGISTRATION_LIST)?
            .query_and_then(params![id.as_bytes(), after, rows_max], rows::registration)?
            .collect::<Result<_, _>>()?,
    };
    let rows = rows.into_iter().map(|row| row.as_of(now, status)).collect();
    Ok(Some(Page::new(rows, limit)))
}

/// One statement each, as for [`events_by_registration`].
pub(crate) fn registrations_by_id(
    connection: &Connection,
    event_id: EventId,
    ids: &[RegistrationId],
    now: DateTime<Utc>,
) -> Result<Option<Vec<Option<Registration>>>, Failure> {
    // A statement of its own, as in `list_registrations`.
    let Some(status) = event_status(connection, event_id)? else { return Ok(None) };
    let event_id = event_id.as_uuid();
    let mut statement = connection.prepare_cached(sql::REGISTRATION_BY_ID)?;
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        let mut rows = statement.query(params![event_id.as_bytes(), id.as_uuid().as_bytes()])?;
        let row = rows.next()?.map(rows::registration).transpose()?;
        found.push(row.map(|row| row.as_of(now, status)));
    }
    Ok(Some(found))
}

/// Those that are live now.
pub(crate) fn registrations_by_address(
    connection: &Connection,
    event_id: EventId,
    addresses: &[EmailAddress],
    now: DateTime<Utc>,
) -> Result<Option<Vec<Option<Registration>>>, Failure> {
    let Some(status) = event_status(connection, event_id)? else { return Ok(None) };
    let event_id = event_id.as_uuid();
    let mut statement = connection.prepare_cached(sql::REGISTRATION_BY_ADDRESS)?;
    let mut found = Vec::with_capacity(addresses.len());
    for address in addresses {
        let mut rows = statement.query(params![event_id.as_bytes(), address.as_str()])?;
        let row = rows.next()?.map(rows::registration).transpose()?;
        let row = row.map(|row| row.as_of(now, status));
        found.push(row.filter(|row| row.status.is_live()));
    }
    Ok(Some(found))
}

pub(crate) fn count_registrations(
    connection: &Connection,
    event_id: EventId,
    now: DateTime<Utc>,
) -> Result<Option<RegistrationCounts>, Failure> {
    let mut statement = connection.prepare_cached(sql::REGISTRATION_COUNTS)?;
    let mut found =
        statement.query(params![now.timestamp_micros(), event_id.as_uuid().as_bytes()])?;
    found.next()?.map(rows::registration_counts).transpose()
}

/// The index in `registration/read` after the registration's own columns.
const AFTER: usize = sql::REGISTRATION.count();

pub(crate) fn read_registration(
    connection: &Connection,
    id: RegistrationId,
    now: DateTime<Utc>,
) -> Result<Option<Registration>, Failure> {
    let mut statement = connection.prepare_cached(sql::REGISTRATION_READ)?;
    let mut found = statement.query([id.as_uuid().as_bytes()])?;
    let Some(row) = found.next()? else { return Ok(None) };
    let status = rows::event_status(row, AFTER)?;
    let ahead: Option<u32> = rows::column(row, AFTER + 1, "count(*)")?;
    let position = ahead.map(|ahead| ahead + 1);
    Ok(Some(Registration { position, ..rows::registration(row)? }.as_of(now, status)))
}

/// The event of each registration. One statement each: there is no network round trip that one for
/// all would save.
pub(crate) fn events_by_registration(
    connection: &Connection,
    ids: &[RegistrationId],
) -> Result<Vec<Option<EventId>>, Failure> {
    let mut statement = connection.prepare_cached(sql::REGISTRATION_EVENT)?;
    let mut event_of = |id: &RegistrationId| {
        let mut found = statement.query([id.as_uuid().as_bytes()])?;
        found.next()?.map(|row| rows::event_id(row, 0)).transpose()
    };
    ids.iter().map(&mut event_of).collect()
}

pub(crate) fn event_status(
    connection: &Connection,
    id: EventId,
) -> Result<Option<EventStatus>, Failure> {
    let mut statement = connection.prepare_cached(sql::EVENT_STATUS)?;
    let mut found = statement.query([id.as_uuid().as_bytes()])?;
    found.next()?.map(|row| rows::event_status(row, 0)).transpose()
}

/// One more than `limit`, to know whether there is another page.
pub(crate) fn one_more_than(limit: PageLimit) -> i64 {
    // At most `PageLimit::MAX`, which fits easily.
    limit.get() as i64 + 1
}
