//! Reading registrations as they are now: what has run out is expired, swept or not.

use crate::columns::stored_version;
use crate::error::PgError;
use crate::read::one_more_than;
use crate::rows;
use crate::sql::{self, Sql};
use crate::store::PgStore;
use booking_core::{
    EmailAddress, EventId, EventStatus, HistoryEntry, Listed, Page, PageLimit, Registration,
    RegistrationCounts, RegistrationCursor, RegistrationId, StoreError,
};
use chrono::{DateTime, Utc};
use futures_util::future::join;
use std::collections::HashMap;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// The index in `registration/find` after the registration's own columns.
const AFTER: usize = sql::REGISTRATION.count();

impl PgStore {
    pub(crate) async fn list_registrations(
        &self,
        event_id: EventId,
        listed: Listed,
        after: Option<RegistrationCursor>,
        limit: PageLimit,
    ) -> Result<Option<Page<Registration, RegistrationCursor>>, StoreError> {
        let (event_id, clock_time) = (event_id.as_uuid(), self.clock_time());
        let after = after.map_or(0, |cursor| stored_version(cursor.version()));
        self.read(move |connection| {
            Box::pin(async move {
                let status = connection.prepare(sql::EVENT_STATUS).await?;
                let (event_ids, at_most) = ([event_id], one_more_than(limit));
                let event_ids = event_ids.as_slice();
                let (event, rows) = match listed {
                    Listed::All => {
                        let list = connection.prepare(sql::REGISTRATION_LIST).await?;
                        join(
                            connection.rows(&status, &[&event_ids, &clock_time]),
                            connection.rows(&list, &[&event_id, &after, &at_most]),
                        )
                        .await
                    }
                    Listed::Seated => {
                        let list = connection.prepare(sql::REGISTRATION_LIST_SEATED).await?;
                        join(
                            connection.rows(&status, &[&event_ids, &clock_time]),
                            connection.rows(&list, &[&event_id, &after, &at_most, &clock_time]),
                        )
                        .await
                    }
                };
                let (event, rows) = (event?, rows?);
                let Some(event) = event.first() else { return Ok(None) };
                let (status, now) = (rows::event_status(event, 1)?, event.get(2));
                if listed == Listed::Seated && status == EventStatus::Cancelled {
                    return Ok(Some(Page::new(Vec::new(), limit)));
                }
                let rows = rows.iter().map(|row| as_of(row, now, status));
                Ok(Some(Page::new(rows.collect::<Result<_, _>>()?, limit)))
            })
        })
        .await
    }

    pub(crate) async fn find_registrations_by_id(
        &self,
        event_id: EventId,
        ids: &[RegistrationId],
    ) -> Result<Option<Vec<Option<Registration>>>, StoreError> {
        let wanted: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
        let found = self.find_named(event_id, sql::REGISTRATION_BY_ID, wanted).await?;
        let by_id = |found: Vec<Registration>| {
            let found: HashMap<_, _> = found.into_iter().map(|row| (row.id, row)).collect();
            ids.iter().map(|id| found.get(id).cloned()).collect()
        };
        Ok(found.map(by_id))
    }

    pub(crate) async fn find_registrations_by_address(
        &self,
        event_id: EventId,
        addresses: &[EmailAddress],
    ) -> Result<Option<Vec<Option<Registration>>>, StoreError> {
        let wanted: Vec<String> =
            addresses.iter().map(|address| address.as_str().to_owned()).collect();
        let found = self.find_named(event_id, sql::REGISTRATION_BY_ADDRESS, wanted).await?;
        let by_address = |found: Vec<Registration>| {
            let live = found.into_iter().filter(|row| row.status.is_live());
            let found: HashMap<_, _> =
                live.map(|row| (row.person.user_email.clone(), row)).collect();
            addresses.iter().map(|address| found.get(address).cloned()).collect()
        };
        Ok(found.map(by_address))
    }

