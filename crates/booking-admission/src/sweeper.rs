//! Does the work that falls due with time.

use crate::{Admission, FailureLog, SubmitError};
use booking_core::{
    BookingStore, Caller, Command, EventCommand, EventId, Observation, Observer, Outcome,
    PageLimit, StoreError, Unobserved,
};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all, join3};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

/// How long a sweep waits for its commands. An event whose row another transaction holds is left to a later sweep, so
/// that the others need not wait for it.
const SETTLE_WITHIN: Duration = Duration::from_secs(2);
/// The most events of which one round erases registrations: of each up to [`ERASED_MAX`](booking_core::ERASED_MAX).
const ERASE_EVENTS_MAX: u32 = 100;
/// How many of them share a transaction.
const ERASE_TOGETHER: usize = 2;
/// The pause between two rounds.
const ERASE_PAUSE: Duration = Duration::from_millis(10);
/// How often expired records are purged.
const PURGE_EVERY: Duration = Duration::from_secs(60);
/// The pause between two rounds of purging, each of up to 1,000 records. It leaves others a turn, and still more is
/// purged than one server can answer.
const PURGE_PAUSE: Duration = Duration::from_millis(10);
/// The shortest pause between two sweeps that can be set.
const EVERY_MIN: Duration = Duration::from_millis(1);

/// Purges up to so many expired records, and returns how many.
type Purge = dyn Fn(PageLimit) -> BoxFuture<'static, Result<u64, SubmitError>> + Send + Sync;

/// Does the work that falls due with time: offers the seats of expired holds to attendees who wait, erases what has
/// been kept for long enough, and purges what is no longer needed.
///
/// Correctness does not depend on it. An expired hold counts for nothing, swept or not, and every command settles its
/// event first. It never writes a seat by itself: it submits commands through the queue, as all callers do. So any
/// number of servers may sweep at once, and none needs to. Without it, an attendee who waits is offered a freed seat
/// when another caller sends a command for the event.
///
/// ```
/// # use booking_conformance::{ManualClock, MemoryStore};
/// # use booking_core::*;
/// # use std::sync::Arc;
/// # use std::time::Duration;
/// # use uuid::Uuid;
/// use booking_admission::{Admission, Limits, Sweeper};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let clock = ManualClock::default();
/// # let store: Arc<dyn BookingStore> = Arc::new(MemoryStore::default().with_clock(clock.as_clock()));
/// # let seats = Capacity::parse(1, CapacityMax::default())?;
/// # let new = NewEvent::new(Uuid::now_v7().into(), EventName::parse("Rust meetup")?, seats);
/// # let event = store.create_event(new).await?;
/// # let id = || RegistrationId::beside(event.id, Uuid::now_v7());
/// # let claim = |email| Ok::<_, Invalid>(Claim::new(id(), EmailAddress::parse(email)?));
/// let admission = Admission::start(Arc::clone(&store), Limits::default());
/// // Ada holds the one seat for a minute, and Grace waits for it.
/// let hold = Command::Hold(Hold::new(claim("ada@example.org")?, HoldTtl::parse(60)?));
/// admission.submit(EventCommand::new(event.id, Caller::Anyone, hold)).await?;
/// let wait = Register { on_full: OnFull::Waitlist, ..Register::from(claim("grace@example.org")?) };
/// let wait = EventCommand::new(event.id, Caller::Anyone, Command::Register(wait));
/// let Outcome::Waitlisted(grace) = admission.submit(wait).await? else { panic!("she has to wait") };
///
/// let sweeper = Sweeper::new(Arc::clone(&store), admission).every(Duration::from_millis(5));
/// let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
/// let sweeping = tokio::spawn(async move { sweeper.run_until(async { drop(stopped.await) }).await });
///
/// // A minute later no caller sends a command, and the seat is hers to accept all the same.
/// # clock.advance_micros(60_000_000);
/// # while store.registration(grace.id).await?.map(|row| row.status) == Some(Status::Waitlisted) {
/// #     tokio::time::sleep(Duration::from_millis(1)).await;
/// # }
/// let row = store.registration(grace.id).await?.expect("it is there");
/// assert_eq!(row.status, Status::Offered);
///
/// drop(stop);
/// sweeping.await?;
/// # Ok(())
/// # }
/// ```
pub struct Sweeper {
    store: Arc<dyn BookingStore>,
    admission: Admission,
    every: Duration,
    observer: Arc<dyn Observer>,
    purge: Box<Purge>,
}

impl Sweeper {
    /// The default pause between two sweeps.
    pub const EVERY: Duration = Duration::from_secs(1);

    /// Sweeps `store`, through the queue in front of it.
    pub fn new(store: Arc<dyn BookingStore>, admission: Admission) -> Self {
        let purged = Arc::clone(&store);
        let purge = move |limit: PageLimit| {
            let store = Arc::clone(&purged);
            async move { store.purge_records(limit).await.map_err(SubmitError::Store) }.boxed()
        };
        let (every, observer) = (Self::EVERY, Arc::new(Unobserved));
        Self { store, admission, every, observer, purge: Box::new(purge) }
    }

