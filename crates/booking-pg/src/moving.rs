//! Events that leave for another store, or arrive from one: see [`MoveStore`]. Statements about rows are made of the
//! tables' descriptions, which all stores share; PostgreSQL itself converts rows to JSON and back.

use crate::columns::stored_version;
use crate::connection::Lease;
use crate::error::PgError;
use crate::rows;
use crate::sql::{self, BEGIN, Sql};
use crate::store::PgStore;
use crate::transaction::{Name, run};
use async_trait::async_trait;
use booking_core::{
    EventId, IdempotencyRecord, KNOWS_MOVES, LEAVING_MAILS_MAX, LeftEvent, MOVE_LEASE, MOVED_EVENT,
    MOVED_LANES, MOVED_LATELY, MOVED_MAILS, MOVED_TABLES, Mark, MoveId, MoveStore, MovedCounts,
    MovedKind, MovedScope, MovedSince, MovedTable, Place, ROOM_KEPT, RegistrationId, StoreError,
    StoredBytes, StoredMap, Version,
};
use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

type Parameters<'a> = &'a [&'a (dyn ToSql + Sync)];

/// Locks out that events leave, until the transaction ends: so mails that are added beside any lane are added to an
/// event that is here, and leave with it. The events' rows would do, too, but their sales would wait for that.
pub(crate) fn keep_here(events: &BTreeSet<EventId>) -> String {
    // In one order, so that two transactions do not deadlock.
    let keys: Vec<String> = events.iter().map(|event| key_of(*event).to_string()).collect();
    let keys = keys.join(",");
    format!("SELECT pg_advisory_xact_lock_shared(key) FROM unnest('{{{keys}}}'::bigint[]) AS key")
}

/// The key of an event's advisory lock: the half of its id that is random. It costs a wait if another has the same.
fn key_of(event: EventId) -> i64 {
    event.as_uuid().as_u64_pair().1.cast_signed()
}

/// Runs a statement made at run time; errors name it `name`.
async fn fetch(
    connection: &Lease,
    name: &'static str,
    text: &str,
    parameters: Parameters<'_>,
) -> Result<Vec<Row>, PgError> {
    let failed = |source| PgError::new(name, source);
    let statement = connection.prepare_cached(text).await.map_err(failed)?;
    connection.query(&statement, parameters).await.map_err(failed)
}

/// The same for a statement without rows; returns how many rows it changed.
async fn change(
    connection: &Lease,
    name: &'static str,
    text: &str,
    parameters: Parameters<'_>,
) -> Result<u64, PgError> {
    let failed = |source| PgError::new(name, source);
    let statement = connection.prepare_cached(text).await.map_err(failed)?;
    connection.execute(&statement, parameters).await.map_err(failed)
}

/// The stored state of an event's move.
struct Way {
    direction: String,
    mover: MoveId,
    place: String,
    /// Whether the mover's lease is still valid.
    is_held: bool,
    has_state: bool,
    /// If it was asked for.
    state: Option<String>,
}

impl Way {
    fn read(row: &Row) -> Self {
        Self {
            direction: row.get(0),
            mover: row.get::<_, Uuid>(1).into(),
            place: row.get(2),
            is_held: row.get(3),
            has_state: row.get(4),
            state: row.get(5),
        }
    }

    /// Whether `mover` still has the lease to take the event away.
    fn is_left_to(&self, mover: MoveId) -> bool {
        self.direction == "leaving" && self.mover == mover && self.is_held
    }

    fn arrives_by(&self, mover: MoveId) -> bool {
        self.direction == "arriving" && self.mover == mover
    }
}

/// The state of an event that is served here: its version, the time, and whether it is frozen; and its move, if it has
/// one.
type MoveState = (Option<(Version, DateTime<Utc>, bool)>, Option<Way>);

impl PgStore {
    /// Runs `work` in a transaction, and commits it. Repeated after a COMMIT whose answer was lost it must find what it
    /// did.
    pub(crate) async fn move_in_transaction<'a, T: Send + 'a>(
        &'a self,
        name: &'static str,
        work: impl Fn(Arc<Lease>) -> BoxFuture<'a, Result<T, PgError>> + Send + Sync + 'a,
    ) -> Result<T, StoreError> {
        let work = Arc::new(work);
        run(self, &Name::of(name), |attempt| {
            let work = Arc::clone(&work);
            Box::pin(async move {
                let connection = Arc::new(Lease::from(&self.pool).await?);
                connection.command(BEGIN).await?;
                let done = work(Arc::clone(&connection)).await?;
                attempt.commit_is_sent();
                let committed = connection.commit().await;
                attempt.look_at(&committed);
                committed?;
                if let Some(connection) = Arc::into_inner(connection) {
                    connection.give_back();
                }
                Ok(done)
            })
        })
        .await
    }

    /// Where an event is: its own row, which is locked if there is one, and then the state of its move.
    async fn way_of(&self, connection: &Lease, event: EventId) -> Result<MoveState, PgError> {
        self.load_way(connection, event, false).await
    }

    /// The same with the state that it left with.
    async fn way_and_state_of(
        &self,
        connection: &Lease,
        event: EventId,
    ) -> Result<MoveState, PgError> {
        self.load_way(connection, event, true).await
    }

    async fn load_way(
        &self,
        connection: &Lease,
        event: EventId,
        with_state: bool,
    ) -> Result<MoveState, PgError> {
        let (id, clock_time) = (event.as_uuid(), self.clock_time());
        let served = connection.fetch(sql::MOVING_LOCK_EVENT, &[&id, &clock_time]).await?;
        let served = match served.first() {
            Some(row) => Some((rows::version_at(row, 0)?, row.get(1), row.get(2))),
            None => None,
        };
        let found = connection.fetch(sql::MOVING_LOCK, &[&id, &clock_time, &with_state]).await?;
        Ok((served, found.first().map(Way::read)))
    }

    async fn now(&self, connection: &Lease) -> Result<DateTime<Utc>, PgError> {
        let now = connection.fetch(sql::SESSION_NOW, &[]).await?;
        Ok(self.clock_time().unwrap_or_else(|| now[0].get(0)))
    }

    /// Renews the lease of `mover`, and freezes the event for as long if it `freezes`.
    async fn renew_lease(
        &self,
        event: EventId,
        mover: MoveId,
        freezes: bool,
    ) -> Result<Option<Mark>, StoreError> {
        self.move_in_transaction("move_on", move |connection| {
            Box::pin(async move {
                let connection = &*connection;
                let (served, way) = self.way_of(connection, event).await?;
                let (Some((version, at, _)), Some(way)) = (served, way) else { return Ok(None) };
                if !way.is_left_to(mover) {
                    return Ok(None);
                }
                let (id, until) = (event.as_uuid(), at + MOVE_LEASE);
                perform(connection, sql::MOVING_LEASE, &[&id, &until]).await?;
                if freezes {
                    perform(connection, sql::MOVING_FREEZE, &[&id, &Some(until)]).await?;
                }
                Ok(Some(Mark { version, at }))
            })
        })
        .await
    }

    pub(crate) async fn is_event_elsewhere(&self, event: EventId) -> Result<bool, StoreError> {
        let clock_time = self.clock_time();
        self.read(move |connection| {
            Box::pin(async move {
                let ids = [event.as_uuid()];
                let parameters: Parameters<'_> = &[&ids.as_slice(), &clock_time];
                let found = connection.fetch(sql::MOVING_WHICH, parameters).await?;
                Ok(!found.is_empty())
            })
        })
        .await
    }

    pub(crate) async fn may_registration_be_elsewhere(
        &self,
        registration: RegistrationId,
    ) -> Result<bool, StoreError> {
        let clock_time = self.clock_time();
        self.read(move |connection| {
            Box::pin(async move {
                let id = registration.to_string();
                let found = connection.fetch(sql::MOVING_MAY_BE, &[&id, &clock_time]).await?;
                Ok(!found.is_empty())
            })
        })
        .await
    }

    /// Deletes what is left of moves and no longer needed, up to `limit` rows of each table, and returns how many.
    pub(crate) async fn purge_moves(&self, limit: usize) -> Result<u64, StoreError> {
        let (rows, kept_seconds) = (limit as i64, ROOM_KEPT.num_seconds() as f64);
        let purging = self.move_in_transaction("purge_moves", move |connection| {
            Box::pin(async move {
                let (connection, clock_time) = (&*connection, self.clock_time());
                let parameters: Parameters<'_> = &[&clock_time, &rows];
                let purged = perform(connection, sql::MOVING_PURGE, parameters).await?;
                let room =
                    connection.fetch(sql::MOVING_TAKE_ROOM, &[&clock_time, &kept_seconds]).await?;
                Ok((purged, room.first().map(|row| rows::event_id(row, 0))))
            })
        });
        let (purged, room) = purging.await?;
        let Some(event) = room else { return Ok(purged) };
        let nobody = MoveId::from(Uuid::nil());
        match self.clear(event, nobody, limit).await? {
            0 => Ok(purged + u64::from(self.give_up_room(event, nobody).await?)),
            cleared => Ok(purged + cleared),
        }
    }
}

/// Runs a statement with a file of its own.
pub(crate) async fn perform(
    connection: &Lease,
    statement: Sql,
    parameters: Parameters<'_>,
) -> Result<u64, PgError> {
    let prepared = connection.prepare(statement).await?;
    connection.change(&prepared, parameters).await
}

/// Which rows are an event's, with its id as $1.
fn whose(table: &MovedTable) -> String {
    match table.scope {
        MovedScope::Event => "event_id = $1::uuid".to_owned(),
        MovedScope::PutUp => {
            format!("event_id = '{}' AND position($1::uuid::text IN outcome) > 0", Uuid::nil())
        }
        MovedScope::Shared => unreachable!("it is of no event"),
    }
}

/// Which rows may have changed since version $2 and the time $3.
fn changed(table: &MovedTable) -> String {
    let (earlier, hour) = (IdempotencyRecord::KEPT - IdempotencyRecord::REFUSAL_KEPT, 3_600);
    match table.since {
        MovedSince::Any => String::new(),
        MovedSince::Registrations => {
            " AND (event_version > $2 OR changed_version > $2 OR status = 'offered')".to_owned()
        }
        MovedSince::Facts => " AND version_last > $2".to_owned(),
        // Those of refusals, too.
        MovedSince::Records => format!(
            " AND (recorded_at >= $3 OR recorded_at BETWEEN $3 - make_interval(secs => {}) \
             AND $3 - make_interval(secs => {}))",
            earlier.num_seconds(),
            earlier.num_seconds() - hour
        ),
        MovedSince::Deliveries => " AND tried_at >= $3".to_owned(),
        MovedSince::Mails => " AND done_at >= $3".to_owned(),
    }
}

/// What PostgreSQL calls the type of a column.
fn type_of(kind: MovedKind) -> &'static str {
    match kind {
        MovedKind::Uuid => "uuid",
        MovedKind::Uuids => "uuid[]",
        MovedKind::Bytes => "bytea",
        MovedKind::Time => "timestamptz",
        MovedKind::Number => "bigint",
        MovedKind::Truth => "boolean",
        MovedKind::Text => "text",
    }
}

