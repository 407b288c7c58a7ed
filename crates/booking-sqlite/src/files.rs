//! Whether the files of a database are still the ones that are open, and hold what they held.
//!
//! A file that is deleted, renamed or replaced lives on for every process that has it open: SQLite continues to
//! commit into it, and what it acknowledges is lost. The same happens if the write-ahead log is truncated. In WAL
//! mode SQLite does not check, so this does, before and after every write and before every read: four times `stat`
//! and four or five short reads of what is in memory, which takes some microseconds.

use crate::connection::{open_error, open_reader};
use crate::errors::{Failure, OpenError};
use crate::paths::{FileId, Moved, beside, look};
use crate::wal::{Copying, Index, Log};
use rusqlite::Connection;
use std::fs;
use std::io;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Every length of a database file is a multiple of this, the smallest page that SQLite knows.
const PAGE_BYTES_MIN: u64 = 512;

/// How often in a row the log may be found changed by another process while it is compared with its index.
/// Each try takes some microseconds; a real problem still exists at the next transaction.
const LOOKS_MAX: usize = 8;

/// The files of a database, as they were when it was opened.
#[derive(Debug)]
pub(crate) struct Files {
    path: PathBuf,
    database: FileId,
    /// The write-ahead log, and its index with the locks. They must be the ones that all other processes
    /// use.
    log: Log,
    /// The least length of the database until the log is copied into it again.
    length: Mutex<Option<(Copying, u64)>>,
    /// Whether a problem was logged.
    is_logged: AtomicBool,
    /// Never used. As long as it is open no process deletes the files beside the database: SQLite does so
    /// when the last connection is closed. `None` only at the end.
    anchor: Mutex<Option<Connection>>,
}

impl Files {
    /// Records the files of the database at `path`, which a writing connection has open already. `before`
    /// is what the path named before that was opened.
    pub(crate) fn opened(path: &Path, before: &Named) -> Result<Self, OpenError> {
        let anchor = open_reader(path)?;
        // Reading opens the files beside it, and creates them if they do not exist.
        anchor
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))
            .map_err(|error| open_error(path, error))?;
        let moved = |source| OpenError::Moved { path: path.to_path_buf(), source };
        let (database, _) = look(path).map_err(|error| moved(error.into()))?;
        if database != before.0 {
            return Err(moved(Moved::Replaced(path.to_path_buf()).into()));
        }
        let log = Log::opened(beside(path, "-wal"), beside(path, "-shm"));
        Ok(Self {
            path: path.to_path_buf(),
            database,
            log: log.map_err(|error| moved(error.into()))?,
            length: Mutex::default(),
            is_logged: AtomicBool::new(false),
            anchor: Mutex::new(Some(anchor)),
        })
    }

    /// The database's file, whatever its name.
    pub(crate) fn identity(&self) -> String {
        self.database.identity(&self.path)
    }

    /// Fails if the open files are not those that the paths name. Logs when that begins and when it
    /// ends.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        match self.compare() {
            Ok(()) => {
                if self.is_logged.load(Ordering::Relaxed)
                    && self.is_logged.swap(false, Ordering::SeqCst)
                {
                    log::info!("{} is there again, and used again", self.path.display());
                }
                Ok(())
            }
            Err(moved) => {
                if !self.is_logged.swap(true, Ordering::SeqCst) {
                    log::error!(
                        "{moved}: nothing is read or written {} (docker/OPERATING.md, file_moved)",
                        moved.advice()
                    );
                }
                Err(Failure::Moved(moved))
            }
        }
    }

    /// The index is read before all else, since the log may only grow while that stays the same.
    fn compare(&self) -> Result<(), Moved> {
        let mut index = self.log.index();
        for _ in 0..LOOKS_MAX {
            let bytes = self.check_names()?;
            let checked = index.map(|said| {
                self.check_length(&said, bytes)?;
                self.log.check(&said)
            });
            let again = match checked {
                Some(Ok(())) => return Ok(()),
                Some(Err(_)) | None => self.log.index(),
            };
            match checked {
                Some(Err(moved)) if again == index => return Err(moved),
                _ => index = again,
            }
        }
        Ok(())
    }

    /// Makes sure that a database that was just found to have `bytes` has all of its pages, as far as that is known.
    fn check_length(&self, index: &Index, bytes: u64) -> Result<(), Moved> {
        let mut length = self.length.lock().unwrap_or_else(PoisonError::into_inner);
        let before = length.filter(|(copying, _)| *copying == index.copying());
        let min = before.map(|(_, bytes)| bytes).max(index.database_bytes_min());
        let is_short = |bytes| min.is_some_and(|min| bytes < min);
        // A checkpoint makes it longer as well. Another thread may have seen that since this one looked.
        let bytes = if is_short(bytes) { look(&self.path)?.1 } else { bytes };
        if is_short(bytes) {
            return Err(Moved::Overwritten(self.path.clone()));
        }
        *length = Some((index.copying(), self.log.database_bytes_left(index, bytes)?));
        Ok(())
    }

    /// Returns the length of the database.
    fn check_names(&self) -> Result<u64, Moved> {
        let (database, bytes) = look(&self.path)?;
        if database != self.database {
            return Err(Moved::Replaced(self.path.clone()));
        }
        if bytes == 0 || bytes % PAGE_BYTES_MIN != 0 {
            return Err(Moved::Overwritten(self.path.clone()));
        }
        self.log.check_files()?;
        Ok(bytes)
    }
}

impl Drop for Files {
    /// Closing the last connection copies the log into the database and deletes the log, by name. That must not
    /// happen if the log is not whole or belongs to another file; and an index that was truncated must not even be
    /// read. So this connection stays open then until the process ends, and there is no last one.
    fn drop(&mut self) {
        if self.compare().is_err() {
            let anchor = self.anchor.get_mut().unwrap_or_else(PoisonError::into_inner);
            mem::forget(anchor.take());
        }
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

/// Fails if there is a write-ahead log and its database is missing or empty. SQLite takes such a log for a stale one
/// and deletes it, with what was acknowledged last. It creates a log only for a database that has a page on the disk,
/// so no kill and no power cut leaves this behind.
pub(crate) fn refuse_log_alone(path: &Path) -> Result<(), OpenError> {
    let log = beside(path, "-wal");
    // In this order: another process may be creating both, the database first.
    let holds_something = fs::metadata(&log).is_ok_and(|found| found.len() > 0);
    let is_database_gone = || match fs::metadata(path) {
        Ok(found) => found.len() == 0,
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    };
    match holds_something && is_database_gone() {
        true => Err(OpenError::LogAlone { path: path.to_path_buf(), log }),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::{BUSY_TIMEOUT, open_or_create, open_writer};

    /// Two threads look while a checkpoint makes the database longer, and the first to look is the last to compare.
    #[test]
    fn a_length_that_another_thread_has_seen_exceeded_is_looked_at_again() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("growing.db");
        drop(open_or_create(&path).expect("created"));
        let writer = open_writer(&path, BUSY_TIMEOUT).expect("opened");
        let files = Files::opened(&path, &Named::now(&path).expect("it is there"));
        let files = files.expect("opened");
        writer.execute_batch("CREATE TABLE t (c)").expect("written");
        let index = files.log.index().expect("nobody writes");
        let bytes = fs::metadata(&path).expect("it is there").len();
        files.check_length(&index, bytes).expect("it is whole");
        files.check_length(&index, bytes - PAGE_BYTES_MIN).expect("it is longer by now");
    }
}
