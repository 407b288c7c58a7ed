//! Former holders of seats that were transferred, stored until a mail has notified them.

use crate::errors::Failure;
use crate::rows::{self, stored};
use crate::sql;
use crate::transaction::Work;
use booking_core::{
    EmailAddress, EventChange, EventId, FormerHolder, MAIL_SEEN_KEPT, MailId, PageLimit, Person,
    PersonName, RegistrationId, Version,
};
use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};

/// Deletes those whose registrations are erased, and stores those whose seats were transferred at `now`.
pub(crate) fn write(
    connection: &Connection,
    change: &EventChange,
    now: DateTime<Utc>,
) -> Result<(), Failure> {
    let event_id = change.event_id.as_uuid();
    for id in change.erased() {
        let mut delete = connection.prepare_cached(sql::FORMER_HOLDER_DELETE)?;
        delete.execute(params![event_id.as_bytes(), id.as_uuid().as_bytes()])?;
    }
    for FormerHolder { registration_id, version, person } in &change.former_holders {
        connection.prepare_cached(sql::FORMER_HOLDER_INSERT)?.execute(params![
            event_id.as_bytes(),
            registration_id.as_uuid().as_bytes(),
            stored(*version),
            person.user_email.as_str(),
            person.name.as_ref().map(PersonName::as_str),
            now.timestamp_micros(),
            (now - MAIL_SEEN_KEPT).timestamp_micros(),
        ])?;
    }
    Ok(())
}

pub(crate) fn find(
    connection: &Connection,
    event_id: EventId,
    registration_id: RegistrationId,
    version: Version,
) -> Result<Option<Person>, Failure> {
    let (event_id, registration_id) = (event_id.as_uuid(), registration_id.as_uuid());
    let mut find = connection.prepare_cached(sql::FORMER_HOLDER_FIND)?;
    let mut found =
        find.query(params![event_id.as_bytes(), registration_id.as_bytes(), stored(version)])?;
    let Some(row) = found.next()? else { return Ok(None) };
    let user_email = rows::text(row, 0, "former_holders.user_email", EmailAddress::parse_stored)?;
    let name = rows::optional_text(row, 1, "former_holders.name", PersonName::parse_stored)?;
    Ok(Some(Person { name, ..Person::from(user_email) }))
}

/// Deletes the former holder to whom a settled mail was addressed, unless that mail may be tried again.
pub(crate) fn sent(connection: &Connection, event_id: EventId, id: MailId) -> Result<(), Failure> {
    let (event_id, id) = (event_id.as_uuid(), id.as_uuid());
    let mut sent = connection.prepare_cached(sql::FORMER_HOLDER_SENT)?;
    sent.execute(params![event_id.as_bytes(), id.as_bytes()])?;
    Ok(())
}

/// Deletes some of an address, and returns how many.
pub(crate) fn erase(
    connection: &Connection,
    user_email: &EmailAddress,
    limit: PageLimit,
) -> Result<Work<u64>, Failure> {
    let mut erase = connection.prepare_cached(sql::FORMER_HOLDER_ERASE)?;
    Ok(Work::of_rows(erase.execute(params![user_email.as_str(), limit.get() as i64])?))
}

/// Deletes some that were stored at or before an instant, and returns how many.
pub(crate) fn purge(
    connection: &Connection,
    made_before: DateTime<Utc>,
    at_most: i64,
) -> Result<usize, Failure> {
    let mut purge = connection.prepare_cached(sql::FORMER_HOLDER_PURGE)?;
    Ok(purge.execute(params![made_before.timestamp_micros(), at_most])?)
}
