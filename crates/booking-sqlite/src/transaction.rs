use crate::connection::sync_log;
use crate::errors::{Failure, is_full};
use booking_core::{Observation, Observer};
use rusqlite::{Connection, TransactionBehavior};
use std::path::Path;
use std::time::Instant;

/// What a piece of work did inside its transaction.
pub(crate) enum Work<T> {
    /// It wrote: the answer counts once it is committed.
    Changed(T),
    /// It only read: there is nothing to commit.
    Unchanged(T),
}

impl Work<u64> {
    /// The number of rows that were changed.
    pub(crate) fn of_rows(rows: usize) -> Self {
        match rows {
            0 => Self::Unchanged(0),
            _ => Self::Changed(rows as u64),
        }
    }
}

/// Makes sure that `statement` changed one row.
pub(crate) fn one_row(statement: &'static str, rows: usize) -> Result<(), Failure> {
    if rows == 1 { Ok(()) } else { Err(Failure::RowsChanged { statement, rows }) }
}

/// Runs `work` in one transaction that holds the write lock from its beginning.
///
/// `work` may be run again, and must then find what was committed before. It is run again if it met an
/// id that is taken ([`Failure::is_taken_id`]), after it was rolled back, and if its COMMIT failed. A
/// failed COMMIT ends in one of two ways.
///
/// - The transaction is still open. Then nothing of it is in the log; it is rolled back, and the
///   failure is returned as it is. The same applies if the disk had no room for all of it: the frame
///   that makes it count is written last.
/// - SQLite has ended the transaction itself, because the log could not be written or synced. Nobody
///   can read it now, but its last frame, the one that makes it count, may have reached the file: if
///   all processes that have the database open died now, the next to open it would take it as
///   committed. So the work is done again. If that is committed, its frames lie where the others lay
///   and the answer is certain; the same applies if there is nothing to do, because another process
///   has done it. If not, the outcome is unknown: [`Failure::Commit`].
pub(crate) fn run<T>(
    connection: &mut Connection,
    path: &Path,
    observer: &dyn Observer,
    work: &mut dyn FnMut(&Connection) -> Result<Work<T>, Failure>,
) -> Result<T, Failure> {
    let mut first = attempt(connection, observer, work);
    if first.as_ref().is_err_and(Failure::is_taken_id) {
        observer.observe(Observation::Retried);
        first = attempt(connection, observer, work);
    }
    let lost = match first {
        Ok(Work::Changed(answer) | Work::Unchanged(answer)) => return Ok(answer),
        Err(Failure::Commit(lost)) => lost,
        Err(failure) => return Err(failure),
    };
    observer.observe(Observation::CommitLost);
    observer.observe(Observation::Retried);
    log::warn!("COMMIT failed and may have happened, so the transaction is run again: {lost}");
    match attempt(connection, observer, work) {
        Ok(Work::Changed(answer)) => Ok(answer),
        // It was committed before: nothing has waited for the disk on this run's behalf.
        Ok(Work::Unchanged(answer)) if sync_log(path).is_ok() => Ok(answer),
        Ok(Work::Unchanged(_)) | Err(_) => Err(Failure::Commit(lost)),
    }
}