/// The statement that reads an event's rows in a table, as text.
fn page_of(table: &MovedTable, since: bool, after: bool) -> String {
    let mut conditions = whose(table);
    // Mails that are due or stuck leave with the event.
    if table.since == MovedSince::Mails {
        conditions.push_str(" AND state NOT IN ('due', 'stuck')");
    }
    if since {
        conditions.push_str(&changed(table));
    }
    let page = table.page.join(", ");
    if after {
        let places = table.page.iter().zip(5..);
        let places =
            places.map(|(column, at)| format!("${at}::text::{}", type_of(table.kind(column))));
        let places = places.collect::<Vec<_>>().join(", ");
        conditions.push_str(&format!(" AND ({page}) > ({places})"));
    }
    format!(
        "SELECT row_to_json(moved)::text FROM (SELECT {} FROM {} WHERE {conditions} \
         AND ($2::bigint IS NULL) = ($3::timestamptz IS NULL) ORDER BY {page} LIMIT $4::bigint) AS moved",
        table.names(),
        table.name,
    )
}

/// The rows in $1, a JSON array, as a FROM item.
fn rows_said(table: &MovedTable) -> String {
    format!("json_populate_recordset(NULL::{}, $1::text::json) AS said", table.name)
}

/// The condition that a row of `table` has the key of one in the array.
fn same_key(table: &MovedTable) -> String {
    let same = table.key.iter().map(|key| format!("there.{key} = said.{key}"));
    same.collect::<Vec<_>>().join(" AND ")
}

