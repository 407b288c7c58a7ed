//! Which migrations were applied to a database, and whether they suit this program.

use crate::connection::{open_error, open_reader, open_untouched};
use crate::errors::OpenError;
use crate::files::refuse_log_alone;
use crate::paths::beside;
use crate::sql;
use booking_core::{Migration, Needed, Schema};
use rusqlite::{Connection, ErrorCode};
use std::path::Path;
use std::sync::OnceLock;

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// Applies the migrations of this program.
pub(crate) fn runner() -> refinery::Runner {
    embedded::migrations::runner()
}

/// The migrations of this program.
pub(crate) fn ours() -> &'static [Migration] {
    static OURS: OnceLock<Vec<Migration>> = OnceLock::new();
    OURS.get_or_init(|| {
        let runner = runner();
        let all = runner.get_migrations().iter();
        all.map(|own| Migration::new(own.version(), own.name(), own.checksum())).collect()
    })
}

/// The migrations that were applied; none if the database has no history of them.
pub(crate) fn applied(connection: &Connection) -> Result<Vec<Migration>, rusqlite::Error> {
    if !is_there(connection, "refinery_schema_history")? {
        return Ok(Vec::new());
    }
    let mut statement = connection.prepare_cached(sql::SCHEMA_APPLIED)?;
    let applied = statement.query_map([], |row| {
        let checksum: String = row.get(2)?;
        Ok(Migration::applied(row.get(0)?, row.get(1)?, &checksum))
    })?;
    applied.collect()
}

fn needed(connection: &Connection) -> Result<Needed, rusqlite::Error> {
    if !is_there(connection, "schema_compatibility")? {
        return Ok(Needed(None));
    }
    let mut statement = connection.prepare_cached(sql::SCHEMA_NEEDED)?;
    statement.query_row([], |row| row.get(0)).map(|version| Needed(Some(version)))
}

fn is_there(connection: &Connection, table: &str) -> Result<bool, rusqlite::Error> {
    let mut statement = connection.prepare_cached(sql::SCHEMA_TABLES)?;
    statement.query_row([table], |row| row.get::<_, i64>(0)).map(|tables| tables > 0)
}

/// The state of the schema of the database at `path`, and whether it has tables.
pub(crate) fn look(connection: &Connection, path: &Path) -> Result<(Schema, bool), OpenError> {
    let sqlite = |error| open_error(path, error);
    let applied = applied(connection).map_err(sqlite)?;
    let needed = needed(connection).map_err(sqlite)?;
    let compared = Schema::compare(ours(), &applied, needed)
        .map_err(|error| OpenError::Migrate { path: path.to_path_buf(), source: error.into() })?;
    Ok((compared, !applied.is_empty()))
}

/// Refuses a database of another program, or with migrations that this one does not know, before anything
/// is done to it: it is not opened for writing, and its journal mode is not changed.
pub(crate) fn refuse_foreign(path: &Path) -> Result<(), OpenError> {
    let log = beside(path, "-wal");
    let refused = look_untouched(path, log.exists());
    // The log may have appeared meanwhile, of another process that is creating the tables.
    match refused.is_err() && log.exists() {
        true => look_untouched(path, true),
        false => refused,
    }
}

fn look_untouched(path: &Path, has_log: bool) -> Result<(), OpenError> {
    // Any other problem shows when it is opened for use.
    let Ok(connection) = open_untouched(path, has_log) else { return Ok(()) };
    let is_foreign = connection.query_row(sql::SCHEMA_FOREIGN, [], |row| row.get(0));
    if is_foreign.unwrap_or(false) {
        return Err(OpenError::OtherProgram { path: path.to_path_buf() });
    }
    match look(&connection, path) {
        Err(error @ OpenError::Migrate { .. }) => Err(error),
        _ => Ok(()),
    }
}

/// Makes sure that the database at `path` exists with all of its tables, and changes nothing in it. Returns a
/// connection that reads, and the migrations of a newer program.
pub(crate) fn open_checked(path: &Path) -> Result<(Connection, Vec<String>), OpenError> {
    refuse_log_alone(path)?;
    if !path.exists() {
        return Err(OpenError::NotThere { path: path.to_path_buf() });
    }
    match refuse_foreign(path) {
        Err(OpenError::OtherProgram { path }) => return Err(OpenError::NotMigrated { path }),
        looked => looked?,
    }
    let connection = open_reader(path)?;
    let found = look(&connection, path).map_err(read_only_error);
    let (Schema { missing, newer }, any) = found?;
    if !any {
        return Err(OpenError::NotMigrated { path: path.to_path_buf() });
    }
    if !missing.is_empty() {
        return Err(OpenError::OutOfDate { path: path.to_path_buf(), missing: missing.join(", ") });
    }
    log_newer(path, &newer);
    Ok((connection, newer))
}

/// A reader needs the files beside the database, and gets one of these errors if it can neither find nor create
/// them.
fn read_only_error(error: OpenError) -> OpenError {
    let (path, source) = match error {
        OpenError::Open { path, source } => (path, source),
        OpenError::NotOurs { path, source, .. } => (path, *source),
        other => return other,
    };
    let code = source.sqlite_error_code();
    let is_of_rights = matches!(code, Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly));
    match is_of_rights && !beside(&path, "-shm").exists() {
        true => OpenError::ReadOnlyFolder { path, source },
        false => open_error(&path, source),
    }
}

pub(crate) fn log_newer(path: &Path, newer: &[String]) {
    if !newer.is_empty() {
        log::warn!(
            "{} was migrated by a newer version ({}), which says that this one can work with it",
            path.display(),
            newer.join(", ")
        );
    }
}
