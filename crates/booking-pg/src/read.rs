//! Reading: one statement each, on any connection.

use crate::connection::{Lease, named};
use crate::error::{PgError, Remedy};
use crate::rows;
use crate::sql;
use crate::store::PgStore;
use booking_core::{
    Event, EventCursor, EventId, Page, PageLimit, Registration, RegistrationCursor, StoreError,
};
use chrono::{DateTime, Utc};
use futures_util::future::{BoxFuture, join};

use std::time::Duration;
use tokio::time::timeout;
use uuid::Uuid;

/// The longest time for a read, all its attempts together.
const WITHIN: Duration = Duration::from_secs(5);

/// Before the newest event that can be: the year 9999 is the last that is listed.
const NEWEST: (DateTime<Utc>, Uuid) =
    (DateTime::from_timestamp(253_402_300_799, 0).expect("a time chrono knows"), Uuid::max());

impl PgStore {
    pub(crate) async fn find_event(&self, id: EventId) -> Result<Option<Event>, StoreError> {
        self.read(move |connection| {
            Box::pin(async move {
                let rows = connection.fetch(sql::EVENT_FIND, &[&id.as_uuid()]).await?;
                rows.first().map(rows::event).transpose()
            })
        })
        .await
    }

    pub(crate) async fn list_events(
        &self,
        after: Option<EventCursor>,
        limit: PageLimit,
    ) -> Result<Page<Event, EventCursor>, StoreError> {
        let (created_at, id) =
            after.map_or(NEWEST, |cursor| (cursor.created_at, cursor.id.as_uuid()));
        self.read(move |connection| {
            Box::pin(async move {
                let rows = connection
                    .fetch(sql::EVENT_LIST, &[&created_at, &id, &one_more_than(limit)])
                    .await?;
                let events = rows.iter().map(rows::event).collect::<Result<_, _>>()?;
                Ok(Page::new(events, limit))
            })
        })
        .await
    }

    pub(crate) async fn list_registrations(
        &self,
        event_id: EventId,
        after: Option<RegistrationCursor>,
        limit: PageLimit,
    ) -> Result<Option<Page<Registration, RegistrationCursor>>, StoreError> {
        let event_id = event_id.as_uuid();
        let after = after.map_or(0, |cursor| rows::stored_version(cursor.version()));
        self.read(move |connection| {
            Box::pin(async move {
                let exist = connection.prepare(sql::EVENT_EXIST).await?;
                let list = connection.prepare(sql::REGISTRATION_LIST).await?;
                let (event, rows) = join(
                    connection.query_opt(&exist, &[&[event_id].as_slice()]),
                    connection.query(&list, &[&event_id, &after, &one_more_than(limit)]),
                )
                .await;
                let event = event.map_err(named(sql::EVENT_EXIST.name))?;
                let rows = rows.map_err(named(sql::REGISTRATION_LIST.name))?;
                if event.is_none() {
                    return Ok(None);
                }
                let rows = rows.iter().map(rows::registration).collect::<Result<_, _>>()?;
                Ok(Some(Page::new(rows, limit)))
            })
        })
        .await
    }

    /// Runs `attempt` on a connection from the pool, and again on another if that one had died.
    async fn read<T>(
        &self,
        attempt: impl for<'a> Fn(&'a Lease) -> BoxFuture<'a, Result<T, PgError>>,
    ) -> Result<T, StoreError> {
        // Every connection in the pool may have died, as after a restart of the database.
        let attempts_max = self.pool_size() + 1;
        let attempts = async {
            let mut number = 0;
            loop {
                number += 1;
                let connection = Lease::from(&self.pool).await?;
                match attempt(&connection).await {
                    Ok(value) => {
                        connection.give_back();
                        return Ok(value);
                    }
                    Err(error) if error.remedy() == Remedy::TryAgain && number < attempts_max => {}
                    Err(error) => return Err(error),
                }
            }
        };
        match timeout(WITHIN, attempts).await {
            Ok(answer) => answer.map_err(PgError::into_store_error),
            Err(_) => Err(PgError::Timeout(WITHIN).into_store_error()),
        }
    }
}

/// One row beyond the page tells whether there is another.
fn one_more_than(limit: PageLimit) -> i64 {
    limit.get() as i64 + 1
}