/// The statements that take rows in: the rows that they replace are deleted, and they are inserted.
fn taking_in(table: &MovedTable) -> [String; 2] {
    let (name, said, same) = (table.name, rows_said(table), same_key(table));
    let names = table.names();
    let columns = table.columns.iter().map(|(column, _)| format!("said.{column}"));
    let columns = columns.collect::<Vec<_>>().join(", ");
    // While the event sells an address may have moved from a row that was copied to one that is copied now. The row
    // that had it has changed, so it comes again. A row that was cancelled is in nobody's way: the one that has its
    // address now may have been copied before it, and does not come again.
    let or_in_the_way = match table.since {
        MovedSince::Registrations => {
            // In an order so that only the index of live addresses will do.
            ", LATERAL (SELECT said.id UNION ALL (SELECT r.id FROM registrations AS r \
             WHERE said.status IN ('confirmed', 'held', 'waitlisted', 'offered') \
             AND r.event_id = said.event_id AND r.user_email = said.user_email \
             AND r.status IN ('confirmed', 'held', 'waitlisted', 'offered') \
             ORDER BY r.event_id, r.user_email LIMIT 1)) AS gone (id)"
        }
        _ => "",
    };
    let delete = match or_in_the_way {
        "" => format!("DELETE FROM {name} AS there USING {said} WHERE {same}"),
        gone => format!(
            "DELETE FROM {name} AS there USING {said}{gone} \
             WHERE there.id = gone.id AND there.event_id = said.event_id"
        ),
    };
    // Which facts are new comes with the event.
    let (also, none) = match table.since {
        MovedSince::Facts => (", is_new", ", false"),
        _ => ("", ""),
    };
    [delete, format!("INSERT INTO {name} ({names}{also}) SELECT {columns}{none} FROM {said}")]
}

