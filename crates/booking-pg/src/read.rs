//! Reading events, on any connection.

use crate::connection::Lease;
use crate::error::{PgError, Remedy};
use crate::rows;
use crate::sql::{self, Sql};
use crate::store::PgStore;
use booking_core::{
    Agenda, Availability, Caller, Event, EventCursor, EventId, OrganizerId, Page, PageLimit,
    Questions, StartCursor, StoreError, When,
};
use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;
use tokio::time::timeout;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// The longest time for a read, all its attempts together.
const WITHIN: Duration = Duration::from_secs(5);

/// Before the newest possible event: the year 9999 is the last that is listed.
const NEWEST: (DateTime<Utc>, Uuid) =
    (DateTime::from_timestamp(253_402_300_799, 0).expect("a time chrono knows"), Uuid::max());

impl PgStore {
    pub(crate) async fn find_event(&self, id: EventId) -> Result<Option<Event>, StoreError> {
        let clock_time = self.clock_time();
        self.read(move |connection| {
            Box::pin(async move {
                let rows = connection
                    .fetch(sql::EVENT_FIND, &[&[id.as_uuid()].as_slice(), &clock_time])
                    .await?;
                Ok(as_they_are(connection, &rows, clock_time).await?.pop())
            })
        })
        .await
    }

    pub(crate) async fn find_questions(
        &self,
        id: EventId,
    ) -> Result<Option<Questions>, StoreError> {
        self.read(move |connection| {
            Box::pin(async move {
                let rows =
                    connection.fetch(sql::QUESTION_FIND, &[&[id.as_uuid()].as_slice()]).await?;
                let found = rows.first().map(rows::questions).transpose()?;
                Ok(found.map(|(_, questions)| questions))
            })
        })
        .await
    }

    pub(crate) async fn find_availability(
        &self,
        ids: &[EventId],
    ) -> Result<Vec<Option<Availability>>, StoreError> {
        let wanted: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
        let clock_time = self.clock_time();
        let found: HashMap<EventId, Availability> = self
            .read(move |connection| {
                let wanted = wanted.clone();
                Box::pin(async move {
                    let rows =
                        connection.fetch(sql::EVENT_AVAILABILITY, &[&wanted, &clock_time]).await?;
                    let mut found = HashMap::with_capacity(rows.len());
                    for row in &rows {
                        let availability = rows::availability(row)?;
                        found.insert(availability.event_id, availability);
                    }
                    // As in `as_they_are`: nearly always there are none.
                    let due = found.values().filter(|availability| !availability.is_settled);
                    let due: Vec<Uuid> =
                        due.map(|availability| availability.event_id.as_uuid()).collect();
                    if !due.is_empty() {
                        let counted =
                            connection.fetch(sql::EVENT_FIND_DUE, &[&due, &clock_time]).await?;
                        for row in &counted {
                            let event = rows::event(row)?;
                            found.insert(event.id, Availability::from(&event));
                        }
                    }
                    Ok(found)
                })
            })
            .await?;
        Ok(ids.iter().map(|id| found.get(id).copied()).collect())
    }

    pub(crate) async fn list_events(
        &self,
        caller: Caller,
        after: Option<EventCursor>,
        limit: PageLimit,
    ) -> Result<Page<Event, EventCursor>, StoreError> {
        let (created_at, id) =
            after.map_or(NEWEST, |cursor| (cursor.created_at, cursor.id.as_uuid()));
        let (clock_time, at_most) = (self.clock_time(), one_more_than(limit));
        let seen = Seen::by(caller);
        self.read(move |connection| {
            Box::pin(async move {
                let rows = match seen {
                    Seen::Own(organizer_id) => {
                        let organizer_id = organizer_id.as_uuid();
                        connection
                            .fetch(
                                sql::EVENT_LIST_OF,
                                &[&created_at, &id, &at_most, &clock_time, &organizer_id],
                            )
                            .await?
                    }
                    Seen::All { drafts, drafts_of_nobody } => {
                        connection
                            .fetch(
                                sql::EVENT_LIST,
                                &[
                                    &created_at,
                                    &id,
                                    &at_most,
                                    &clock_time,
                                    &drafts,
                                    &drafts_of_nobody,
                                ],
                            )
                            .await?
                    }
                };
                Ok(Page::new(as_they_are(connection, &rows, clock_time).await?, limit))
            })
        })
        .await
    }

