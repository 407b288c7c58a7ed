//! The one runner of all writes: time limits, retries, and commits of unknown outcome.

use crate::connection::{Lease, Prepared};
use crate::error::{PgError, Remedy};
use crate::sql::{BEGIN, Sql};
use crate::store::PgStore;
use booking_core::{AskedBy, ErrorChain, Observation, StoreError};
use futures_util::future::{BoxFuture, join4};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

/// The longest time for all attempts together; in any case the caller is answered by then.
const WITHIN: Duration = Duration::from_secs(10);
/// The longest time for one attempt.
const ATTEMPT_WITHIN: Duration = Duration::from_secs(5);
/// How often something is attempted that keeps conflicting with other transactions.
const ATTEMPTS_MAX: u32 = 6;
/// The longest pause between attempts.
const PAUSE_MAX: Duration = Duration::from_millis(250);

/// The state of an attempt: what it has to know, and how far it came.
#[derive(Debug)]
pub(crate) struct Attempt {
    is_repeated: bool,
    must_find_out: bool,
    /// COMMIT was sent: whether it took effect is unknown until its answer comes.
    commit_sent: AtomicBool,
}

impl Attempt {
    /// Whether there was an attempt before this one.
    pub(crate) fn is_repeated(&self) -> bool {
        self.is_repeated
    }

    /// Whether an earlier attempt may have been committed. Nothing may be skipped then: what was not
    /// looked up could be what was written.
    pub(crate) fn must_find_out(&self) -> bool {
        self.must_find_out
    }

    /// Call it before COMMIT, or a statement that commits by itself, is sent.
    pub(crate) fn commit_is_sent(&self) {
        self.commit_sent.store(true, Ordering::Relaxed);
    }

    /// Call it if a statement that commits by itself had nothing to write: that says nothing about whether
    /// writing works.
    pub(crate) fn nothing_was_written(&self) {
        self.commit_sent.store(false, Ordering::Relaxed);
    }

    /// Checks the answer of a statement that was sent before COMMIT, or that commits by itself. If
    /// the server refused it, nothing was committed after it.
    pub(crate) fn look_at<T>(&self, answer: &Result<T, PgError>) {
        if answer.as_ref().is_err_and(PgError::server_said_no) {
            self.commit_sent.store(false, Ordering::Relaxed);
        }
    }
}

/// The name of the work, for the log.
pub(crate) struct Name<'a> {
    pub(crate) what: &'static str,
    /// The requests that it is for, if they are known.
    pub(crate) asked_by: Option<AskedBy<'a>>,
}

impl Name<'static> {
    /// For work that belongs to no batch.
    pub(crate) fn of(what: &'static str) -> Self {
        Self { what, asked_by: None }
    }
}

impl std::fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.asked_by {
            Some(asked_by) => write!(f, "{} for request {asked_by}", self.what),
            None => f.write_str(self.what),
        }
    }
}

/// Runs `attempt` until it succeeds, may not be repeated, or time is up.
///
/// An attempt must be safe to repeat even if it was committed: this is how the outcome of a COMMIT
/// whose answer was lost is found out.
pub(crate) async fn run<'a, T>(
    store: &PgStore,
    name: &Name<'_>,
    mut attempt: impl FnMut(Arc<Attempt>) -> BoxFuture<'a, Result<T, PgError>>,
) -> Result<T, StoreError> {
    let deadline = Instant::now() + WITHIN;
    let mut unknown = false;
    let mut number = 0;
    loop {
        number += 1;
        let left = deadline.saturating_duration_since(Instant::now()).min(ATTEMPT_WITHIN);
        let progress = Arc::new(Attempt {
            is_repeated: number > 1,
            must_find_out: unknown,
            commit_sent: AtomicBool::new(false),
        });
        let error = match timeout(left, attempt(Arc::clone(&progress))).await {
            Ok(Ok(value)) => {
                if progress.commit_sent.load(Ordering::Relaxed) {
                    store.writes.committed();
                }
                return Ok(value);
            }
            Ok(Err(error)) => error,
            Err(_) => PgError::Timeout(left),
        };
        if error.casts_doubt() {
            store.pool.doubt();
        }
        if progress.commit_sent.load(Ordering::Relaxed) {
            unknown = true;
            store.observer.observe(Observation::CommitLost);
        }
        let pause = pause_before(number + 1);
        let again = unknown || (error.remedy() == Remedy::TryAgain && number < ATTEMPTS_MAX);
        if !again || Instant::now() + pause >= deadline {
            store.writes.failed();
            return Err(match unknown {
                true => StoreError::commit_unknown(error),
                false => error.into_store_error(),
            });
        }
        store.observer.observe(Observation::Retried);
        log::warn!(
            "{name}: attempt {number} failed, trying again in {} ms; commit_unknown={unknown}: {}",
            pause.as_millis(),
            ErrorChain(&error)
        );
        sleep(pause).await;
    }
}