fn array(rows: &[String]) -> String {
    format!("[{}]", rows.join(","))
}

/// The columns of the row `after`, as text.
fn page_values(table: &MovedTable, after: Option<&str>) -> Result<Vec<String>, PgError> {
    let Some(after) = after else { return Ok(Vec::new()) };
    let unreadable = || PgError::Unreadable { column: table.page[0] };
    let row: Value = serde_json::from_str(after).map_err(|_| unreadable())?;
    let value = |column: &&str| match &row[*column] {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err(unreadable()),
    };
    table.page.iter().map(value).collect()
}

#[async_trait]
impl MoveStore for PgStore {
    /// The identity of a running server: it changes when that is restarted.
    async fn identity(&self) -> Result<String, StoreError> {
        self.read(move |connection| {
            Box::pin(async move {
                let found = connection.fetch(sql::MOVING_IDENTITY, &[]).await?;
                let [since, database, tables] = [0, 1, 2].map(|at| found[0].get::<_, &str>(at));
                Ok(format!("running since {since}, database {database}, tables {tables}"))
            })
        })
        .await
    }

    async fn place_of(&self, event: EventId) -> Result<Place, StoreError> {
        self.move_in_transaction("place_of", move |connection| {
            Box::pin(async move {
                let connection = &*connection;
                let (served, way) = self.way_and_state_of(connection, event).await?;
                if served.is_some() {
                    return Ok(Place::Served);
                }
                Ok(match way {
                    Some(Way { direction, mover, .. }) if direction == "arriving" => {
                        Place::Arriving(mover)
                    }
                    Some(Way { direction, mover, place: to, state, .. }) if direction == "left" => {
                        let state = state.map(|state| LeftEvent { mover, state });
                        Place::Left { mover, to, state }
                    }
                    _ => Place::Unknown,
                })
            })
        })
        .await
    }

    async fn events_to_move(
        &self,
        after: Option<EventId>,
        limit: usize,
    ) -> Result<Vec<EventId>, StoreError> {
        let (after, limit) = (after.map_or(Uuid::nil(), EventId::as_uuid), limit as i64);
        self.read(move |connection| {
            Box::pin(async move {
                let rows = connection.fetch(sql::MOVING_LIST, &[&after, &limit]).await?;
                Ok(rows.iter().map(|row| rows::event_id(row, 0)).collect())
            })
        })
        .await
    }