    pub(crate) async fn list_events_by_start(
        &self,
        caller: Caller,
        agenda: Agenda,
        after: Option<StartCursor>,
        limit: PageLimit,
    ) -> Result<Page<Event, StartCursor>, StoreError> {
        let (starts_at, id) = after.map_or(StartCursor::edge(&agenda), StartCursor::key);
        let (id, clock_time, at_most) = (id.as_uuid(), self.clock_time(), one_more_than(limit));
        let (drafts, drafts_of_nobody, own) = match Seen::by(caller) {
            Seen::Own(organizer_id) => (true, true, Some(organizer_id.as_uuid())),
            Seen::All { drafts, drafts_of_nobody } => (drafts, drafts_of_nobody, None),
        };
        let is_over = agenda.when.map(|when| when == When::Past);
        let statement = match agenda.is_latest_first() {
            true => sql::EVENT_LIST_BY_START_DOWN,
            false => sql::EVENT_LIST_BY_START,
        };
        self.read(move |connection| {
            Box::pin(async move {
                let parameters: [&(dyn ToSql + Sync); 10] = [
                    &starts_at,
                    &id,
                    &at_most,
                    &clock_time,
                    &drafts,
                    &drafts_of_nobody,
                    &own,
                    &agenda.from,
                    &agenda.to,
                    &is_over,
                ];
                let rows = connection.fetch(statement, &parameters).await?;
                Ok(Page::new(as_they_are(connection, &rows, clock_time).await?, limit))
            })
        })
        .await
    }

    /// The ids of events that `statement` finds at the store's time, as `event/due` does.
    pub(crate) async fn list_events_by(
        &self,
        statement: Sql,
        limit: PageLimit,
    ) -> Result<Vec<EventId>, StoreError> {
        let (clock_time, at_most) = (self.clock_time(), limit.get() as i64);
        self.read(move |connection| {
            Box::pin(async move {
                let rows = connection.fetch(statement, &[&clock_time, &at_most]).await?;
                Ok(rows.iter().map(|row| rows::event_id(row, 0)).collect())
            })
        })
        .await
    }

    /// Runs `attempt` on a connection from the pool, and again on another if that one had died.
    pub(crate) async fn read<T>(
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
                    Err(error) => {
                        if error.casts_doubt() {
                            self.pool.doubt();
                        }
                        if error.remedy() != Remedy::TryAgain || number == attempts_max {
                            return Err(error);
                        }
                    }
                }
            }
        };
        match timeout(WITHIN, attempts).await {
            Ok(answer) => answer.map_err(PgError::into_store_error),
            Err(_) => {
                self.pool.doubt();
                Err(PgError::Timeout(WITHIN).into_store_error())
            }
        }
    }
}

/// The events that a caller sees: [`Caller::finds`] in SQL. Unlisted ones are shown to callers who
/// see drafts.
#[derive(Debug, Clone, Copy)]
enum Seen {
    /// An organizer's own events.
    Own(OrganizerId),
    /// All events, but drafts only as these flags say.
    All { drafts: bool, drafts_of_nobody: bool },
}

impl Seen {
    fn by(caller: Caller) -> Self {
        match caller {
            Caller::Organizer(id) => Self::Own(id),
            Caller::Operator => Self::All { drafts: true, drafts_of_nobody: true },
            Caller::OpenOrganizer => Self::All { drafts: false, drafts_of_nobody: true },
            Caller::Anyone | Caller::Attendee(_) => {
                Self::All { drafts: false, drafts_of_nobody: false }
            }
        }
    }
}

/// Those of some events that exist.
pub(crate) async fn existing(
    connection: &Lease,
    events: &[Uuid],
) -> Result<BTreeSet<EventId>, PgError> {
    let nobody_asks = None::<DateTime<Utc>>;
    let found = connection.fetch(sql::EVENT_STATUS, &[&events, &nobody_asks]).await?;
    Ok(found.iter().map(|row| rows::event_id(row, 0)).collect())
}

/// Reads events from `rows`. Those on which something has expired are read once more, with a statement
/// that counts it: nearly always there are none, and it would double what a read costs.
async fn as_they_are(
    connection: &Lease,
    rows: &[Row],
    clock_time: Option<DateTime<Utc>>,
) -> Result<Vec<Event>, PgError> {
    let mut events = rows.iter().map(rows::event).collect::<Result<Vec<_>, _>>()?;
    let due = events.iter().filter(|event| !event.is_settled);
    let due: Vec<Uuid> = due.map(|event| event.id.as_uuid()).collect();
    if !due.is_empty() {
        for row in &connection.fetch(sql::EVENT_FIND_DUE, &[&due, &clock_time]).await? {
            let counted = rows::event(row)?;
            events.iter_mut().filter(|event| event.id == counted.id).for_each(|event| {
                event.clone_from(&counted);
            });
        }
    }
    Ok(events)
}

/// One row beyond the page, to know whether there is another.
pub(crate) fn one_more_than(limit: PageLimit) -> i64 {
    limit.get() as i64 + 1
}