/// Runs a change of a table under `lock`, which excludes all others that would change it, and commits: all
/// in one round trip.
pub(crate) async fn change_alone(
    connection: &Lease,
    lock: &'static str,
    change: &Prepared,
    parameters: &[&(dyn ToSql + Sync)],
    attempt: &Attempt,
) -> Result<(), PgError> {
    attempt.commit_is_sent();
    let (begun, locked, changed, committed) = join4(
        connection.command(BEGIN),
        connection.command(lock),
        connection.change(change, parameters),
        connection.commit(),
    )
    .await;
    // A refusal before COMMIT turns it into a rollback.
    for answer in [&begun, &locked] {
        attempt.look_at(answer);
    }
    attempt.look_at(&changed);
    begun?;
    locked?;
    changed?;
    committed?;
    if attempt.must_find_out() {
        // There may have been nothing left to change, and so no commit to wait for.
        connection.confirm_what_is_seen().await?;
    }
    Ok(())
}

/// Runs a statement that commits by itself and returns each row that it has written.
///
/// After a COMMIT whose answer was lost it is run again: it must be safe to repeat.
pub(crate) async fn write_rows(
    store: &PgStore,
    name: &'static str,
    sql: Sql,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Row>, StoreError> {
    run(store, &Name::of(name), |attempt| {
        Box::pin(async move {
            let connection = Lease::from(&store.pool).await?;
            let prepared = connection.prepare(sql).await?;
            attempt.commit_is_sent();
            let written = connection.committing(connection.rows(&prepared, parameters)).await;
            attempt.look_at(&written);
            let written = written?;
            confirm(&connection, &attempt, written.is_empty()).await?;
            connection.give_back();
            Ok(written)
        })
    })
    .await
}

/// The same for a statement without rows; returns how many it has written.
pub(crate) async fn write_some(
    store: &PgStore,
    name: &'static str,
    sql: Sql,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<u64, StoreError> {
    run(store, &Name::of(name), |attempt| {
        Box::pin(async move {
            let connection = Lease::from(&store.pool).await?;
            let prepared = connection.prepare(sql).await?;
            attempt.commit_is_sent();
            let written = connection.committing(connection.change(&prepared, parameters)).await;
            attempt.look_at(&written);
            let written = written?;
            confirm(&connection, &attempt, written == 0).await?;
            connection.give_back();
            Ok(written)
        })
    })
    .await
}

/// Checks what a statement has written that commits by itself.
async fn confirm(connection: &Lease, attempt: &Attempt, is_nothing: bool) -> Result<(), PgError> {
    if attempt.must_find_out() {
        // It may have been written already by an earlier attempt.
        connection.confirm_what_is_seen().await?;
    } else if is_nothing {
        attempt.nothing_was_written();
    }
    Ok(())
}

/// Doubles from 1 ms with each attempt, less up to a half of it, so that transactions that
/// conflicted once do not conflict again.
fn pause_before(attempt: u32) -> Duration {
    let whole = Duration::from_millis(1 << attempt.min(10)).min(PAUSE_MAX);
    let nanos = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let jitter = f64::from(nanos.unwrap_or_default().subsec_nanos() % 1_000) / 1_000.0;
    whole.mul_f64(1.0 - jitter / 2.0)
}