    async fn events_arriving(
        &self,
        after: Option<EventId>,
        limit: usize,
    ) -> Result<Vec<EventId>, StoreError> {
        let (after, limit) = (after.map_or(Uuid::nil(), EventId::as_uuid), limit as i64);
        self.read(move |connection| {
            Box::pin(async move {
                let rows = connection.fetch(sql::MOVING_LIST_ARRIVING, &[&after, &limit]).await?;
                Ok(rows.iter().map(|row| rows::event_id(row, 0)).collect())
            })
        })
        .await
    }

    async fn mails_to_leave(&self, event: EventId) -> Result<usize, StoreError> {
        self.read(move |connection| Box::pin(count_leaving(connection, event))).await
    }

    async fn begin_leaving(
        &self,
        event: EventId,
        mover: MoveId,
        to: &str,
    ) -> Result<Option<Mark>, StoreError> {
        let to = &to;
        self.move_in_transaction("begin_leaving", move |connection| {
            Box::pin(async move {
                let connection = &*connection;
                let (served, way) = self.way_of(connection, event).await?;
                let Some((version, at, _)) = served else { return Ok(None) };
                if way.is_some_and(|way| way.mover != mover && way.is_left_to(way.mover)) {
                    return Ok(None);
                }
                perform(connection, sql::SCHEMA_RAISE, &[&KNOWS_MOVES]).await?;
                let (id, mover, until) = (event.as_uuid(), mover.as_uuid(), at + MOVE_LEASE);
                let parameters: Parameters<'_> = &[&id, &"leaving", &mover, to, &at, &Some(until)];
                perform(connection, sql::MOVING_UPSERT, parameters).await?;
                Ok(Some(Mark { version, at }))
            })
        })
        .await
    }

    async fn go_on_leaving(&self, event: EventId, mover: MoveId) -> Result<bool, StoreError> {
        Ok(self.renew_lease(event, mover, false).await?.is_some())
    }

    async fn freeze(&self, event: EventId, mover: MoveId) -> Result<Option<Mark>, StoreError> {
        self.renew_lease(event, mover, true).await
    }

    async fn stay(&self, event: EventId, mover: MoveId) -> Result<(), StoreError> {
        self.move_in_transaction("stay", move |connection| {
            Box::pin(async move {
                let connection = &*connection;
                let (_, way) = self.way_of(connection, event).await?;
                if way.is_some_and(|way| way.direction == "leaving" && way.mover == mover) {
                    let (id, nobody) = (event.as_uuid(), None::<DateTime<Utc>>);
                    perform(connection, sql::MOVING_FREEZE, &[&id, &nobody]).await?;
                    perform(connection, sql::MOVING_DELETE, &[&id]).await?;
                }
                Ok(())
            })
        })
        .await
    }

    async fn moved_rows(
        &self,
        event: EventId,
        table: &'static MovedTable,
        since: Option<Mark>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        let text = page_of(table, since.is_some(), after.is_some());
        let values = page_values(table, after).map_err(PgError::into_store_error)?;
        let version = since.map(|since| stored_version(since.version));
        let from = since.map(|since| table.changed_from(since));
        let (id, limit) = (event.as_uuid(), limit as i64);
        let (text, values) = (&text, &values);
        self.read(move |connection| {
            let (text, values) = (text.clone(), values.clone());
            Box::pin(async move {
                let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![&id, &version, &from, &limit];
                parameters.extend(values.iter().map(|value| value as &(dyn ToSql + Sync)));
                let rows = fetch(connection, "moved/page", &text, &parameters).await?;
                Ok(rows.iter().map(|row| row.get(0)).collect())
            })
        })
        .await
    }

    async fn count_moved(
        &self,
        event: EventId,
        records_from: DateTime<Utc>,
    ) -> Result<MovedCounts, StoreError> {
        let id = event.as_uuid();
        self.read(move |connection| {
            Box::pin(async move {
                let counted = connection.fetch(sql::MOVING_COUNT, &[&id, &records_from]).await?;
                let row = &counted[0];
                Ok(MovedCounts {
                    registrations: row.get(0),
                    registration_versions: row.get(1),
                    facts: row.get(2),
                    fact_versions: row.get(3),
                    fact_version_last: row.get(4),
                    records: row.get(5),
                    former_holders: row.get(6),
                    question_bytes: row.get(7),
                })
            })
        })
        .await
    }

