//! Events that leave for another store, or arrive from one: see [`MoveStore`]. Every write is a transaction of the
//! writer, which locks all events.

use crate::errors::Failure;
use crate::keeping;
use crate::leftovers::{clear, give_up_room};
use crate::moved_rows::{self, parse, values};
use crate::rows::{self, stored};
use crate::sql;
use crate::store::SqliteStore;
use crate::transaction::Work;
use crate::ways::{Way, find, version};
use crate::writer::Urgency;
use async_trait::async_trait;
use booking_core::{
    Clock, EventId, ForeignByte, IdempotencyRecord, KNOWS_MOVES, LEAVING_MAILS_MAX, LeftEvent,
    MOVE_LEASE, MOVED_EVENT, MOVED_LANES, MOVED_LATELY, MOVED_MAILS, Mark, MoveId, MoveStore,
    MovedCounts, MovedScope, MovedSince, MovedTable, Place, StoreError, StoredBytes, StoredMap,
    Version,
};
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use rusqlite::types::Value as Stored;
use rusqlite::{Connection, params, params_from_iter};
use serde_json::{Value, json};
use uuid::Uuid;

/// The event's own row in JSON.
fn event_row(connection: &Connection, event: EventId) -> Result<Option<Value>, Failure> {
    let sql = format!("SELECT {} FROM events WHERE id = ?1", MOVED_EVENT.names());
    let mut statement = connection.prepare_cached(&sql)?;
    let found = moved_rows::read(&mut statement, &MOVED_EVENT, [event.as_uuid().as_bytes()]);
    Ok(found?.pop())
}

fn place_of(connection: &Connection, event: EventId) -> Result<Place, Failure> {
    if version(connection, event)?.is_some() {
        return Ok(Place::Served);
    }
    Ok(match find(connection, event)? {
        Some(Way { direction, mover, .. }) if direction == "arriving" => Place::Arriving(mover),
        Some(Way { direction, mover, place: to, state, .. }) if direction == "left" => {
            Place::Left { mover, to, state: state.map(|state| LeftEvent { mover, state }) }
        }
        _ => Place::Unknown,
    })
}

fn upsert(
    connection: &Connection,
    event: EventId,
    direction: &str,
    mover: MoveId,
    place: &str,
    now: DateTime<Utc>,
    until: Option<DateTime<Utc>>,
) -> Result<(), Failure> {
    connection.prepare_cached(sql::SCHEMA_RAISE)?.execute([KNOWS_MOVES])?;
    connection.prepare_cached(sql::MOVING_UPSERT)?.execute(params![
        event.as_uuid().as_bytes(),
        direction,
        mover.as_uuid().as_bytes(),
        place,
        now.timestamp_micros(),
        rows::stored_time(until),
    ])?;
    Ok(())
}

fn begin_leaving(
    connection: &Connection,
    event: EventId,
    mover: MoveId,
    to: &str,
    clock: &Clock,
) -> Result<Work<Option<Mark>>, Failure> {
    let now = clock().trunc_subsecs(6);
    let Some(version) = version(connection, event)? else { return Ok(Work::Unchanged(None)) };
    let is_anothers = |way: &Way| way.mover != mover && way.is_left_to(way.mover, now);
    if find(connection, event)?.is_some_and(|way| is_anothers(&way)) {
        return Ok(Work::Unchanged(None));
    }
    upsert(connection, event, "leaving", mover, to, now, Some(now + MOVE_LEASE))?;
    Ok(Work::Changed(Some(Mark { version, at: now })))
}

/// Renews the lease of `mover`, and freezes the event for as long if it `freezes`.
fn renew_lease(
    connection: &Connection,
    event: EventId,
    mover: MoveId,
    freezes: bool,
    clock: &Clock,
) -> Result<Work<Option<Mark>>, Failure> {
    let now = clock().trunc_subsecs(6);
    let way = find(connection, event)?;
    if !way.is_some_and(|way| way.is_left_to(mover, now)) {
        return Ok(Work::Unchanged(None));
    }
    let Some(version) = version(connection, event)? else { return Ok(Work::Unchanged(None)) };
    let (event, mover) = (event.as_uuid(), mover.as_uuid());
    let until = (now + MOVE_LEASE).timestamp_micros();
    let mut lease = connection.prepare_cached(sql::MOVING_LEASE)?;
    lease.execute(params![event.as_bytes(), mover.as_bytes(), until])?;
    if freezes {
        let mut freeze = connection.prepare_cached(sql::MOVING_FREEZE)?;
        freeze.execute(params![event.as_bytes(), until])?;
    }
    Ok(Work::Changed(Some(Mark { version, at: now })))
}

