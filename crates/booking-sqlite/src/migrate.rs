use crate::connection::{absolute, off_runtime, open_error, open_or_create, open_reader};
use crate::errors::OpenError;
use crate::files::refuse_log_alone;
use crate::schema;
use crate::spellings;
use booking_core::Schema;
use chrono::DateTime;
use refinery::Migration;
use refinery_core::traits::sync::{Migrate, Query, Transaction};
use rusqlite::types::Type;
use rusqlite::{Connection, Error as SqliteError, OptionalExtension, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Brings the database at `path` to the schema of this crate, creates it if there is none, and
/// returns the names of the applied migrations. [`SqliteStore::open`](crate::SqliteStore::open) does
/// it too.
///
/// All of them are applied in one transaction or none is, and any number of processes may call it at
/// once.
///
/// # Errors
/// [`OpenError`].
pub async fn migrate(path: impl Into<PathBuf>) -> Result<Vec<String>, OpenError> {
    let path = path.into();
    off_runtime(&path.clone(), move || Ok(migrate_blocking(&absolute(&path)?)?.applied)).await
}

pub(crate) fn migrate_blocking(path: &Path) -> Result<Migrated, OpenError> {
    refuse_log_alone(path)?;
    if path.exists() {
        schema::refuse_foreign(path)?;
    }
    // If there is nothing to do this takes no lock. Any problem shows below.
    if path.exists()
        && let Ok(connection) = open_reader(path)
        && let Ok((Schema { missing, newer }, _)) = schema::look(&connection, path)
        && missing.is_empty()
        && spellings::is_rewritten(&connection).unwrap_or(false)
    {
        schema::log_newer(path, &newer);
        return Ok(Migrated { applied: Vec::new(), newer });
    }
    let mut connection = open_or_create(path)?;
    apply(&mut connection, path)
}

/// The migrations that were applied now, and those of a newer program.
pub(crate) struct Migrated {
    pub(crate) applied: Vec<String>,
    pub(crate) newer: Vec<String>,
}

fn apply(connection: &mut Connection, path: &Path) -> Result<Migrated, OpenError> {
    let sqlite = |error| open_error(path, error);
    // A migration that makes a table anew has to drop the old one, to which others refer. The check
    // below makes up for it. Inside a transaction the pragma would do nothing. Rewritten data is
    // overwritten, as deleted data is: it may have to be erased one day.
    connection
        .execute_batch(
            "PRAGMA foreign_keys = OFF; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;",
        )
        .map_err(sqlite)?;
    // The lock that refinery does not take, held from before the schema is read.
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sqlite)?;
    let (Schema { missing, newer }, _) = schema::look(&transaction, path)?;
    // None is missing if another process was faster.
    let applied: Vec<String> = if missing.is_empty() {
        schema::log_newer(path, &newer);
        Vec::new()
    } else {
        let ran = schema::runner().set_grouped(true).run(&mut LockedConnection(&transaction));
        let failed = |error: refinery::Error| OpenError::Migrate {
            path: path.to_path_buf(),
            source: error.into(),
        };
        ran.map_err(failed)?.applied_migrations().iter().map(ToString::to_string).collect()
    };
    spellings::rewrite(&transaction).map_err(sqlite)?;
    if !applied.is_empty() {
        check_references(&transaction, path)?;
        log::info!("migrated {}: {}", path.display(), applied.join(", "));
    }
    transaction.commit().map_err(sqlite)?;
    Ok(Migrated { applied, newer })
}

fn check_references(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let broken = connection
        .query_row("PRAGMA foreign_key_check", [], |row| row.get("table"))
        .optional()
        .map_err(|error| open_error(path, error))?;
    match broken {
        Some(table) => Err(OpenError::Reference { path: path.to_path_buf(), table }),
        None => Ok(()),
    }
}

/// A connection inside a transaction that holds the write lock. refinery's own implementation for
/// SQLite begins a transaction for each step and holds no lock between them: of several processes that
/// find an empty database, all would try to create the first table.
struct LockedConnection<'a>(&'a Connection);

impl Transaction for LockedConnection<'_> {
    type Error = SqliteError;

    fn execute<'a, T: Iterator<Item = &'a str>>(
        &mut self,
        statements: T,
    ) -> Result<usize, SqliteError> {
        let mut executed = 0;
        for statement in statements {
            self.0.execute_batch(statement)?;
            // Without the lock other processes would apply the same, and half of it could stay.
            assert!(
                !self.0.is_autocommit(),
                "a migration ended the transaction that it is part of"
            );
            executed += 1;
        }
        Ok(executed)
    }
}

impl Query<Vec<Migration>> for LockedConnection<'_> {
    fn query(&mut self, statement: &str) -> Result<Vec<Migration>, SqliteError> {
        let mut statement = self.0.prepare(statement)?;
        let applied = statement.query_map([], |row| {
            let applied_on: String = row.get(2)?;
            let applied_on: SystemTime = DateTime::parse_from_rfc3339(&applied_on)
                .map_err(|error| {
                    SqliteError::FromSqlConversionFailure(2, Type::Text, error.into())
                })?
                .into();
            let checksum: String = row.get(3)?;
            let checksum = checksum.parse().map_err(|error| {
                SqliteError::FromSqlConversionFailure(3, Type::Text, Box::new(error))
            })?;
            Ok(Migration::applied(row.get(0)?, row.get(1)?, applied_on.into(), checksum))
        })?;
        applied.collect()
    }
}

impl Migrate for LockedConnection<'_> {}
