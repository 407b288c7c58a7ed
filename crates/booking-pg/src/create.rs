//! Creating events.

use crate::columns::{
    KNOWS_UNLISTED, stored_count, stored_facts, stored_offer_ttl, stored_outcome,
    stored_remind_hours, stored_retention, stored_version,
};
use crate::connection::{Lease, Prepared};
use crate::error::PgError;
use crate::rows;
use crate::sql::{self, BEGIN};
use crate::store::PgStore;
use crate::transaction::{Attempt, Name, run};
use booking_core::{
    Contact, Event, EventId, Fact, ForeignByte, IdempotencyKey, IdempotencyRecord, NewEvent,
    NewEventFields, OrganizerId, OrganizerName, Outcome, StoreError, TimeZone, Venue, Version,
};
use chrono::{DateTime, Utc};
use futures_util::future::{join, join4};
use tokio_postgres::Row;
use uuid::Uuid;

/// The event id under which records of requests that create an event are stored.
const NO_EVENT: Uuid = Uuid::nil();

/// The event that was created, or existed; none if it belongs to another cell (`is_foreign`). Otherwise only a move
/// prevents its creation.
fn found_event(found: &[Row], is_foreign: bool) -> Result<Option<Event>, PgError> {
    match found.first() {
        None if is_foreign => Ok(None),
        found => found.map_or(Err(PgError::EventMoving), rows::event).map(Some),
    }
}

/// The error for an event of another cell. An earlier attempt may have created it here, before it moved there.
fn foreign(id: EventId, attempt: &Attempt) -> StoreError {
    match attempt.must_find_out() {
        true => StoreError::commit_unknown(ForeignByte::of(id)),
        false => StoreError::unavailable(ForeignByte::of(id)),
    }
}

impl PgStore {
    /// That the event belongs to another cell is a result of the attempt, and no failure: it is not retried, and the
    /// health of writes does not suffer.
    pub(crate) async fn insert_event(&self, new: &NewEvent) -> Result<Event, StoreError> {
        run(self, &Name::of("create_event"), |attempt| {
            Box::pin(async move { self.attempt_insert(new, &attempt).await })
        })
        .await?
    }

    /// The insert commits by itself; the event is then read as it is, whichever attempt created it.
    async fn attempt_insert(
        &self,
        new: &NewEvent,
        attempt: &Attempt,
    ) -> Result<Result<Event, StoreError>, PgError> {
        let connection = Lease::from(&self.pool).await?;
        require_unlisted_support(&connection, new).await?;
        let insert = connection.prepare(self.locking.create).await?;
        let find = connection.prepare(sql::EVENT_FIND_DUE).await?;
        let (id, now) = (new.id.as_uuid(), self.clock_time());
        attempt.commit_is_sent();
        let (inserted, found) = join(
            connection.committing(insert_event(&connection, &insert, new, now)),
            connection.rows(&find, &[&[id].as_slice(), &now]),
        )
        .await;
        attempt.look_at(&inserted);
        let is_foreign = inserted?;
        if attempt.must_find_out() {
            connection.confirm_what_is_seen().await?;
        }
        let found = found?;
        if found.is_empty() {
            attempt.nothing_was_written();
        }
        let event = found_event(&found, is_foreign)?;
        connection.give_back();
        Ok(event.ok_or_else(|| foreign(new.id, attempt)))
    }

    pub(crate) async fn insert_event_once(
        &self,
        new: &NewEvent,
        key: IdempotencyKey,
    ) -> Result<Outcome, StoreError> {
        run(self, &Name::of("create_event_once"), |attempt| {
            Box::pin(async move { self.attempt_insert_once(new, key, &attempt).await })
        })
        .await?
    }