fn stay(connection: &Connection, event: EventId, mover: MoveId) -> Result<Work<()>, Failure> {
    let way = find(connection, event)?;
    if !way.is_some_and(|way| way.direction == "leaving" && way.mover == mover) {
        return Ok(Work::Unchanged(()));
    }
    let (event, mover) = (event.as_uuid(), mover.as_uuid());
    let nobody = None::<i64>;
    let mut thaw = connection.prepare_cached(sql::MOVING_FREEZE)?;
    thaw.execute(params![event.as_bytes(), nobody])?;
    let mut delete = connection.prepare_cached(sql::MOVING_DELETE)?;
    delete.execute(params![event.as_bytes(), mover.as_bytes()])?;
    Ok(Work::Changed(()))
}

/// Which rows are an event's, with its id as ?1.
fn whose(table: &MovedTable) -> &'static str {
    match table.scope {
        MovedScope::Event => "event_id = ?1",
        MovedScope::PutUp => "event_id = zeroblob(16) AND instr(outcome, ?1) > 0",
        MovedScope::Shared => unreachable!("it is of no event"),
    }
}

/// The event's id as [`whose`] expects it.
fn whose_id(table: &MovedTable, event: EventId) -> Stored {
    match table.scope {
        MovedScope::PutUp => Stored::Text(event.to_string()),
        MovedScope::Event | MovedScope::Shared => {
            Stored::Blob(event.as_uuid().into_bytes().to_vec())
        }
    }
}

/// A condition that selects rows which may have changed, and its values.
fn changed(table: &MovedTable, since: Mark, at: usize) -> (String, Vec<Stored>) {
    let version = Stored::Integer(stored(since.version));
    let from = table.changed_from(since).timestamp_micros();
    match table.since {
        MovedSince::Any => (String::new(), Vec::new()),
        MovedSince::Registrations => {
            let changed = format!(
                " AND (event_version > ?{at} OR changed_version > ?{at} OR status = 'offered')"
            );
            (changed, vec![version])
        }
        MovedSince::Facts => (format!(" AND version_last > ?{at}"), vec![version]),
        MovedSince::Records => {
            // Those of refusals expire earlier.
            let earlier = IdempotencyRecord::KEPT - IdempotencyRecord::REFUSAL_KEPT;
            let earlier = earlier.num_microseconds().unwrap_or(i64::MAX);
            let changed = format!(
                " AND (recorded_at >= ?{at} OR recorded_at BETWEEN ?{at} - {earlier} \
                 AND ?{at} - {earlier} + {})",
                TimeDelta::hours(1).num_microseconds().unwrap_or(i64::MAX)
            );
            (changed, vec![Stored::Integer(from)])
        }
        MovedSince::Deliveries => (format!(" AND tried_at >= ?{at}"), vec![Stored::Integer(from)]),
        MovedSince::Mails => (format!(" AND done_at >= ?{at}"), vec![Stored::Integer(from)]),
    }
}

/// A condition that leaves out rows which leave with the event's own.
fn beforehand(table: &MovedTable) -> &'static str {
    // Mails that are due or stuck leave with the event.
    if table.since == MovedSince::Mails { " AND state NOT IN ('due', 'stuck')" } else { "" }
}