    /// The same, sweeping so often; no more often than every millisecond.
    #[must_use]
    pub fn every(self, every: Duration) -> Self {
        Self { every: every.max(EVERY_MIN), ..self }
    }

    /// The same, reporting each sweep to `observer` ([`Observation::Swept`]).
    #[must_use]
    pub fn observed_by(self, observer: Arc<dyn Observer>) -> Self {
        Self { observer, ..self }
    }

    /// The same, purging records by `purge` and not through the store itself: for a caller that limits what writes
    /// beside the queue.
    #[must_use]
    pub fn purging_by<W>(self, purge: impl Fn(PageLimit) -> W + Send + Sync + 'static) -> Self
    where
        W: Future<Output = Result<u64, SubmitError>> + Send + 'static,
    {
        Self { purge: Box::new(move |limit| purge(limit).boxed()), ..self }
    }

    /// Sweeps until `stop` is ready. Commands under way then are left to the queue, and the rest to a later sweep of
    /// any server. Dropping the returned future has the same effect. Erasing may take long, but never delays the sweep
    /// for freed seats.
    pub async fn run_until(&self, stop: impl Future<Output = ()>) {
        tokio::select! {
            () = stop => {}
            _ = join3(self.settle_due(), self.erase(), self.purge()) => {}
        }
    }

    /// Sweeps once: settles every event that is due, up to one page of them.
    ///
    /// # Errors
    /// The store's. A full queue is no error: a later sweep will do.
    pub async fn sweep(&self) -> Result<(), StoreError> {
        let due = self.store.due_events(PageLimit::default()).await?;
        self.ask(&due, &Command::Settle).await.map(drop)
    }

    async fn settle_due(&self) {
        let mut ticks = interval(self.every);
        // After a pause there is one sweep, not all those that were missed.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut failures = FailureLog::default();
        loop {
            ticks.tick().await;
            let swept = self.sweep().await;
            self.observer.observe(Observation::Swept { done: swept.is_ok() });
            failures.record("sweep", swept);
        }
    }

    async fn erase(&self) {
        let mut ticks = interval(self.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut failures = FailureLog::default();
        loop {
            match self.erase_due().await {
                // There may be more, and nothing is in the way. Others get a turn in between.
                Ok(true) => {
                    sleep(ERASE_PAUSE).await;
                    continue;
                }
                Ok(false) => {}
                failed => failures.record("erase what is kept no longer", failed.map(drop)),
            }
            ticks.tick().await;
        }
    }

    /// Erases the personal data of registrations that must not be kept longer, as much as one round may. Returns
    /// whether there was any, and all of it was erased. An event that cannot be written does not keep others from being
    /// erased.
    async fn erase_due(&self) -> Result<bool, StoreError> {
        let limit = PageLimit::parse(ERASE_EVENTS_MAX).unwrap_or_default();
        let due = self.store.erasable_events(limit).await?;
        let mut done = Ok(!due.is_empty());
        for together in due.chunks(ERASE_TOGETHER) {
            match self.ask(together, &Command::EraseDue).await {
                Ok(true) => {}
                Ok(false) => done = done.and(Ok(false)),
                Err(error) => done = Err(error),
            }
        }
        done
    }

    /// Submits a command for each event, and waits a while. Returns whether all were done.
    async fn ask(&self, events: &[EventId], command: &Command) -> Result<bool, StoreError> {
        let asked = events.iter().map(|id| {
            self.admission.submit(EventCommand::new(*id, Caller::Operator, command.clone()))
        });
        let Ok(outcomes) = timeout(SETTLE_WITHIN, join_all(asked)).await else { return Ok(false) };
        let mut done = true;
        for outcome in outcomes {
            match outcome {
                Err(SubmitError::Store(error)) => return Err(error),
                Ok(Outcome::Settled) => {}
                // Other commands are more urgent.
                Ok(_) | Err(SubmitError::Overloaded | SubmitError::ShuttingDown) => done = false,
            }
        }
        Ok(done)
    }

    /// Purges expired idempotency records until none is left, so that it keeps up with new ones, and in steps, so that
    /// no caller waits for long.
    async fn purge(&self) {
        let mut failures = FailureLog::default();
        loop {
            let limit = PageLimit::MAX;
            match (self.purge)(limit).await {
                Ok(purged) if purged == limit.get() as u64 => sleep(PURGE_PAUSE).await,
                Ok(_) | Err(SubmitError::Overloaded | SubmitError::ShuttingDown) => {
                    sleep(PURGE_EVERY).await;
                }
                Err(SubmitError::Store(error)) => {
                    failures.record("forget old records", Err(error));
                    sleep(PURGE_EVERY).await;
                }
            }
        }
    }
}

impl fmt::Debug for Sweeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sweeper").field("every", &self.every).finish_non_exhaustive()
    }
}