    async fn hand_over(
        &self,
        event: EventId,
        mover: MoveId,
        version: Version,
    ) -> Result<Option<LeftEvent>, StoreError> {
        self.move_in_transaction("hand_over", move |connection| {
            Box::pin(async move {
                let connection = &*connection;
                // Waits for mails that are being added.
                let lock = format!("SELECT pg_advisory_xact_lock({})", key_of(event));
                connection.script("moving/lock_mails", &lock).await?;
                let (served, way) = self.way_and_state_of(connection, event).await?;
                let Some(way) = way else { return Ok(None) };
                if way.direction == "left" && way.mover == mover {
                    return Ok(way.state.map(|state| LeftEvent { mover, state }));
                }
                let may_go = served.is_some_and(|(at, _, is_frozen)| is_frozen && at == version);
                if !may_go || !way.is_left_to(mover) {
                    return Ok(None);
                }
                leave(connection, event, mover).await
            })
        })
        .await
    }

    async fn pass_on(
        &self,
        event: EventId,
        mover: MoveId,
        to: MoveId,
    ) -> Result<Option<LeftEvent>, StoreError> {
        self.move_in_transaction("pass_on", move |connection| {
            Box::pin(async move {
                let connection = &*connection;
                let (_, way) = self.way_and_state_of(connection, event).await?;
                let is_his =
                    |way: &Way| way.direction == "left" && [mover, to].contains(&way.mover);
                let Some(state) = way.filter(is_his).and_then(|way| way.state) else {
                    return Ok(None);
                };
                let parameters: Parameters<'_> = &[&event.as_uuid(), &to.as_uuid()];
                perform(connection, sql::MOVING_PASS_ON, parameters).await?;
                Ok(Some(LeftEvent { mover: to, state }))
            })
        })
        .await
    }

    async fn begin_arriving(
        &self,
        event: EventId,
        mover: MoveId,
        from: &str,
    ) -> Result<bool, StoreError> {
        let from = &from;
        self.move_in_transaction("begin_arriving", move |connection| {
            Box::pin(async move {
                let connection = &*connection;
                let (id, nobody) = (event.as_uuid(), None::<DateTime<Utc>>);
                let now = self.now(connection).await?;
                perform(connection, sql::SCHEMA_RAISE, &[&KNOWS_MOVES]).await?;
                // Waits for a transaction that creates the event, so that the next statement sees
                // it.
                let (_, way) = self.way_of(connection, event).await?;
                if way.is_some_and(|way| way.has_state) {
                    return Ok(false);
                }
                // Before checking whether it is served: a transaction that creates an event looks
                // for this row.
                let mover = mover.as_uuid();
                let parameters: Parameters<'_> = &[&id, &"arriving", &mover, from, &now, &nobody];
                perform(connection, sql::MOVING_UPSERT_ABSENT, parameters)
                    .await
                    .map(|rows| rows > 0)
            })
        })
        .await
    }

    async fn take_in(
        &self,
        event: EventId,
        mover: MoveId,
        table: &'static MovedTable,
        rows: &[String],
    ) -> Result<bool, StoreError> {
        let (rows, statements) = (&array(rows), &taking_in(table));
        self.move_in_transaction("take_in", move |connection| {
            Box::pin(async move {
                let connection = &*connection;
                let (served, way) = self.way_of(connection, event).await?;
                if served.is_some() || !way.is_some_and(|way| way.arrives_by(mover)) {
                    return Ok(false);
                }
                for statement in statements {
                    change(connection, "moved/take_in", statement, &[rows]).await?;
                }
                Ok(true)
            })
        })
        .await
    }

    async fn activate(&self, event: EventId, left: &LeftEvent) -> Result<bool, StoreError> {
        self.move_in_transaction("activate", move |connection| {
            Box::pin(async move {
                let connection = &*connection;
                let (served, way) = self.way_of(connection, event).await?;
                if served.is_some() {
                    return Ok(true);
                }
                if !way.is_some_and(|way| way.arrives_by(left.mover)) {
                    return Ok(false);
                }
                activate_event(connection, event, &left.state).await?;
                let until = self.now(connection).await? + MOVED_LATELY;
                perform(connection, sql::MOVING_LEASE, &[&event.as_uuid(), &until]).await?;
                Ok(true)
            })
        })
        .await
    }