fn read_rows(
    connection: &Connection,
    event: EventId,
    table: &'static MovedTable,
    since: Option<Mark>,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<String>, Failure> {
    let mut sql = format!(
        "SELECT {} FROM {} WHERE {}{}",
        table.names(),
        table.name,
        whose(table),
        beforehand(table)
    );
    let mut parameters = vec![whose_id(table, event)];
    if let Some(since) = since {
        let (condition, with) = changed(table, since, parameters.len() + 1);
        sql.push_str(&condition);
        parameters.extend(with);
    }
    let page = table.page.join(", ");
    if let Some(after) = after {
        let first = parameters.len() + 1;
        parameters.extend(values(table, table.page.iter().copied(), &parse(after)?)?);
        let places: Vec<_> = (first..=parameters.len()).map(|at| format!("?{at}")).collect();
        sql.push_str(&format!(" AND ({page}) > ({})", places.join(", ")));
    }
    parameters.push(Stored::Integer(limit as i64));
    sql.push_str(&format!(" ORDER BY {page} LIMIT ?{}", parameters.len()));
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = moved_rows::read(&mut statement, table, params_from_iter(parameters))?;
    Ok(rows.iter().map(Value::to_string).collect())
}

fn count(
    connection: &Connection,
    event: EventId,
    records_from: DateTime<Utc>,
) -> Result<MovedCounts, Failure> {
    let mut statement = connection.prepare_cached(sql::MOVING_COUNT)?;
    let id = event.as_uuid();
    let parameters = params![id.as_bytes(), records_from.timestamp_micros()];
    Ok(statement.query_row(parameters, |row| {
        Ok(MovedCounts {
            registrations: row.get(0)?,
            registration_versions: row.get(1)?,
            facts: row.get(2)?,
            fact_versions: row.get(3)?,
            fact_version_last: row.get(4)?,
            records: row.get(5)?,
            former_holders: row.get(6)?,
            question_bytes: row.get(7)?,
        })
    })?)
}

/// The rows of an event in a table that meet a condition.
fn all_rows(
    connection: &Connection,
    table: &'static MovedTable,
    event: EventId,
    condition: &str,
) -> Result<Vec<Value>, Failure> {
    let sql =
        format!("SELECT {} FROM {} WHERE event_id = ?1 AND {condition}", table.names(), table.name);
    let mut statement = connection.prepare_cached(&sql)?;
    moved_rows::read(&mut statement, table, [event.as_uuid().as_bytes()])
}

fn hand_over(
    connection: &Connection,
    event: EventId,
    mover: MoveId,
    at: Version,
    clock: &Clock,
) -> Result<Work<Option<LeftEvent>>, Failure> {
    let now = clock().trunc_subsecs(6);
    let Some(way) = find(connection, event)? else { return Ok(Work::Unchanged(None)) };
    if way.direction == "left" && way.mover == mover {
        let left = way.state.map(|state| LeftEvent { mover, state });
        return Ok(Work::Unchanged(left));
    }
    let id = event.as_uuid();
    let is_frozen = frozen_until(connection, event)?.is_some_and(|until| now < until);
    if !way.is_left_to(mover, now) || !is_frozen || version(connection, event)? != Some(at) {
        return Ok(Work::Unchanged(None));
    }
    if count_leaving(connection, event)? > LEAVING_MAILS_MAX {
        return Ok(Work::Unchanged(None));
    }
    let mut new_from = connection
        .prepare_cached("SELECT version_first FROM new_facts WHERE event_id = ?1")?
        .query_map([id.as_bytes()], |row| row.get::<_, i64>(0))?
        .collect::<Result<Vec<_>, _>>()?;
    let state = json!({
        "event": event_row(connection, event)?,
        "new_from": new_from.pop(),
        "lanes": all_rows(connection, &MOVED_LANES, event, "true")?,
        "mails": all_rows(connection, &MOVED_MAILS, event, "state IN ('due', 'stuck')")?,
    });
    let state = state.to_string();
    for sql in [
        "DELETE FROM new_facts WHERE event_id = ?1",
        "DELETE FROM delivery_lanes WHERE event_id = ?1",
        "DELETE FROM mails WHERE event_id = ?1 AND state IN ('due', 'stuck')",
        "DELETE FROM events WHERE id = ?1",
    ] {
        connection.prepare_cached(sql)?.execute([id.as_bytes()])?;
    }
    let mut leave = connection.prepare_cached(sql::MOVING_LEAVE)?;
    leave.execute(params![id.as_bytes(), mover.as_uuid().as_bytes(), state])?;
    Ok(Work::Changed(Some(LeftEvent { mover, state })))
}

/// How many mails would leave with an event; if too many, one more than the limit.
fn count_leaving(connection: &Connection, event: EventId) -> Result<usize, Failure> {
    let mut count = connection.prepare_cached(sql::MOVING_MAILS)?;
    let (event, counted) = (event.as_uuid(), LEAVING_MAILS_MAX as i64 + 1);
    let leaving: u32 = count.query_row(params![event.as_bytes(), counted], |row| row.get(0))?;
    Ok(leaving as usize)
}

fn frozen_until(connection: &Connection, event: EventId) -> Result<Option<DateTime<Utc>>, Failure> {
    let mut find = connection.prepare_cached("SELECT frozen_until FROM events WHERE id = ?1")?;
    let mut found = find.query([event.as_uuid().as_bytes()])?;
    match found.next()? {
        Some(row) => rows::optional_time(row, 0, "events.frozen_until"),
        None => Ok(None),
    }
}

fn pass_on(
    connection: &Connection,
    event: EventId,
    mover: MoveId,
    to: MoveId,
) -> Result<Work<Option<LeftEvent>>, Failure> {
    let is_his = |way: &Way| way.direction == "left" && [mover, to].contains(&way.mover);
    let Some(state) = find(connection, event)?.filter(is_his).and_then(|way| way.state) else {
        return Ok(Work::Unchanged(None));
    };
    let (event, new) = (event.as_uuid(), to.as_uuid());
    let mut pass_on = connection.prepare_cached(sql::MOVING_PASS_ON)?;
    pass_on.execute(params![event.as_bytes(), new.as_bytes()])?;
    Ok(Work::Changed(Some(LeftEvent { mover: to, state })))
}

fn begin_arriving(
    connection: &Connection,
    event: EventId,
    mover: MoveId,
    from: &str,
    clock: &Clock,
) -> Result<Work<bool>, Failure> {
    let way = find(connection, event)?;
    if version(connection, event)?.is_some() || way.as_ref().is_some_and(|way| way.state.is_some())
    {
        return Ok(Work::Unchanged(false));
    }
    // This cell does not accept it: the mover has an old map. One that was on its way here before that may still arrive,
    // by whoever takes its move over.
    let is_arriving = way.is_some_and(|way| way.direction == "arriving");
    if !is_arriving && !keeping::has(connection, ForeignByte::of(event))? {
        return Ok(Work::Unchanged(false));
    }
    upsert(connection, event, "arriving", mover, from, clock(), None)?;
    Ok(Work::Changed(true))
}

fn take_in(
    connection: &Connection,
    event: EventId,
    mover: MoveId,
    table: &'static MovedTable,
    rows: &[String],
) -> Result<Work<bool>, Failure> {
    let way = find(connection, event)?;
    if !way.is_some_and(|way| way.arrives_by(mover)) {
        return Ok(Work::Unchanged(false));
    }
    for row in rows {
        moved_rows::write(connection, table, &parse(row)?, false)?;
    }
    // A trigger noted them as new. Which of them are new comes with the event.
    let mut none_new = connection.prepare_cached(sql::FACT_ROUTED)?;
    none_new.execute([event.as_uuid().as_bytes()])?;
    Ok(Work::Changed(true))
}

fn activate(
    connection: &Connection,
    event: EventId,
    left: &LeftEvent,
    clock: &Clock,
) -> Result<Work<bool>, Failure> {
    if version(connection, event)?.is_some() {
        return Ok(Work::Unchanged(true));
    }
    if !find(connection, event)?.is_some_and(|way| way.arrives_by(left.mover)) {
        return Ok(Work::Unchanged(false));
    }
    let state = parse(&left.state)?;
    moved_rows::write(connection, &MOVED_EVENT, &state["event"], true)?;
    for (table, rows) in [(&MOVED_LANES, &state["lanes"]), (&MOVED_MAILS, &state["mails"])] {
        for row in rows.as_array().into_iter().flatten() {
            moved_rows::write(connection, table, row, false)?;
        }
    }
    let id = event.as_uuid();
    if let Some(first) = state["new_from"].as_i64() {
        let note = "INSERT OR REPLACE INTO new_facts (event_id, version_first) VALUES (?1, ?2)";
        connection.prepare_cached(note)?.execute(params![id.as_bytes(), first])?;
    }
    // They were mailed after they were copied.
    let delete_mailed = "DELETE FROM former_holders WHERE event_id = ?1 AND (registration_id, version) IN \
                (SELECT registration_id, version FROM mails WHERE event_id = ?1 \
                AND kind = 'handed_over' AND state IN ('sent', 'dropped'))";
    connection.prepare_cached(delete_mailed)?.execute([id.as_bytes()])?;
    let until = (clock() + MOVED_LATELY).timestamp_micros();
    let mut lease = connection.prepare_cached(sql::MOVING_LEASE)?;
    lease.execute(params![id.as_bytes(), left.mover.as_uuid().as_bytes(), until])?;
    Ok(Work::Changed(true))
}

fn shared_rows(
    connection: &Connection,
    table: &'static MovedTable,
) -> Result<Vec<String>, Failure> {
    let page = table.page.join(", ");
    let sql = format!("SELECT {} FROM {} ORDER BY {page}", table.names(), table.name);
    let rows = moved_rows::read(&mut connection.prepare_cached(&sql)?, table, [])?;
    Ok(rows.iter().map(Value::to_string).collect())
}

impl SqliteStore {
    /// Has the writer do something for a move, at the same priority as batches: after them, an event that always has a
    /// batch waiting would never leave.
    async fn move_by<T: Send + 'static>(
        &self,
        work: impl FnMut(&Connection, &Clock) -> Result<Work<T>, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.write_as(Urgency::Seats, work).await
    }
}