    /// The registrations of an event that `statement` finds by `wanted`, as they are now.
    async fn find_named<T>(
        &self,
        event_id: EventId,
        statement: Sql,
        wanted: Vec<T>,
    ) -> Result<Option<Vec<Registration>>, StoreError>
    where
        T: ToSql + Clone + Send + Sync + 'static,
    {
        let (event_id, clock_time) = (event_id.as_uuid(), self.clock_time());
        self.read(move |connection| {
            let (wanted, event_ids) = (wanted.clone(), vec![event_id; wanted.len()]);
            Box::pin(async move {
                let status = connection.prepare(sql::EVENT_STATUS).await?;
                let named = connection.prepare(statement).await?;
                let of_event = [event_id];
                let of_event = of_event.as_slice();
                let (event, rows) = join(
                    connection.rows(&status, &[&of_event, &clock_time]),
                    connection.rows(&named, &[&event_ids, &wanted]),
                )
                .await;
                let (event, rows) = (event?, rows?);
                let Some(event) = event.first() else { return Ok(None) };
                let (status, now) = (rows::event_status(event, 1)?, event.get(2));
                let rows = rows.iter().map(|row| as_of(row, now, status));
                rows.collect::<Result<_, _>>().map(Some)
            })
        })
        .await
    }

    pub(crate) async fn count_registrations(
        &self,
        event_id: EventId,
    ) -> Result<Option<RegistrationCounts>, StoreError> {
        let (event_id, clock_time) = (event_id.as_uuid(), self.clock_time());
        self.read(move |connection| {
            Box::pin(async move {
                let rows =
                    connection.fetch(sql::REGISTRATION_COUNTS, &[&event_id, &clock_time]).await?;
                rows.first().map(rows::registration_counts).transpose()
            })
        })
        .await
    }

    /// Holds and offers that have expired are left out.
    pub(crate) async fn list_live_of(
        &self,
        user_email: &EmailAddress,
        limit: PageLimit,
    ) -> Result<Vec<Registration>, StoreError> {
        let (email, at_most) = (user_email.as_str().to_owned(), limit.get() as i64);
        let clock_time = self.clock_time();
        self.read(move |connection| {
            let email = email.clone();
            Box::pin(async move {
                let parameters: [&(dyn ToSql + Sync); 3] = [&email, &at_most, &clock_time];
                let rows = connection.fetch(sql::REGISTRATION_LIVE_OF_ADDRESS, &parameters).await?;
                let mut found = Vec::with_capacity(rows.len());
                for row in &rows {
                    let status = rows::event_status(row, AFTER)?;
                    found.push(as_of(row, row.get(AFTER + 1), status)?);
                }
                found.retain(|registration| registration.status.is_live());
                Ok(found)
            })
        })
        .await
    }

    pub(crate) async fn find_registration(
        &self,
        id: RegistrationId,
    ) -> Result<Option<Registration>, StoreError> {
        let clock_time = self.clock_time();
        self.read(move |connection| {
            Box::pin(async move {
                let rows =
                    connection.fetch(sql::REGISTRATION_FIND, &[&id.as_uuid(), &clock_time]).await?;
                let Some(row) = rows.first() else { return Ok(None) };
                let mut registration = rows::registration(row)?;
                registration.position = rows::position(row, AFTER)?;
                let status = rows::event_status(row, AFTER + 1)?;
                Ok(Some(registration.as_of(row.get(AFTER + 2), status)))
            })
        })
        .await
    }

    pub(crate) async fn find_events_by_registration(
        &self,
        ids: &[RegistrationId],
    ) -> Result<Vec<Option<EventId>>, StoreError> {
        let wanted: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
        let events: HashMap<RegistrationId, EventId> = self
            .read(move |connection| {
                let wanted = wanted.clone();
                Box::pin(async move {
                    let rows = connection.fetch(sql::REGISTRATION_EVENTS, &[&wanted]).await?;
                    let mut events = HashMap::new();
                    for row in &rows {
                        let (id, event_id) =
                            (rows::registration_id(row, 0), rows::event_id(row, 1));
                        events.entry(id).or_insert(event_id);
                    }
                    Ok(events)
                })
            })
            .await?;
        Ok(ids.iter().map(|id| events.get(id).copied()).collect())
    }

    pub(crate) async fn find_history(
        &self,
        id: RegistrationId,
        limit: PageLimit,
    ) -> Result<Option<Vec<HistoryEntry>>, StoreError> {
        self.read(move |connection| {
            Box::pin(async move {
                let steps = limit.get() as i64;
                let rows =
                    connection.fetch(sql::REGISTRATION_HISTORY, &[&id.as_uuid(), &steps]).await?;
                let entries = rows.iter().map(|row| rows::history_entry(row, id));
                let entries: Vec<_> = entries.collect::<Result<_, _>>()?;
                // Every registration has a first fact.
                Ok((!entries.is_empty()).then_some(entries))
            })
        })
        .await
    }
}

fn as_of(row: &Row, now: DateTime<Utc>, event: EventStatus) -> Result<Registration, PgError> {
    Ok(rows::registration(row)?.as_of(now, event))
}
