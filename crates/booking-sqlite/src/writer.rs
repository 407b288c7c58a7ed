use crate::connection::open_writer;
use crate::errors::Failure;
use crate::files::Files;
use crate::transaction::{self, Work};
use booking_core::{Observer, StoreError, WriteWatch};
use rusqlite::Connection;
use std::any::Any;
use std::collections::VecDeque;
use std::io;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// How many jobs of each kind, seats and all others, may wait for the writer; the next is refused at once.
pub const JOBS_MAX: usize = 256;

/// How long a job waits for the writer to begin with it. After that it is refused, and nothing was
/// written.
pub const JOB_WAIT_MAX: Duration = Duration::from_secs(5);

/// How long a caller waits for the end of a job that has begun: two attempts of a transaction, each
/// of which may wait for a lock. After that its outcome is unknown.
pub const ANSWER_WAIT_MAX: Duration = Duration::from_secs(30);

/// Whether each piece of work is one transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Isolation {
    Transaction,
    /// The negative control: every statement stands alone.
    #[cfg(feature = "negative-control")]
    None,
}

/// Which of the waiting jobs is done first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// A batch of commands: attendees wait for seats.
    Seats,
    /// All other writes. They have their turn whenever no batch waits, which is after nearly each: the
    /// next one gathers while the last is answered.
    Others,
}

/// Sends jobs to the one thread that writes. The thread ends when this is dropped, after the jobs that
/// wait then.
pub(crate) struct Writer {
    jobs: Arc<Jobs>,
    watch: Arc<WriteWatch>,
}

struct Job {
    claim: Claim,
    run: Box<dyn FnOnce(&mut Session) + Send>,
}

/// The jobs that wait for the thread.
#[derive(Default)]
struct Jobs {
    waiting: Mutex<Waiting>,
    more: Condvar,
}

#[derive(Default)]
struct Waiting {
    seats: VecDeque<Job>,
    others: VecDeque<Job>,
    is_closed: bool,
}

impl Jobs {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // No call leaves it half changed, so a poisoned lock is safe to use.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, urgency: Urgency, job: Job) -> Result<(), Failure> {
        let mut waiting = self.lock();
        if waiting.is_closed {
            return Err(Failure::WriterGone);
        }
        let queue = match urgency {
            Urgency::Seats => &mut waiting.seats,
            Urgency::Others => &mut waiting.others,
        };
        if queue.len() >= JOBS_MAX {
            return Err(Failure::QueueFull { limit: JOBS_MAX });
        }
        queue.push_back(job);
        drop(waiting);
        self.more.notify_one();
        Ok(())
    }

    /// The next job, once there is one; `None` if there never will be.
    fn next(&self) -> Option<Job> {
        let mut waiting = self.lock();
        loop {
            let next = waiting.seats.pop_front();
            let next = next.or_else(|| waiting.others.pop_front());
            if next.is_some() || waiting.is_closed {
                return next;
            }
            waiting = self.more.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn close(&self) {
        self.lock().is_closed = true;
        self.more.notify_one();
    }
}

/// Notifies waiting callers that the thread has ended, even if it panicked.
struct Closing(Arc<Jobs>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close();
        let mut waiting = self.0.lock();
        let left = (mem::take(&mut waiting.seats), mem::take(&mut waiting.others));
        drop(waiting);
        drop(left);
    }
}

impl Writer {
    /// Starts the thread, which takes over `session`.
    pub(crate) fn start(mut session: Session) -> io::Result<Self> {
        let (jobs, watch) = (Arc::<Jobs>::default(), Arc::clone(&session.watch));
        let closing = Closing(Arc::clone(&jobs));
        thread::Builder::new().name("sqlite-writer".to_owned()).spawn(move || {
            while let Some(job) = closing.0.next() {
                if job.claim.take() {
                    (job.run)(&mut session);
                }
            }
        })?;
        Ok(Self { jobs, watch })
    }

    /// How recent writes went.
    pub(crate) fn watch(&self) -> &WriteWatch {
        &self.watch
    }

    /// Has the thread do `work` in a transaction. Dropping this future before the thread has begun
    /// with it withdraws the work.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        urgency: Urgency,
        mut work: impl FnMut(&Connection) -> Result<Work<T>, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, mut answer) = oneshot::channel();
        let claim = Claim::default();
        let withdrawal = Withdrawal(claim.clone());
        let run = Box::new(move |session: &mut Session| {
            // The caller may be gone by now, and then nobody needs the answer.
            let _ = reply.send(session.run(&mut work));
        });
        self.jobs.push(urgency, Job { claim, run })?;

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

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs.close();
    }
}

/// Decides who owns a job: the thread that begins with it or the caller who gives up, whichever is
/// first. Without it a caller could be answered that nothing was written just before it is.
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

/// The thread's state: its connection, unless the last job has spoilt it.
pub(crate) struct Session {
    pub(crate) path: PathBuf,
    pub(crate) files: Arc<Files>,
    pub(crate) busy_timeout: Duration,
    pub(crate) isolation: Isolation,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) watch: Arc<WriteWatch>,
    pub(crate) connection: Option<Connection>,
}

impl Session {
    fn run<T>(
        &mut self,
        work: &mut dyn FnMut(&Connection) -> Result<Work<T>, Failure>,
    ) -> Result<T, Failure> {
        self.files.check()?;
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => open_writer(&self.path, self.busy_timeout).map_err(Failure::Open)?,
        };
        let mut wrote = false;
        let mut noted = |connection: &Connection| -> Result<Work<T>, Failure> {
            let done = work(connection)?;
            wrote = matches!(done, Work::Changed(_));
            Ok(done)
        };
        // A panic leaves no transaction behind: it is rolled back while unwinding. Anything else that
        // it leaves behind goes with the connection.
        let attempt = || match self.isolation {
            Isolation::Transaction => {
                transaction::run(&mut connection, &self.path, &*self.observer, &mut noted)
            }
            #[cfg(feature = "negative-control")]
            Isolation::None => noted(&connection).map(|done| match done {
                Work::Changed(answer) | Work::Unchanged(answer) => answer,
            }),
        };
        let outcome = catch_unwind(AssertUnwindSafe(attempt))
            .unwrap_or_else(|panic| Err(Failure::Panicked(message(panic.as_ref()))));
        // What was committed to a file that had just been moved is not there: it is not acknowledged.
        let outcome = outcome.and_then(|answer| match self.files.check() {
            Ok(()) => Ok(answer),
            Err(moved) => Err(Failure::MovedMeanwhile(Box::new(moved))),
        });
        match &outcome {
            Ok(_) if wrote => self.watch.committed(),
            Ok(_) => {}
            Err(_) => self.watch.failed(),
        }
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
