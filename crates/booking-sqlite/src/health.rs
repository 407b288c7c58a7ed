//! What the store tells of itself.

use crate::errors::Failure;
use crate::{migrate, sql};
use booking_core::{StoreHealth, Totals};
use rusqlite::{Connection, MAIN_DB};

pub(crate) fn health(connection: &Connection) -> Result<StoreHealth, Failure> {
    let mut statement = connection.prepare_cached(sql::MIGRATION_LIST)?;
    let applied = statement.query_map([], |row| row.get(0))?;
    let applied: Vec<i32> = applied.collect::<Result<_, _>>()?;
    let missing = migrate::versions().into_iter().filter(|version| !applied.contains(version));
    Ok(StoreHealth {
        takes_writes: !connection.is_readonly(MAIN_DB)?,
        migrations_missing: missing.count(),
    })
}

pub(crate) fn totals(connection: &Connection) -> Result<Totals, Failure> {
    let mut statement = connection.prepare_cached(sql::EVENT_TOTALS)?;
    Ok(statement.query_row([], |row| {
        // Each is a sum of what CHECKs keep from being negative.
        let sum = |column| row.get::<_, i64>(column).map(i64::unsigned_abs);
        Ok(Totals {
            events: sum(0)?,
            capacity: sum(1)?,
            booked: sum(2)?,
            held: sum(3)?,
            waiting: sum(4)?,
        })
    })?)
}