#[async_trait]
impl MoveStore for SqliteStore {
    /// The database's file, independent of its name.
    async fn identity(&self) -> Result<String, StoreError> {
        self.read(|_, _| Ok(())).await?;
        Ok(self.file_identity())
    }

    async fn place_of(&self, event: EventId) -> Result<Place, StoreError> {
        // By the writer, so that its two statements see one state.
        self.move_by(move |connection, _| place_of(connection, event).map(Work::Unchanged)).await
    }

    async fn events_to_move(
        &self,
        after: Option<EventId>,
        limit: usize,
    ) -> Result<Vec<EventId>, StoreError> {
        self.read(move |connection, _| {
            let after = after.map_or(Uuid::nil(), EventId::as_uuid);
            let mut list = connection.prepare_cached(sql::MOVING_LIST)?;
            let parameters = params![after.as_bytes(), limit as i64];
            let listed = list.query_and_then(parameters, |row| rows::event_id(row, 0))?;
            listed.collect()
        })
        .await
    }

    async fn events_arriving(
        &self,
        after: Option<EventId>,
        limit: usize,
    ) -> Result<Vec<EventId>, StoreError> {
        self.read(move |connection, _| {
            let after = after.map_or(Uuid::nil(), EventId::as_uuid);
            let mut list = connection.prepare_cached(sql::MOVING_LIST_ARRIVING)?;
            let parameters = params![after.as_bytes(), limit as i64];
            let listed = list.query_and_then(parameters, |row| rows::event_id(row, 0))?;
            listed.collect()
        })
        .await
    }