    async fn clear(&self, event: EventId, mover: MoveId, limit: usize) -> Result<u64, StoreError> {
        let limit = limit as i64;
        self.move_in_transaction("clear", move |connection| {
            Box::pin(async move {
                let connection = &*connection;
                let (served, way) = self.way_of(connection, event).await?;
                let is_his = |way: Way| way.direction != "leaving" && way.mover == mover;
                if served.is_some() || !way.is_some_and(is_his) {
                    return Ok(0);
                }
                let (id, mut cleared) = (event.as_uuid(), 0);
                let own = MOVED_TABLES.iter().filter(|table| table.scope == MovedScope::Event);
                for table in own.chain([&MOVED_LANES]) {
                    let (name, page) = (table.name, table.page.join(", "));
                    let text = format!(
                        "DELETE FROM {name} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {name} \
                         WHERE event_id = $1::uuid ORDER BY {page} LIMIT $2::bigint))"
                    );
                    cleared += change(connection, "moved/clear", &text, &[&id, &limit]).await?;
                }
                Ok(cleared)
            })
        })
        .await
    }

    async fn forget_left(&self, event: EventId, mover: MoveId) -> Result<(), StoreError> {
        self.move_in_transaction("forget_left", move |connection| {
            Box::pin(async move {
                let connection = &*connection;
                let (id, mover) = (event.as_uuid(), mover.as_uuid());
                perform(connection, sql::MOVING_FORGET, &[&id, &mover]).await?;
                Ok(())
            })
        })
        .await
    }

    async fn give_up_room(&self, event: EventId, mover: MoveId) -> Result<bool, StoreError> {
        self.move_in_transaction("give_up_room", move |connection| {
            Box::pin(async move {
                let connection = &*connection;
                let (served, way) = self.way_of(connection, event).await?;
                if served.is_some() || !way.is_some_and(|way| way.arrives_by(mover)) {
                    return Ok(false);
                }
                perform(connection, sql::MOVING_DELETE, &[&event.as_uuid()]).await?;
                Ok(true)
            })
        })
        .await
    }

    async fn shared_rows(&self, table: &'static MovedTable) -> Result<Vec<String>, StoreError> {
        let page = table.page.join(", ");
        let text = &format!(
            "SELECT row_to_json(moved)::text FROM (SELECT {} FROM {} ORDER BY {page}) AS moved",
            table.names(),
            table.name
        );
        self.read(move |connection| {
            let text = text.clone();
            Box::pin(async move {
                let rows = fetch(connection, "moved/shared", &text, &[]).await?;
                Ok(rows.iter().map(|row| row.get(0)).collect())
            })
        })
        .await
    }

    async fn add_shared(
        &self,
        table: &'static MovedTable,
        rows: &[String],
    ) -> Result<(), StoreError> {
        let columns = table.columns.iter().map(|(column, _)| format!("said.{column}"));
        // MATERIALIZED: Citus fails where an INSERT selects from a table and an array itself; and it takes no NOT EXISTS
        // here.
        let text = &format!(
            "WITH absent AS MATERIALIZED (SELECT said.* FROM {rows} LEFT JOIN {name} AS there ON {same_key} \
             WHERE there.{key} IS NULL) \
             INSERT INTO {name} ({names}) SELECT {columns} FROM absent AS said ORDER BY said.{page}",
            rows = rows_said(table),
            name = table.name,
            same_key = same_key(table),
            key = table.key[0],
            names = table.names(),
            columns = columns.collect::<Vec<_>>().join(", "),
            page = table.page[0],
        );
        let rows = &array(rows);
        self.move_in_transaction("add_shared", move |connection| {
            Box::pin(async move {
                let connection = &*connection;
                perform(connection, sql::SCHEMA_RAISE, &[&KNOWS_MOVES]).await?;
                change(connection, "moved/add_shared", text, &[rows]).await?;
                Ok(())
            })
        })
        .await
    }

    async fn keep_to(&self, assigned: StoredBytes) -> Result<bool, StoreError> {
        self.write_bytes(assigned).await
    }

    async fn replace_map(
        &self,
        before: Option<&StoredMap>,
        after: &StoredMap,
    ) -> Result<bool, StoreError> {
        self.write_map(before, after).await
    }
}

