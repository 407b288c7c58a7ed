//! Creating events.

use crate::errors::Failure;
use crate::queries::read_event;
use crate::rows::{stored, stored_time};
use crate::transaction::Work;
use crate::write::{require_unlisted_support, write_facts};
use crate::{keeping, records, sql};
use booking_core::{
    Clock, Contact, Event, Fact, ForeignByte, IdempotencyKey, IdempotencyRecord, NewEvent,
    OfferTtl, OrganizerId, OrganizerName, Outcome, RemindHours, Retention, TimeZone, Venue,
    Version,
};
use chrono::{DateTime, SubsecRound, Utc};
use rusqlite::{Connection, params};
use uuid::Uuid;

/// The event id under which records of requests that create an event are stored.
const NO_EVENT: Uuid = Uuid::nil();

/// Creates an event, or finds the one that has its id. That it belongs to another cell is an answer and no failure,
/// which would be the store's.
pub(crate) fn create_event(
    connection: &Connection,
    new: &NewEvent,
    clock: &Clock,
) -> Result<Work<Result<Event, ForeignByte>>, Failure> {
    let now = clock().trunc_subsecs(6);
    if let Some(foreign) = foreign_cell(connection, new, now)? {
        return Ok(Work::Unchanged(Err(foreign)));
    }
    Ok(match insert_or_read(connection, new, now)? {
        Work::Changed(event) => Work::Changed(Ok(event)),
        Work::Unchanged(event) => Work::Unchanged(Ok(event)),
    })
}

/// The same, whichever cell the event belongs to.
pub(crate) fn insert_or_read(
    connection: &Connection,
    new: &NewEvent,
    now: DateTime<Utc>,
) -> Result<Work<Event>, Failure> {
    let inserted = insert(connection, new, now)?;
    // Read back in both cases, so that the answer is what any reader will see.
    let event = read_back(connection, new, now)?;
    Ok(if inserted { Work::Changed(event) } else { Work::Unchanged(event) })
}

/// Creates an event, unless the same request has done so before.
pub(crate) fn create_event_once(
    connection: &Connection,
    new: &NewEvent,
    key: IdempotencyKey,
    clock: &Clock,
) -> Result<Work<Result<Outcome, ForeignByte>>, Failure> {
    let now = clock().trunc_subsecs(6);
    let mut find = connection.prepare_cached(sql::RECORD_FIND)?;
    let record = records::find(&mut find, NO_EVENT, key.hash)?;
    if let Some(record) = record.filter(|record| record.holds(now)) {
        return Ok(Work::Unchanged(Ok(record.answer_to_whoever_puts_up(new.id, key.fingerprint))));
    }
    if let Some(foreign) = foreign_cell(connection, new, now)? {
        return Ok(Work::Unchanged(Err(foreign)));
    }
    insert(connection, new, now)?;
    let outcome = Outcome::EventChanged(Box::new(read_back(connection, new, now)?));
    let record = IdempotencyRecord::new(key, outcome.clone(), now);
    records::write(connection, NO_EVENT, &[record])?;
    Ok(Work::Changed(Ok(outcome)))
}

/// Why an event may not be created here, if it belongs to another cell and does not exist here
/// already.
fn foreign_cell(
    connection: &Connection,
    new: &NewEvent,
    now: DateTime<Utc>,
) -> Result<Option<ForeignByte>, Failure> {
    let foreign = ForeignByte::of(new.id);
    let is_foreign = !keeping::has(connection, foreign)?;
    Ok(match is_foreign && read_event(connection, new.id, now)?.is_none() {
        true => Some(foreign),
        false => None,
    })
}

fn insert(connection: &Connection, new: &NewEvent, now: DateTime<Utc>) -> Result<bool, Failure> {
    let (details, rules) = (&new.details, new.rules);
    let organizer_id = new.organizer_id.map(OrganizerId::as_uuid);
    let inserted = connection.prepare_cached(sql::EVENT_INSERT)?.execute(params![
        new.id.as_uuid().as_bytes(),
        new.capacity.get(),
        stored(Version::FIRST),
        now.timestamp_micros(),
        rules.status.as_str(),
        stored_time(rules.opens_at),
        stored_time(rules.closes_at),
        rules.waitlist_enabled,
        rules.offer_ttl.map(OfferTtl::seconds),
        stored_time(details.starts_at),
        stored_time(details.ends_at),
        details.timezone.as_ref().map(TimeZone::as_str),
        details.venue.as_ref().map(Venue::as_str),
        details.name.as_str(),
        details.description.as_str(),
        details.retention.map(Retention::days),
        stored_time(details.erase_at(&rules)),
        organizer_id.as_ref().map(Uuid::as_bytes),
        rules.conceals_registered,
        details.language.as_str(),
        details.remind_hours.map(RemindHours::hours),
        stored_time(details.remind_at(&rules)),
        rules.confirms_address,
        details.organizer_name.as_ref().map(OrganizerName::as_str),
        details.contact.as_ref().map(Contact::as_str),
        details.is_unlisted,
    ])?;
    if inserted == 1 {
        require_unlisted_support(connection, details)?;
        let facts = [Fact::of_creation(rules.status)];
        write_facts(connection, new.id, Version::FIRST, Version::FIRST, &facts, now)?;
    }
    Ok(inserted == 1)
}

fn read_back(
    connection: &Connection,
    new: &NewEvent,
    now: DateTime<Utc>,
) -> Result<Event, Failure> {
    // Nothing else prevents its creation.
    read_event(connection, new.id, now)?.ok_or(Failure::EventMoving)
}
