//! Putting up an event.

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
    Contact, Event, Fact, IdempotencyKey, IdempotencyRecord, NewEvent, NewEventFields, OrganizerId,
    OrganizerName, Outcome, StoreError, TimeZone, Venue, Version,
};
use chrono::{DateTime, Utc};
use futures_util::future::{join, join4};
use tokio_postgres::Row;
use uuid::Uuid;

/// Whose records those of requests that put up an event are: of no event yet.
const NO_EVENT: Uuid = Uuid::nil();

/// The event that was put up, or was there. Nothing but that it was moved keeps it from being put up.
fn put_up(found: &[Row]) -> Result<Event, PgError> {
    found.first().map_or(Err(PgError::EventMoving), rows::event)
}

impl PgStore {
    pub(crate) async fn insert_event(&self, new: &NewEvent) -> Result<Event, StoreError> {
        run(self, &Name::of("create_event"), |attempt| {
            Box::pin(async move { self.attempt_insert(new, &attempt).await })
        })
        .await
    }

    /// The insert commits by itself; the event is then read as it is, whoever made it.
    async fn attempt_insert(&self, new: &NewEvent, attempt: &Attempt) -> Result<Event, PgError> {
        let connection = Lease::from(&self.pool).await?;
        need_who_knows(&connection, new).await?;
        let insert = connection.prepare(sql::EVENT_INSERT).await?;
        let find = connection.prepare(sql::EVENT_FIND_DUE).await?;
        let (id, now) = (new.id.as_uuid(), self.clock_time());
        attempt.commit_is_sent();
        let (inserted, found) = join(
            connection.committing(insert_event(&connection, &insert, new, now)),
            connection.rows(&find, &[&[id].as_slice(), &now]),
        )
        .await;
        attempt.look_at(&inserted);
        inserted?;
        if attempt.must_find_out() {
            connection.confirm_what_is_seen().await?;
        }
        let event = put_up(&found?)?;
        connection.give_back();
        Ok(event)
    }

    pub(crate) async fn insert_event_once(
        &self,
        new: &NewEvent,
        key: IdempotencyKey,
    ) -> Result<Outcome, StoreError> {
        run(self, &Name::of("create_event_once"), |attempt| {
            Box::pin(async move { self.attempt_insert_once(new, key, &attempt).await })
        })
        .await
    }

    /// Puts up the event, and then claims the key for it. Whoever finds that somebody else has the key
    /// takes its own event back.
    async fn attempt_insert_once(
        &self,
        new: &NewEvent,
        key: IdempotencyKey,
        attempt: &Attempt,
    ) -> Result<Outcome, PgError> {
        let connection = Lease::from(&self.pool).await?;
        need_who_knows(&connection, new).await?;
        let now = connection.prepare_if(self.clock.is_none(), sql::SESSION_NOW).await?;
        let insert = connection.prepare(sql::EVENT_INSERT).await?;
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
        inserted?;
        let now = match now?.first() {
            Some(row) => row.get(0),
            None => clock_time.expect("the database was asked unless there is a clock"),
        };
        let outcome = Outcome::EventChanged(Box::new(put_up(&found?)?));

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
            return Ok(outcome);
        }
        // The claim has locked the record that refused it, so it is still there.
        let found = connection
            .fetch(sql::RECORD_LOAD, &[&[NO_EVENT].as_slice(), &[hash].as_slice()])
            .await?;
        let (_, record) = rows::record(&found[0])?;
        connection.command("ROLLBACK").await?;
        connection.confirm_what_is_seen().await?;
        connection.give_back();
        Ok(match &record.outcome {
            // Our own, from before a COMMIT whose answer was lost.
            Outcome::EventChanged(event)
                if event.id == new.id && record.fingerprint == key.fingerprint =>
            {
                record.outcome
            }
            _ => record.answer(key.fingerprint),
        })
    }
}

/// Keeps programs from starting that would list what is not to be listed. By itself, and before there is such an event:
/// done for one that is not made, it does no harm.
async fn need_who_knows(connection: &Lease, new: &NewEvent) -> Result<(), PgError> {
    if new.details.is_unlisted {
        let raise = connection.prepare(sql::SCHEMA_RAISE).await?;
        connection.committing(connection.change(&raise, &[&KNOWS_UNLISTED])).await?;
    }
    Ok(())
}

/// Runs `event/insert`.
async fn insert_event(
    connection: &Lease,
    insert: &Prepared,
    new: &NewEvent,
    now: Option<DateTime<Utc>>,
) -> Result<u64, PgError> {
    let NewEventFields { id, organizer_id, details, capacity, rules } = &**new;
    connection
        .change(
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
            ],
        )
        .await
}
