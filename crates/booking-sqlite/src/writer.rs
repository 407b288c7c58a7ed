use crate::connection::open_writer;
use crate::errors::Failure;
use crate::transaction::{self, Work};
use booking_core::{Observer, StoreError};
use rusqlite::Connection;
use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// How many jobs may wait for the writer; the next is refused at once.
pub const JOBS_MAX: usize = 256;

/// How long a job waits for the writer to begin with it. After that nothing was written.
pub const JOB_WAIT_MAX: Duration = Duration::from_secs(5);

/// How long a caller waits for the end of a job that has begun: two attempts of a transaction, each
/// of which may wait for a lock. After that nobody knows what became of it.
pub const ANSWER_WAIT_MAX: Duration = Duration::from_secs(30);

/// Whether each piece of work is one transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Isolation {
    Transaction,
    /// The negative control: every statement stands alone.
    #[cfg(feature = "negative-control")]
    None,
}

/// The way to the one thread that writes. The thread ends when this is dropped.
pub(crate) struct Writer {
    jobs: mpsc::Sender<Job>,
}

struct Job {
    claim: Claim,
    run: Box<dyn FnOnce(&mut Session) + Send>,
}

impl Writer {
    /// Starts the thread, which takes over `session`.
    pub(crate) fn start(mut session: Session) -> io::Result<Self> {
        let (jobs, mut waiting) = mpsc::channel::<Job>(JOBS_MAX);
        thread::Builder::new().name("sqlite-writer".to_owned()).spawn(move || {
            while let Some(job) = waiting.blocking_recv() {
                if job.claim.take() {
                    (job.run)(&mut session);
                }
            }
        })?;
        Ok(Self { jobs })
    }

    /// Lets the thread do `work` in a transaction. Whoever drops this future before the thread has
    /// begun with it withdraws the work.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&Connection) -> Result<Work<T>, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, mut answer) = oneshot::channel();
        let claim = Claim::default();
        let withdrawal = Withdrawal(claim.clone());
        let run = Box::new(move |session: &mut Session| {
            // The caller may be gone by now, and then nobody needs the answer.
            let _ = reply.send(session.run(&mut work));
        });
        self.jobs.try_send(Job { claim, run }).map_err(|error| refused(&error))?;

        let answered = match timeout(JOB_WAIT_MAX, &mut answer).await {
            Ok(answered) => answered,
            Err(_) if withdrawal.0.take() => {
                return Err(Failure::QueueWait(JOB_WAIT_MAX).into());
            }
            Err(_) => timeout(ANSWER_WAIT_MAX, answer)
                .await
                .map_err(|_| Failure::AnswerWait(ANSWER_WAIT_MAX))?,
        };
        Ok(answered.map_err(|_| Failure::WriterGone)??)
    }
}

fn refused(error: &TrySendError<Job>) -> Failure {
    match error {
        TrySendError::Full(_) => Failure::QueueFull { limit: JOBS_MAX },
        TrySendError::Closed(_) => Failure::WriterGone,
    }
}

/// Says who has a job: the thread that begins with it or the caller who gives up, whoever is first.
/// Without it a caller could be told that nothing was written just before it is.
#[derive(Clone, Default)]
struct Claim(Arc<AtomicBool>);

impl Claim {
    fn take(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }
}

struct Withdrawal(Claim);

impl Drop for Withdrawal {
    fn drop(&mut self) {
        self.0.take();
    }
}

/// What the thread has: its connection, unless the last job has spoilt it.
pub(crate) struct Session {
    pub(crate) path: PathBuf,
    pub(crate) busy_timeout: Duration,
    pub(crate) isolation: Isolation,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) connection: Option<Connection>,
}

impl Session {
    fn run<T>(
        &mut self,
        work: &mut dyn FnMut(&Connection) -> Result<Work<T>, Failure>,
    ) -> Result<T, Failure> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => open_writer(&self.path, self.busy_timeout).map_err(Failure::Open)?,
        };
        // A panic leaves no transaction behind: it is rolled back on the way. Whatever else it leaves
        // behind goes with the connection.
        let attempt = || match self.isolation {
            Isolation::Transaction => {
                transaction::run(&mut connection, &self.path, &*self.observer, work)
            }
            #[cfg(feature = "negative-control")]
            Isolation::None => work(&connection).map(|done| match done {
                Work::Changed(answer) | Work::Unchanged(answer) => answer,
            }),
        };
        let outcome = catch_unwind(AssertUnwindSafe(attempt))
            .unwrap_or_else(|panic| Err(Failure::Panicked(message(panic.as_ref()))));
        let unspoilt = outcome.as_ref().err().is_none_or(Failure::is_busy);
        if unspoilt && connection.is_autocommit() {
            self.connection = Some(connection);
        }
        outcome
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("without a message").to_owned()
}