    async fn mails_to_leave(&self, event: EventId) -> Result<usize, StoreError> {
        self.read(move |connection, _| count_leaving(connection, event)).await
    }

    async fn begin_leaving(
        &self,
        event: EventId,
        mover: MoveId,
        to: &str,
    ) -> Result<Option<Mark>, StoreError> {
        let to = to.to_owned();
        self.move_by(move |connection, clock| begin_leaving(connection, event, mover, &to, clock))
            .await
    }

    async fn go_on_leaving(&self, event: EventId, mover: MoveId) -> Result<bool, StoreError> {
        let went_on = self
            .move_by(move |connection, clock| renew_lease(connection, event, mover, false, clock));
        Ok(went_on.await?.is_some())
    }

    async fn freeze(&self, event: EventId, mover: MoveId) -> Result<Option<Mark>, StoreError> {
        self.move_by(move |connection, clock| renew_lease(connection, event, mover, true, clock))
            .await
    }

    async fn stay(&self, event: EventId, mover: MoveId) -> Result<(), StoreError> {
        self.move_by(move |connection, _| stay(connection, event, mover)).await
    }

    async fn moved_rows(
        &self,
        event: EventId,
        table: &'static MovedTable,
        since: Option<Mark>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        let after = after.map(str::to_owned);
        self.read(move |connection, _| {
            read_rows(connection, event, table, since, after.as_deref(), limit)
        })
        .await
    }