    /// Creates the event, and then claims the key for it. If another transaction has the key, deletes
    /// its own event again.
    async fn attempt_insert_once(
        &self,
        new: &NewEvent,
        key: IdempotencyKey,
        attempt: &Attempt,
    ) -> Result<Result<Outcome, StoreError>, PgError> {
        let connection = Lease::from(&self.pool).await?;
        require_unlisted_support(&connection, new).await?;
        let now = connection.prepare_if(self.clock.is_none(), sql::SESSION_NOW).await?;
        let insert = connection.prepare(self.locking.create).await?;
        let find = connection.prepare(sql::EVENT_FIND_DUE).await?;
        let claim = connection.prepare(sql::RECORD_CLAIM).await?;
        let (id, clock_time) = (new.id.as_uuid(), self.clock_time());
        let (begun, now, inserted, found) = join4(
            connection.command(BEGIN),
            connection.rows_if(&now, &[]),
            insert_event(&connection, &insert, new, clock_time),
            connection.rows(&find, &[&[id].as_slice(), &clock_time]),
        )
        .await;
        begun?;
        let is_foreign = inserted?;
        let now = match now?.first() {
            Some(row) => row.get(0),
            None => clock_time.expect("the database was asked unless there is a clock"),
        };
        let Some(event) = found_event(&found?, is_foreign)? else {
            let record = find_record(&connection, key).await?.filter(|record| record.holds(now));
            connection.command("ROLLBACK").await?;
            if record.is_some() {
                connection.confirm_what_is_seen().await?;
            }
            connection.give_back();
            let answered =
                record.map(|record| record.answer_to_whoever_puts_up(new.id, key.fingerprint));
            return Ok(answered.ok_or_else(|| foreign(new.id, attempt)));
        };
        let outcome = Outcome::EventChanged(Box::new(event));

        let (hash, fingerprint) = (key.hash.as_bytes().as_slice(), key.fingerprint.as_bytes());
        let run_out = now - IdempotencyRecord::KEPT;
        let claimed = connection
            .change(
                &claim,
                &[
                    &NO_EVENT,
                    &hash,
                    &fingerprint.as_slice(),
                    &now,
                    &stored_outcome(&outcome),
                    &run_out,
                ],
            )
            .await?;
        if claimed == 1 {
            attempt.commit_is_sent();
            connection.commit().await?;
            connection.give_back();
            return Ok(Ok(outcome));
        }
        let record = find_record(&connection, key).await?;
        let record = record.expect("the claim has locked the record that refused it");
        connection.command("ROLLBACK").await?;
        connection.confirm_what_is_seen().await?;
        connection.give_back();
        Ok(Ok(record.answer_to_whoever_puts_up(new.id, key.fingerprint)))
    }
}

/// The answer to the request that created an event under the key, expired or not.
async fn find_record(
    connection: &Lease,
    key: IdempotencyKey,
) -> Result<Option<IdempotencyRecord>, PgError> {
    let hash = key.hash.as_bytes().as_slice();
    let found =
        connection.fetch(sql::RECORD_LOAD, &[&[NO_EVENT].as_slice(), &[hash].as_slice()]).await?;
    Ok(found.first().map(rows::record).transpose()?.map(|(_, record)| record))
}

/// Keeps programs from starting that would list unlisted events. By itself, and before such an event exists: if that is
/// not created after all, this does no harm.
async fn require_unlisted_support(connection: &Lease, new: &NewEvent) -> Result<(), PgError> {
    if new.details.is_unlisted {
        let raise = connection.prepare(sql::SCHEMA_RAISE).await?;
        connection.committing(connection.change(&raise, &[&KNOWS_UNLISTED])).await?;
    }
    Ok(())
}

/// Runs `event/insert`, and returns whether the event was not created because it belongs to another
/// cell.
async fn insert_event(
    connection: &Lease,
    insert: &Prepared,
    new: &NewEvent,
    now: Option<DateTime<Utc>>,
) -> Result<bool, PgError> {
    let NewEventFields { id, organizer_id, details, capacity, rules } = &**new;
    let ForeignByte(last) = ForeignByte::of(*id);
    let found = connection
        .rows(
            insert,
            &[
                &id.as_uuid(),
                &details.name.as_str(),
                &details.description.as_str(),
                &stored_count(capacity.get()),
                &stored_version(Version::FIRST),
                &now,
                &stored_facts(&[Fact::of_creation(rules.status)]),
                &details.starts_at,
                &details.ends_at,
                &details.timezone.as_ref().map(TimeZone::as_str),
                &details.venue.as_ref().map(Venue::as_str),
                &rules.status.as_str(),
                &rules.opens_at,
                &rules.closes_at,
                &rules.waitlist_enabled,
                &rules.offer_ttl.map(stored_offer_ttl),
                &details.retention.map(stored_retention),
                &details.erase_at(rules),
                &organizer_id.map(OrganizerId::as_uuid),
                &rules.conceals_registered,
                &details.language.as_str(),
                &details.remind_hours.map(stored_remind_hours),
                &details.remind_at(rules),
                &rules.confirms_address,
                &details.organizer_name.as_ref().map(OrganizerName::as_str),
                &details.contact.as_ref().map(Contact::as_str),
                &details.is_unlisted,
                &i32::from(last),
            ],
        )
        .await?;
    // Without assigned bytes there is no row.
    Ok(found.first().is_some_and(|row| row.get(0)))
}
