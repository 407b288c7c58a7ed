use crate::errors::{OpenError, is_busy};
use crate::ownership;
use crate::paths::beside;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// How long a statement waits for a lock that another process holds, if the options do not say
/// otherwise.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How long opening a database waits while others are opening or migrating it.
pub const OPEN_WAIT_MAX: Duration = Duration::from_secs(30);

/// The pause before retrying what SQLite refuses at once if it is locked.
const RETRY_PAUSE: Duration = Duration::from_millis(5);

/// How much of the database the writer keeps in memory. A batch touches leaves all over the indexes of
/// ids and addresses: with SQLite's own 2,000 a batch of 512 took 23 ms instead of 16 where 200,000
/// registrations were there already. No more, since most commits walk all of it: with 64 MiB that was an
/// eighth of the writer's time.
const WRITER_CACHE_KIBIBYTES: i64 = 16 << 10;

/// How many pages the write-ahead log takes before they are copied into the database, between two
/// transactions. SQLite's own 1,000 is two batches: with this many, a batch over 512 events took 44 ms
/// instead of 80.
const LOG_PAGES_BEFORE_CHECKPOINT: i64 = 8 << 10;

/// How large the write-ahead log may stay after a burst of writes.
const LOG_BYTES_KEPT: i64 = 64 << 20;

/// More than there are statements, so that none is ever prepared twice.
pub(crate) const STATEMENTS_KEPT: usize = 160;

/// `path` in a form that means the same file whatever happens to the working directory. The name
/// `:memory:`, which is special to SQLite, cannot be an absolute path.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, OpenError> {
    std::path::absolute(path).map_err(|source| OpenError::Path { path: path.to_path_buf(), source })
}

/// Opens the database to migrate it, and creates it if there is none.
pub(crate) fn open_or_create(path: &Path) -> Result<Connection, OpenError> {
    if let Some(directory) = path.parent().filter(|directory| !directory.is_dir()) {
        let directory = directory.to_path_buf();
        return Err(OpenError::NoDirectory { path: path.to_path_buf(), directory });
    }
    // Even if the file exists and is empty: an operator may have created it as a mount point or to
    // set its owner.
    let is_new = fs::metadata(path).map_or(true, |found| found.len() == 0);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let connection = open(path, flags, OPEN_WAIT_MAX)?;
    if is_new {
        // It will hold e-mail addresses. SQLite gives the files beside it the same permissions.
        keep_private(path);
    }
    use_write_ahead_log(&connection, path)?;
    Ok(connection)
}

/// Opens the connection that writes. It overwrites with zeros what it deletes: that may be personal
/// data to erase.
pub(crate) fn open_writer(path: &Path, busy_timeout: Duration) -> Result<Connection, OpenError> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE, busy_timeout)?;
    use_write_ahead_log(&connection, path)?;
    let settings = format!(
        "PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA secure_delete = ON;
         PRAGMA journal_size_limit = {LOG_BYTES_KEPT};
         PRAGMA wal_autocheckpoint = {LOG_PAGES_BEFORE_CHECKPOINT};
         PRAGMA cache_size = -{WRITER_CACHE_KIBIBYTES};"
    );
    connection.execute_batch(&settings).map_err(|error| open_error(path, error))?;
    // What a process wrote and was killed before syncing is read as committed from here on.
    sync_log(path).map_err(|source| OpenError::Sync { path: path.to_path_buf(), source })?;
    Ok(connection)
}

/// Opens a connection that reads. Readers of a write-ahead log write to its index, so that the file
/// itself has to be opened for writing.
pub(crate) fn open_reader(path: &Path) -> Result<Connection, OpenError> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE, BUSY_TIMEOUT)?;
    connection.execute_batch("PRAGMA query_only = ON;").map_err(|error| open_error(path, error))?;
    Ok(connection)
}

/// Opens the database at `path` only to inspect it: nothing is changed in it or created beside it. Without
/// `has_log`, a write-ahead log beside it, no other process may be writing to it.
pub(crate) fn open_untouched(path: &Path, has_log: bool) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    match has_log {
        true => Connection::open_with_flags(path, flags),
        // Without this SQLite would make an empty log, and an index.
        false => Connection::open_with_flags(
            format!("file:{}?immutable=1", escaped(path)),
            flags | OpenFlags::SQLITE_OPEN_URI,
        ),
    }
}

