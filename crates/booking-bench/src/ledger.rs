//! Compares the answers with the store, in SQL.

use anyhow::{Context, ensure};
use booking_testkit::Database;
use rusqlite::OpenFlags;
use std::collections::HashMap;
use std::path::PathBuf;

/// The store to read.
#[derive(Debug, Clone)]
pub(crate) enum Books {
    /// A database of PostgreSQL.
    Postgres(Database),
    /// Schemas of PostgreSQL databases, each with its own events.
    Cells(Vec<(Database, String)>),
    /// A file of SQLite.
    Sqlite(PathBuf),
}

/// The seats that a store has acknowledged, by event.
#[derive(Debug)]
pub(crate) struct Ledger {
    books: Books,
    acknowledged: HashMap<String, i64>,
}

/// A store's data of an event.
#[derive(Debug, PartialEq, Eq)]
struct Held {
    booked_count: i64,
    rows: i64,
    addresses: i64,
}

impl Ledger {
    /// A ledger for a store without events.
    pub(crate) fn new(books: Books) -> Self {
        Self { books, acknowledged: HashMap::new() }
    }

    /// Records that `seats` on `event` were answered as given, or as given up if negative.
    pub(crate) fn acknowledge(&mut self, event: &str, seats: i64) {
        *self.acknowledged.entry(event.to_owned()).or_default() += seats;
    }

    /// Compares the events' counts, rows and distinct addresses with what was acknowledged.
    ///
    /// # Errors
    ///
    /// If anything differs.
    pub(crate) fn verify(&self, events: &[String]) -> anyhow::Result<()> {
        let held = match &self.books {
            Books::Postgres(database) => held_in_postgres(database, "public", events),
            Books::Cells(cells) => {
                let of_cell = |(database, schema): &(Database, String)| {
                    held_in_postgres(database, schema, events)
                };
                let mut held = HashMap::new();
                for (event, of_event) in cells.iter().flat_map(of_cell) {
                    let before = held.insert(event.clone(), of_event);
                    ensure!(before.is_none(), "event {event} is in two cells");
                }
                held
            }
            Books::Sqlite(path) => held_in_sqlite(path, events)?,
        };
        for event in events {
            let acknowledged = self.acknowledged.get(event).copied().unwrap_or_default();
            let held = held.get(event).with_context(|| format!("event {event} is gone"))?;
            let expected =
                Held { booked_count: acknowledged, rows: acknowledged, addresses: acknowledged };
            ensure!(*held == expected, "event {event}: acknowledged {acknowledged}, but {held:?}");
        }
        Ok(())
    }
}

fn held_in_postgres(database: &Database, schema: &str, events: &[String]) -> HashMap<String, Held> {
    let ids: Vec<String> = events.iter().map(|id| format!("'{id}'::uuid")).collect();
    let rows = database.sql(&format!(
        "SELECT e.id, e.booked_count, r.rows, r.addresses
         FROM {schema}.events AS e
         CROSS JOIN LATERAL (
             SELECT count(*) AS rows, count(DISTINCT user_email) AS addresses
             FROM {schema}.registrations
             WHERE event_id = e.id AND status IN ('confirmed', 'held', 'offered')
         ) AS r
         WHERE e.id IN ({})",
        ids.join(", ")
    ));
    let number = |text: &Option<String>| text.as_deref().and_then(|n| n.parse().ok());
    rows.iter()
        .filter_map(|row| {
            let held = Held {
                booked_count: number(&row[1])?,
                rows: number(&row[2])?,
                addresses: number(&row[3])?,
            };
            Some((row[0].clone()?, held))
        })
        .collect()
}

fn held_in_sqlite(path: &PathBuf, events: &[String]) -> anyhow::Result<HashMap<String, Held>> {
    // Opened for writing, as readers of a write-ahead log need it.
    let connection =
        rusqlite::Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    let mut read = connection.prepare(
        "SELECT e.booked_count, count(r.id), count(DISTINCT r.user_email)
         FROM events AS e LEFT JOIN registrations AS r
             ON r.event_id = e.id AND r.status IN ('confirmed', 'held', 'offered')
         WHERE e.id = unhex(replace(?1, '-', '')) GROUP BY e.id",
    )?;
    let mut held = HashMap::new();
    for event in events {
        let row = read.query_row([event], |row| {
            Ok(Held { booked_count: row.get(0)?, rows: row.get(1)?, addresses: row.get(2)? })
        })?;
        held.insert(event.clone(), row);
    }
    Ok(held)
}