fn attempt<T>(
    connection: &mut Connection,
    observer: &dyn Observer,
    work: &mut dyn FnMut(&Connection) -> Result<Work<T>, Failure>,
) -> Result<Work<T>, Failure> {
    let began = Instant::now();
    // Rolled back when it is dropped, in a panic too.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    observer.observe(Observation::Locked(began.elapsed()));
    let done = work(&transaction)?;
    let decided = Instant::now();
    if matches!(done, Work::Changed(_)) {
        // Not `Transaction::commit`, which rolls back and hides how COMMIT ended.
        match transaction.execute_batch("COMMIT") {
            Ok(()) => observer.observe(Observation::Committed(decided.elapsed())),
            Err(error) if transaction.is_autocommit() && !is_full(&error) => {
                return Err(Failure::Commit(error));
            }
            Err(error) => return Err(Failure::Sqlite(error)),
        }
    }
    observer.observe(Observation::Executed(began.elapsed()));
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection;
    use booking_core::{StoreError, Unobserved};
    use rusqlite::ErrorCode;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use tempfile::TempDir;

    /// A database with a table `t (c)` and one `child (c)` whose rows refer to it.
    fn database() -> (TempDir, std::path::PathBuf, Connection) {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("transactions.db");
        drop(connection::open_or_create(&path).expect("created"));
        let connection = connection::open_writer(&path, connection::BUSY_TIMEOUT).expect("opened");
        let schema = "CREATE TABLE t (c INTEGER PRIMARY KEY);
            CREATE TABLE child (c REFERENCES t (c) DEFERRABLE INITIALLY DEFERRED);";
        connection.execute_batch(schema).expect("created");
        (directory, path, connection)
    }

    /// Makes the next `failures` COMMITs fail, as a broken disk does: with the transaction ended.
    fn fail_commits(connection: &mut Connection, failures: u32) {
        let left = Arc::new(AtomicU32::new(failures));
        let fail = move || {
            left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
                .is_ok()
        };
        connection.commit_hook(Some(fail)).expect("set");
    }

    fn rows(connection: &Connection) -> i64 {
        connection
            .query_row(
                "SELECT (SELECT count(*) FROM t) + (SELECT count(*) FROM child)",
                [],
                |row| row.get(0),
            )
            .expect("counted")
    }

    fn insert(connection: &Connection) -> Result<Work<()>, Failure> {
        let inserted = connection.execute("INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING", [])?;
        Ok(if inserted == 1 { Work::Changed(()) } else { Work::Unchanged(()) })
    }

    #[test]
    fn a_commit_that_was_lost_once_is_repeated() {
        let (_directory, path, mut connection) = database();
        fail_commits(&mut connection, 1);
        let mut runs = 0;
        let outcome = run(&mut connection, &path, &Unobserved, &mut |connection| {
            runs += 1;
            insert(connection)
        });
        assert!(outcome.is_ok(), "{outcome:?}");
        assert_eq!((runs, rows(&connection)), (2, 1));
    }

    #[test]
    fn a_commit_that_happened_after_all_is_found() {
        let (_directory, path, mut connection) = database();
        fail_commits(&mut connection, 1);
        let mut runs = 0;
        let outcome = run(&mut connection, &path, &Unobserved, &mut |connection| {
            runs += 1;
            // The second run finds everything done, as if the log had been read again in between.
            if runs == 1 { insert(connection) } else { Ok(Work::Unchanged(())) }
        });
        assert!(outcome.is_ok(), "{outcome:?}");
        assert_eq!(runs, 2);
    }

    #[test]
    fn a_commit_that_is_lost_again_is_unknown() {
        let (_directory, path, mut connection) = database();
        fail_commits(&mut connection, 2);
        let failure =
            run(&mut connection, &path, &Unobserved, &mut insert).expect_err("no COMMIT succeeds");
        assert!(matches!(failure.into(), StoreError::CommitUnknown(_)));
        assert!(connection.is_autocommit());
    }

    #[test]
    fn a_commit_that_is_refused_is_rolled_back() {
        let (_directory, path, mut connection) = database();
        let mut runs = 0;
        let failure = run(&mut connection, &path, &Unobserved, &mut |connection| {
            runs += 1;
            connection.execute("INSERT INTO child VALUES (7)", [])?;
            Ok(Work::Changed(()))
        });
        let failure = failure.expect_err("the row refers to nothing");
        let Failure::Sqlite(error) = &failure else { panic!("{failure:?}") };
        assert_eq!(error.sqlite_error_code(), Some(ErrorCode::ConstraintViolation));
        assert!(matches!(failure.into(), StoreError::Broken(_)));
        assert!(connection.is_autocommit());
        assert_eq!((runs, rows(&connection)), (1, 0));
    }

    #[test]
    fn a_full_disk_writes_nothing_and_is_reported() {
        let (_directory, path, mut connection) = database();
        let pages: i64 = connection
            .query_row("PRAGMA page_count", [], |row| row.get(0))
            .expect("SQLite answers");
        connection.execute_batch(&format!("PRAGMA max_page_count = {pages}")).expect("set");
        let failure = run(&mut connection, &path, &Unobserved, &mut |connection| {
            for c in 0..10_000 {
                connection.execute("INSERT INTO t VALUES (?1)", [c])?;
            }
            Ok(Work::Changed(()))
        });
        let failure = failure.expect_err("there is no room");
        assert!(matches!(failure.into(), StoreError::Unavailable(_)));
        assert_eq!(rows(&connection), 0);
    }
}