/// A path as a URI spells it.
fn escaped(path: &Path) -> String {
    let bytes = path.as_os_str().as_encoded_bytes();
    let escaped = bytes.iter().map(|byte| match byte {
        b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
            char::from(*byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    });
    escaped.collect()
}

/// Syncs whatever the write-ahead log holds.
pub(crate) fn sync_log(path: &Path) -> io::Result<()> {
    let log = beside(path, "-wal");
    // This is not the file whose locks would go when it is closed (POSIX advisory locks): SQLite
    // locks the database and the log's index, never the log.
    match OpenOptions::new().write(true).open(log) {
        Ok(log) => log.sync_data(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

pub(crate) fn open_error(path: &Path, source: rusqlite::Error) -> OpenError {
    let path = path.to_path_buf();
    match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::NotADatabase { path, source },
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => {
            match ownership::foreign(&path) {
                Some(foreign) => foreign.into_error(path, source),
                None => OpenError::Open { path, source },
            }
        }
        _ => OpenError::Open { path, source },
    }
}

/// Does work that may block on a thread for blocking work.
pub(crate) async fn off_runtime<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> Result<T, OpenError> + Send + 'static,
) -> Result<T, OpenError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(error) => {
            let source = io::Error::other(error);
            Err(OpenError::Thread { path: path.to_path_buf(), source })
        }
    }
}

pub(crate) fn open(
    path: &Path,
    access: OpenFlags,
    busy_timeout: Duration,
) -> Result<Connection, OpenError> {
    // Without SQLITE_OPEN_URI, so that `file:x` is a plain file name.
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection =
        Connection::open_with_flags(path, flags).map_err(|error| open_error(path, error))?;
    connection.busy_timeout(busy_timeout).map_err(|error| open_error(path, error))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    Ok(connection)
}

/// Switching to the write-ahead log does not wait for other connections that are switching: SQLite
/// refuses at once.
fn use_write_ahead_log(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let started = Instant::now();
    loop {
        let mode = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0));
        match mode {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => {
                return Err(OpenError::NoWriteAheadLog { path: path.to_path_buf(), mode });
            }
            Err(error) if is_busy(&error) && started.elapsed() < OPEN_WAIT_MAX => {
                thread::sleep(RETRY_PAUSE);
            }
            Err(error) => return Err(open_error(path, error)),
        }
    }
}

#[cfg(unix)]
fn keep_private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    // By name: closing a second handle would release the locks that SQLite holds through its own.
    if let Err(error) = fs::set_permissions(path, fs::Permissions::from_mode(0o600)) {
        // Some file systems know no permissions.
        log::warn!("{} may be readable by other users: {error}", path.display());
    }
}

#[cfg(not(unix))]
fn keep_private(_: &Path) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_name_in_a_uri_too() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("büro 100%25?mode=memory#a.db");
        Connection::open(&path).expect("opened").execute_batch("CREATE TABLE t (c)").expect("made");
        let connection = open_untouched(&path, false).expect("opened");
        let tables = "SELECT count(*) FROM sqlite_schema";
        let tables: i64 = connection.query_row(tables, [], |row| row.get(0)).expect("read");
        assert_eq!(tables, 1);
        assert!(connection.execute_batch("DROP TABLE t").is_err());
    }

    fn pragma(connection: &Connection, name: &str) -> i64 {
        connection
            .query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))
            .expect("SQLite answers")
    }

    #[test]
    fn the_writer_waits_for_the_disk_and_readers_cannot_write() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("settings.db");
        drop(open_or_create(&path).expect("created"));

        let writer = open_writer(&path, BUSY_TIMEOUT).expect("opened");
        const FULL: i64 = 2;
        assert_eq!(pragma(&writer, "synchronous"), FULL);
        assert_eq!(pragma(&writer, "foreign_keys"), 1);
        assert_eq!(pragma(&writer, "secure_delete"), 1);
        assert_eq!(pragma(&writer, "busy_timeout"), 5_000);
        assert_eq!(pragma(&writer, "journal_size_limit"), LOG_BYTES_KEPT);
        assert_eq!(pragma(&writer, "wal_autocheckpoint"), LOG_PAGES_BEFORE_CHECKPOINT);
        assert_eq!(pragma(&writer, "cache_size"), -WRITER_CACHE_KIBIBYTES);

        let reader = open_reader(&path).expect("opened");
        assert_eq!(pragma(&reader, "busy_timeout"), 5_000);
        let mode: String =
            reader.query_row("PRAGMA journal_mode", [], |row| row.get(0)).expect("SQLite answers");
        assert_eq!(mode, "wal");
        assert!(reader.execute_batch("CREATE TABLE t (c)").is_err());
    }
}