/// How many mails would leave with an event; if too many, one more than the limit.
async fn count_leaving(connection: &Lease, event: EventId) -> Result<usize, PgError> {
    let (id, counted) = (event.as_uuid(), LEAVING_MAILS_MAX as i64 + 1);
    let found = connection.fetch(sql::MOVING_MAILS, &[&id, &counted]).await?;
    let unreadable = |_| PgError::Unreadable { column: "count" };
    found[0].get::<_, i64>(0).try_into().map_err(unreadable)
}

/// Deletes an event's row, its lanes and the mails that are due or stuck, and stores them as the state that it leaves
/// with, unless there are too many mails. In the order in which workers write these, and exactly what is deleted is
/// stored: so a worker that is writing any of it is waited for, and has written it, or finds it gone.
async fn leave(
    connection: &Lease,
    event: EventId,
    mover: MoveId,
) -> Result<Option<LeftEvent>, PgError> {
    if count_leaving(connection, event).await? > LEAVING_MAILS_MAX {
        return Ok(None);
    }
    let new_from = "WITH marked AS (UPDATE facts SET is_new = false \
                    WHERE event_id = $1::uuid AND is_new RETURNING version_first), \
                    noted AS (DELETE FROM new_facts WHERE event_id = $1::uuid RETURNING version_first) \
                    SELECT coalesce(min(version_first)::text, 'null') \
                    FROM (SELECT * FROM marked UNION ALL SELECT * FROM noted) AS routed";
    let new_from = take(connection, event, new_from).await?;
    let lanes = take(connection, event, &taking_away(&MOVED_LANES, "event_id = $1::uuid")).await?;
    let due = "event_id = $1::uuid AND state IN ('due', 'stuck')";
    let mails = take(connection, event, &taking_away(&MOVED_MAILS, due)).await?;
    let row = take(connection, event, &taking_away(&MOVED_EVENT, "id = $1::uuid")).await?;
    // It is an array of one.
    let row = &row[1..row.len() - 1];
    let state =
        format!("{{\"event\":{row},\"new_from\":{new_from},\"lanes\":{lanes},\"mails\":{mails}}}");
    perform(connection, sql::MOVING_LEAVE, &[&event.as_uuid(), &state]).await?;
    Ok(Some(LeftEvent { mover, state }))
}

/// Runs a statement that returns one text of an event.
async fn take(connection: &Lease, event: EventId, text: &str) -> Result<String, PgError> {
    let told = fetch(connection, "moved/leave", text, &[&event.as_uuid()]).await?;
    Ok(told[0].get(0))
}

/// The statement that deletes rows of an event, and returns them as a JSON array.
fn taking_away(table: &MovedTable, condition: &str) -> String {
    format!(
        "WITH taken AS (DELETE FROM {} WHERE {condition} RETURNING {}) \
         SELECT coalesce(json_agg(taken), '[]')::text FROM taken",
        table.name,
        table.names(),
    )
}

/// Activates an event that has arrived.
async fn activate_event(connection: &Lease, event: EventId, state: &str) -> Result<(), PgError> {
    let name = "moved/put_up";
    let state: Value =
        serde_json::from_str(state).map_err(|_| PgError::Unreadable { column: "state" })?;
    for (table, said) in [
        (&MOVED_EVENT, format!("[{}]", state["event"])),
        (&MOVED_LANES, state["lanes"].to_string()),
        (&MOVED_MAILS, state["mails"].to_string()),
    ] {
        for statement in taking_in(table) {
            change(connection, name, &statement, &[&said]).await?;
        }
    }
    let id = event.as_uuid();
    if let Some(first) = state["new_from"].as_i64() {
        let new = "INSERT INTO new_facts (event_id, version_first, version_last, recorded_at) \
                   SELECT id, $2::bigint, version, coalesce(changed_at, created_at) FROM events \
                   WHERE id = $1::uuid";
        change(connection, name, new, &[&id, &first]).await?;
    }
    // They were mailed after they were copied. IS TRUE keeps it from being a join.
    let delete_mailed = "DELETE FROM former_holders WHERE event_id = $1::uuid AND ((registration_id, version) IN \
                (SELECT registration_id, version FROM mails WHERE event_id = $1::uuid \
                AND kind = 'handed_over' AND state IN ('sent', 'dropped'))) IS TRUE";
    change(connection, name, delete_mailed, &[&id]).await?;
    Ok(())
}