    async fn count_moved(
        &self,
        event: EventId,
        records_from: DateTime<Utc>,
    ) -> Result<MovedCounts, StoreError> {
        self.read(move |connection, _| count(connection, event, records_from)).await
    }

    async fn hand_over(
        &self,
        event: EventId,
        mover: MoveId,
        version: Version,
    ) -> Result<Option<LeftEvent>, StoreError> {
        self.move_by(move |connection, clock| hand_over(connection, event, mover, version, clock))
            .await
    }

    async fn pass_on(
        &self,
        event: EventId,
        mover: MoveId,
        to: MoveId,
    ) -> Result<Option<LeftEvent>, StoreError> {
        self.move_by(move |connection, _| pass_on(connection, event, mover, to)).await
    }

    async fn begin_arriving(
        &self,
        event: EventId,
        mover: MoveId,
        from: &str,
    ) -> Result<bool, StoreError> {
        let from = from.to_owned();
        self.move_by(move |connection, clock| {
            begin_arriving(connection, event, mover, &from, clock)
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
        let rows = rows.to_vec();
        self.move_by(move |connection, _| take_in(connection, event, mover, table, &rows)).await
    }

    async fn activate(&self, event: EventId, left: &LeftEvent) -> Result<bool, StoreError> {
        let left = left.clone();
        self.move_by(move |connection, clock| activate(connection, event, &left, clock)).await
    }

    async fn clear(&self, event: EventId, mover: MoveId, limit: usize) -> Result<u64, StoreError> {
        self.move_by(move |connection, _| clear(connection, event, mover, limit)).await
    }

    /// Deleted rows may have to be erased, and must not stay in the log.
    async fn forget_left(&self, event: EventId, mover: MoveId) -> Result<(), StoreError> {
        let forgotten = self.move_by(move |connection, _| {
            let (event, mover) = (event.as_uuid(), mover.as_uuid());
            let mut delete = connection.prepare_cached(sql::MOVING_FORGET)?;
            delete.execute(params![event.as_bytes(), mover.as_bytes()])?;
            Ok(Work::Changed(()))
        });
        forgotten.await?;
        self.empty_log().await;
        Ok(())
    }

    /// Deleted rows may have to be erased, and must not stay in the log.
    async fn give_up_room(&self, event: EventId, mover: MoveId) -> Result<bool, StoreError> {
        let given_up =
            self.move_by(move |connection, _| give_up_room(connection, event, mover)).await?;
        self.empty_log().await;
        Ok(given_up)
    }

    async fn shared_rows(&self, table: &'static MovedTable) -> Result<Vec<String>, StoreError> {
        self.read(move |connection, _| shared_rows(connection, table)).await
    }

    async fn add_shared(
        &self,
        table: &'static MovedTable,
        rows: &[String],
    ) -> Result<(), StoreError> {
        let rows = rows.to_vec();
        self.move_by(move |connection, _| {
            connection.prepare_cached(sql::SCHEMA_RAISE)?.execute([KNOWS_MOVES])?;
            for row in &rows {
                moved_rows::write(connection, table, &parse(row)?, true)?;
            }
            Ok(Work::Changed(()))
        })
        .await
    }

    async fn keep_to(&self, assigned: StoredBytes) -> Result<bool, StoreError> {
        let version = keeping::stored(assigned.version)?;
        self.move_by(move |connection, _| keeping::keep_to(connection, version, assigned)).await
    }

    async fn replace_map(
        &self,
        before: Option<&StoredMap>,
        after: &StoredMap,
    ) -> Result<bool, StoreError> {
        after.check()?;
        let (version, before, after) =
            (keeping::stored(after.version)?, before.cloned(), after.clone());
        self.move_by(move |connection, _| {
            keeping::replace_map(connection, before.as_ref(), &after, version)
        })
        .await
    }
}
