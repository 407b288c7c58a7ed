//! A copy of the database while it is in use.

use crate::audit::count;
use crate::connection::{self, BUSY_TIMEOUT, absolute, off_runtime};
use crate::errors::{OpenError, is_full};
use crate::paths::beside;
use crate::{files, schema};
use booking_core::{AuditReport, StoreError};
use rusqlite::{Connection, OpenFlags};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use thiserror::Error;

/// Why there is no backup.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BackupError {
    /// There is nothing to copy.
    #[error("there is no database {}", path.display())]
    NotThere {
        /// Where it should be.
        path: PathBuf,
    },
    /// An existing file is never overwritten.
    #[error("{} exists already; a backup is written over nothing: name a file that is not there", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Only the file itself is created, never a folder.
    #[error("there is no folder {} for the backup {}: make it first, or name another", folder.display(), path.display())]
    NoFolder {
        /// The file.
        path: PathBuf,
        /// The folder that it would be in.
        folder: PathBuf,
    },
    /// The disk is full. What was written of the copy is deleted.
    #[error(
        "there is no room for the copy {}, which takes up to {bytes} bytes: free some, or name a file on another disk",
        path.display()
    )]
    NoRoom {
        /// The file.
        path: PathBuf,
        /// How long the database and its log are.
        bytes: u64,
        /// What the system reported.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// SQLite could not copy it: the database is damaged, say.
    #[error("the database could not be copied to {}", path.display())]
    Copy {
        /// Where to.
        path: PathBuf,
        /// What SQLite reported.
        #[source]
        source: rusqlite::Error,
    },
    /// The copy cannot be created, synced or given its name.
    #[error("the copy {} could not be kept", path.display())]
    Keep {
        /// The file.
        path: PathBuf,
        /// What the system reported.
        #[source]
        source: io::Error,
    },
    /// The copy is there, and SQLite finds it damaged.
    #[error("the copy is damaged: {found}")]
    Damaged {
        /// The first problem that SQLite found.
        found: String,
    },
    /// The copy cannot be recounted.
    #[error("the copy could not be recounted")]
    Recount(#[source] StoreError),
}

/// Copies the database at `from`, which any number of processes may be using, to the new file `to`, and
/// recounts the copy. It holds everything that was acknowledged before this was called, as of one instant;
/// no process waits for it. The file is there with all that belongs to it, or not at all.
///
/// # Errors
/// [`BackupError`]; nothing is left then.
pub async fn backup(
    from: impl Into<PathBuf>,
    to: impl Into<PathBuf>,
) -> Result<AuditReport, BackupError> {
    let (from, to) = (from.into(), to.into());
    let (from, to) = (absolute(&from)?, absolute(&to)?);
    // Errors after opening are part of the answer here, which `off_runtime` passes on.
    off_runtime(&from.clone(), move || Ok(backup_blocking(&from, &to))).await?
}

fn backup_blocking(from: &Path, to: &Path) -> Result<AuditReport, BackupError> {
    files::refuse_log_alone(from)?;
    if !from.is_file() {
        return Err(BackupError::NotThere { path: from.to_path_buf() });
    }
    refuse_to_replace(to)?;
    if let Some(folder) = to.parent().filter(|folder| !folder.exists()) {
        return Err(BackupError::NoFolder { path: to.to_path_buf(), folder: folder.to_path_buf() });
    }
    if let Err(foreign @ OpenError::OtherProgram { .. }) = schema::refuse_foreign(from) {
        return Err(foreign.into());
    }
    let mut name = to.as_os_str().to_owned();
    name.push(format!(".{}.partial", process::id()));
    let partial = PathBuf::from(name);
    let report = copy(from, &partial).and_then(|report| {
        keep(&partial, to)?;
        Ok(report)
    });
    if report.is_err() {
        // They may never have been created.
        for left in [&beside(&partial, "-journal"), &partial] {
            let _ = fs::remove_file(left);
        }
    }
    report.map_err(|error| no_room(error, from))
}

/// For a full disk, names the room that is needed.
fn no_room(error: BackupError, from: &Path) -> BackupError {
    let length = |path: &Path| fs::metadata(path).map_or(0, |found| found.len());
    let (path, source): (_, Box<dyn std::error::Error + Send + Sync>) = match error {
        BackupError::Copy { path, source } if is_full(&source) => (path, source.into()),
        BackupError::Keep { path, source } if source.kind() == io::ErrorKind::StorageFull => {
            (path, source.into())
        }
        other => return other,
    };
    let bytes = length(from) + length(&beside(from, "-wal"));
    BackupError::NoRoom { path, bytes, source }
}

/// Makes the copy, and checks it.
fn copy(from: &Path, partial: &Path) -> Result<AuditReport, BackupError> {
    let sqlite = |source| BackupError::Copy { path: partial.to_path_buf(), source };
    create_private(partial)
        .map_err(|source| BackupError::Keep { path: partial.to_path_buf(), source })?;
    let connection = connection::open(from, OpenFlags::SQLITE_OPEN_READ_WRITE, BUSY_TIMEOUT)?;
    // One statement, and so one state. What was erased is not even in free pages of the copy.
    let name = partial.to_str().ok_or_else(|| BackupError::Keep {
        path: partial.to_path_buf(),
        source: io::Error::new(io::ErrorKind::InvalidFilename, "SQLite wants names in UTF-8"),
    })?;
    connection.execute("VACUUM INTO ?1", [name]).map_err(sqlite)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let copy = Connection::open_with_flags(partial, flags).map_err(sqlite)?;
    let found: String =
        copy.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(sqlite)?;
    if found != "ok" {
        return Err(BackupError::Damaged { found });
    }
    count(&copy).map_err(|failure| BackupError::Recount(failure.into()))
}

/// Gives the copy its name once it is synced: SQLite does not sync what it copies into.
fn keep(partial: &Path, to: &Path) -> Result<(), BackupError> {
    refuse_to_replace(to)?;
    let result = File::open(partial).and_then(|file| file.sync_all());
    let result = result.and_then(|()| fs::rename(partial, to));
    let result = result.and_then(|()| match to.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    });
    result.map_err(|source| BackupError::Keep { path: to.to_path_buf(), source })
}

fn refuse_to_replace(to: &Path) -> Result<(), BackupError> {
    match to.exists() {
        true => Err(BackupError::Exists { path: to.to_path_buf() }),
        false => Ok(()),
    }
}

/// Creates an empty file that only its owner can read: it will hold e-mail addresses and signing
/// keys.
fn create_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}
