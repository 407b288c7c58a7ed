//! Whether the files of a database are still the ones that are open.
//!
//! A file that is deleted, renamed or replaced stays there for whoever has it open, until it is closed: SQLite goes
//! on committing into it, and what it acknowledges is lost. It does not look (in the write-ahead log's mode),
//! so this does, before and after everything that writes, and before everything that reads: three times
//! `stat`, which is some microseconds.

use crate::connection::{open_error, open_reader};
use crate::errors::{Failure, OpenError};
use rusqlite::Connection;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use thiserror::Error;

/// Every length of a database file is a multiple of this, the smallest page that SQLite knows.
const PAGE_BYTES_MIN: u64 = 512;

/// The files of a database, as they were when it was opened.
#[derive(Debug)]
pub(crate) struct Files {
    path: PathBuf,
    database: FileId,
    /// The write-ahead log, and its index with the locks. They must be those of everybody else who has the
    /// database open.
    beside: [(PathBuf, FileId); 2],
    /// Whether the log was told that something is wrong.
    is_told: AtomicBool,
    /// Never used. As long as it is open, nobody has a reason to delete the files beside the database: SQLite
    /// does so when the last connection is closed.
    _anchor: Mutex<Connection>,
}

/// What a file is known by, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileId {
    device: u64,
    inode: u64,
}

/// What has become of a file.
#[derive(Debug, Error)]
pub(crate) enum Moved {
    #[error("there is no file {} any more", .0.display())]
    Gone(PathBuf),
    #[error("{} is another file than the one that was opened", .0.display())]
    Replaced(PathBuf),
    #[error("{} was cut off or written over, so that it is no database any more", .0.display())]
    Overwritten(PathBuf),
    #[error("nobody can tell whether {} is the file that was opened", path.display())]
    Unknown {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl Files {
    /// Takes note of the files of the database at `path`, which a connection that writes has open already.
    /// `before` is what the path named before that was opened.
    pub(crate) fn opened(path: &Path, before: &Named) -> Result<Self, OpenError> {
        let anchor = open_reader(path)?;
        // Reading opens the files beside it, and makes them if they are not there.
        anchor
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))
            .map_err(|error| open_error(path, error))?;
        let moved = |source| OpenError::Moved { path: path.to_path_buf(), source };
        let (database, _) = look(path).map_err(|error| moved(error.into()))?;
        if database != before.0 {
            return Err(moved(Moved::Replaced(path.to_path_buf()).into()));
        }
        let beside = |suffix| {
            let beside = beside(path, suffix);
            let (id, _) = look(&beside).map_err(|error| moved(error.into()))?;
            Ok::<_, OpenError>((beside, id))
        };
        Ok(Self {
            path: path.to_path_buf(),
            database,
            beside: [beside("-wal")?, beside("-shm")?],
            is_told: AtomicBool::new(false),
            _anchor: Mutex::new(anchor),
        })
    }

    /// Fails if what is open is not what is there. The log is told when that begins and when it ends.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        match self.compare() {
            Ok(()) => {
                if self.is_told.load(Ordering::Relaxed)
                    && self.is_told.swap(false, Ordering::SeqCst)
                {
                    log::info!("{} is there again, and used again", self.path.display());
                }
                Ok(())
            }
            Err(moved) => {
                if !self.is_told.swap(true, Ordering::SeqCst) {
                    log::error!(
                        "{moved}: nothing is read or written until it is back. If there is no copy of it, do not stop \
                         this server: what it holds open is the last one (docker/OPERATING.md, file_moved)"
                    );
                }
                Err(Failure::Moved(moved))
            }
        }
    }

    fn compare(&self) -> Result<(), Moved> {
        let (database, bytes) = look(&self.path)?;
        if database != self.database {
            return Err(Moved::Replaced(self.path.clone()));
        }
        if bytes == 0 || bytes % PAGE_BYTES_MIN != 0 {
            return Err(Moved::Overwritten(self.path.clone()));
        }
        for (path, id) in &self.beside {
            if look(path)?.0 != *id {
                return Err(Moved::Replaced(path.clone()));
            }
        }
        Ok(())
    }
}

/// What a path named at an instant.
pub(crate) struct Named(FileId);

impl Named {
    pub(crate) fn now(path: &Path) -> Result<Self, OpenError> {
        let found = look(path);
        let (id, _) = found
            .map_err(|error| OpenError::Moved { path: path.to_path_buf(), source: error.into() })?;
        Ok(Self(id))
    }
}

/// The name of a file beside the database. SQLite follows links before it makes it.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let mut name = path.into_os_string();
    name.push(suffix);
    name.into()
}

/// Which file a path names, and how long it is. By its name, and never by opening it: to close a second handle
/// would release the locks that SQLite holds through its own.
fn look(path: &Path) -> Result<(FileId, u64), Moved> {
    match fs::metadata(path) {
        Ok(found) => Ok((id_of(&found), found.len())),
        Err(error) => Err(match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                Moved::Gone(path.to_path_buf())
            }
            _ => Moved::Unknown { path: path.to_path_buf(), source: error },
        }),
    }
}

#[cfg(unix)]
fn id_of(found: &Metadata) -> FileId {
    use std::os::unix::fs::MetadataExt;
    FileId { device: found.dev(), inode: found.ino() }
}

/// Where files have no such names only those that are gone are noticed; such a system keeps what is open from
/// being replaced.
#[cfg(not(unix))]
fn id_of(_: &Metadata) -> FileId {
    FileId { device: 0, inode: 0 }
}
