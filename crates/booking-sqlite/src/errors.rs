use crate::paths::Moved;
use booking_core::StoreError;
use rusqlite::ErrorCode;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;

/// Why a database could not be opened or migrated.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Such as an empty path.
    #[error("{} cannot be the path of a database file", path.display())]
    Path {
        /// What was given.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Only the file itself is created, never a directory.
    #[error("cannot create the database file {}: there is no directory {}", path.display(), directory.display())]
    NoDirectory {
        /// The file.
        path: PathBuf,
        /// The directory that it would be in.
        directory: PathBuf,
    },
    /// The file exists and holds something else.
    #[error("{} is not an SQLite database", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
    /// The file cannot be created, read or written, is damaged, or is locked by another process.
    #[error("cannot open the database file {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
    /// The file, or one beside it, was moved or replaced while it was being opened.
    #[error("the database file {} was moved or replaced while it was opened", path.display())]
    Moved {
        /// The file.
        path: PathBuf,
        /// What was found.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The file or its folder belongs to another user, and this one may not write to it.
    #[error(
        "cannot open the database file {}: this is user {user}, and {} is user {owner}'s alone to write (mode \
         {mode:o}); as root, `chown {user} {}` gives it to this one",
        path.display(), foreign.display(), foreign.display()
    )]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// It or its folder.
        foreign: PathBuf,
        /// The id of the user that this process runs as.
        user: u32,
        /// The id of its owner.
        owner: u32,
        /// Its permissions.
        mode: u32,
        /// What SQLite said.
        #[source]
        source: Box<rusqlite::Error>,
    },
    /// The write-ahead log that an earlier process left cannot be synced.
    #[error("cannot sync the write-ahead log of the database file {}", path.display())]
    Sync {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file system does not allow what WAL mode needs.
    #[error("the database file {} stays in journal mode {mode}, and WAL is needed: is it on a local disk?", path.display())]
    NoWriteAheadLog {
        /// The file.
        path: PathBuf,
        /// The mode that SQLite chose.
        mode: String,
    },
    /// A migration failed, or the database was migrated by a version of Booking whose tables this one
    /// cannot work with. Nothing was changed.
    #[error("cannot migrate the database file {}", path.display())]
    Migrate {
        /// The file.
        path: PathBuf,
        /// What failed: a [`SchemaError`](booking_core::SchemaError), or the migration itself.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The file is missing or empty, and its write-ahead log exists. Neither was touched.
    #[error(
        "the database file {} is missing or empty, but its write-ahead log {} is not, so something happened to it, and \
         nothing was done; put the file back that the log belongs to, or, for a backup or a new database in its \
         place, move the log away first",
        path.display(), log.display()
    )]
    LogAlone {
        /// The file.
        path: PathBuf,
        /// Its write-ahead log.
        log: PathBuf,
    },
    /// There is no such file, and it was not to be created.
    #[error("there is no database file {}; only serve, migrate and token create make one", path.display())]
    NotThere {
        /// Where it should be.
        path: PathBuf,
    },
    /// The file exists and has no tables of Booking.
    #[error("the database file {} has no tables of Booking; only serve, migrate and token create make them", path.display())]
    NotMigrated {
        /// The file.
        path: PathBuf,
    },
    /// The file is a database of another program, and was not touched.
    #[error("the database file {} has tables of another program and none of Booking, so nothing was done to it; BOOKING_DB must name a file of Booking's own", path.display())]
    OtherProgram {
        /// The file.
        path: PathBuf,
    },
    /// Its tables are older than this program, and were not to be migrated.
    #[error("the tables in the database file {} are older than this program, which needs {missing}; bring them up to date with migrate", path.display())]
    OutOfDate {
        /// The file.
        path: PathBuf,
        /// The migrations that are missing.
        missing: String,
    },
    /// The files that are needed beside the database do not exist, and must not be created.
    #[error("the database file {} cannot be read where nothing may be written, but for while a server has it open: SQLite needs files beside it; look at a backup instead", path.display())]
    ReadOnlyFolder {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
    /// Its events could not be recounted.
    #[error("the database file {} could not be recounted", path.display())]
    Recount {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: StoreError,
    },
    /// Migrations left rows that refer to rows which do not exist. Nothing was changed.
    #[error("migrating the database file {} would break references of the table {table}", path.display())]
    Reference {
        /// The file.
        path: PathBuf,
        /// The table whose rows refer to nothing.
        table: String,
    },
    /// The system gave no thread for the writer, or the runtime is shutting down.
    #[error("cannot start the threads of the database file {}", path.display())]
    Thread {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// What can go wrong inside the store; callers get it as the source of a [`StoreError`].
#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error("SQLite could not execute a statement")]
    Sqlite(#[from] rusqlite::Error),
    #[error("SQLite could not commit, nor tell that it had not")]
    Commit(#[source] rusqlite::Error),
    #[error("SQLite could not open the database")]
    Open(#[source] OpenError),
    #[error("the files that are open are not those that are there")]
    Moved(#[source] Moved),
    #[error("the files were moved or replaced while something was committed to them")]
    MovedMeanwhile(#[source] Box<Failure>),
    #[error("{column} holds what the domain does not allow")]
    Row {
        column: &'static str,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("{statement} changed {rows} rows instead of one")]
    RowsChanged { statement: &'static str, rows: usize },
    #[error("the event was moved to another store, or is on its way here")]
    EventMoving,
    #[error("the thread that did the work panicked: {0}")]
    Panicked(String),
    #[error("the writer is gone")]
    WriterGone,
    #[error("{limit} jobs are waiting for the writer")]
    QueueFull { limit: usize },
    #[error("the writer had no time within {} ms", .0.as_millis())]
    QueueWait(Duration),
    #[error("the writer began and did not answer within {} ms", .0.as_millis())]
    AnswerWait(Duration),
    #[error("no connection for reading was free within {} ms", .0.as_millis())]
    ReaderWait(Duration),
    #[error("the thread that read is gone")]
    ReaderGone,
}

impl Failure {
    /// Whether a registration was to be created under an id that another one has.
    pub(crate) fn is_taken_id(&self) -> bool {
        let Self::Sqlite(rusqlite::Error::SqliteFailure(error, Some(text))) = self else {
            return false;
        };
        // SQLite names the columns of the index and not the index.
        error.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE
            && text.ends_with("registrations.id, registrations.event_id")
    }

    /// Whether another process held the lock too long: nothing is wrong with the connection.
    pub(crate) fn is_busy(&self) -> bool {
        matches!(self, Self::Sqlite(error) if is_busy(error))
    }
}

pub(crate) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Whether there was no room for what was to be written. SQLite reports this only for a write that fell
/// short, never for a sync.
pub(crate) fn is_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        let kind = match &failure {
            Failure::Commit(_) | Failure::AnswerWait(_) | Failure::MovedMeanwhile(_) => {
                Self::CommitUnknown
            }
            Failure::Sqlite(error) if is_environment(error) => Self::Unavailable,
            Failure::Sqlite(_)
            | Failure::Row { .. }
            | Failure::RowsChanged { .. }
            | Failure::Panicked(_) => Self::Broken,
            Failure::Open(_)
            | Failure::Moved(_)
            | Failure::EventMoving
            | Failure::WriterGone
            | Failure::QueueFull { .. }
            | Failure::QueueWait(_)
            | Failure::ReaderWait(_)
            | Failure::ReaderGone => Self::Unavailable,
        };
        kind(Arc::new(failure))
    }
}

/// Whether an error comes from the database's environment (locks, disk, memory) and may pass. All
/// others, such as a violated constraint, mean that the database or this crate is wrong.
fn is_environment(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::CannotOpen
                | ErrorCode::DiskFull
                | ErrorCode::FileLockingProtocolFailed
                | ErrorCode::OperationAborted
                | ErrorCode::OperationInterrupted
                | ErrorCode::OutOfMemory
                | ErrorCode::PermissionDenied
                | ErrorCode::ReadOnly
                | ErrorCode::SystemIoFailure
        )
    )
}
