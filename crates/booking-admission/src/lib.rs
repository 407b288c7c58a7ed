//! The queue in front of a store.
//!
//! Commands that arrive while a batch is under way gather into the next one, so that a rush of
//! thousands costs the store a few transactions. There is one queue for all events, first in, first
//! out, and no timer: a command that finds the queue idle starts at once.
//!
//! An event whose row somebody else holds gets a lane of its own. Its commands wait there, in their
//! order, while the others go on.
//!
//! The queue decides nothing and remembers nothing that matters: whatever becomes of this process,
//! the store is right.
//!
//! A [`Sweeper`] beside it does in time what time alone brings: it offers seats that came free to those who wait.
//!
//! ```
//! # use booking_conformance::MemoryStore;
//! # use booking_core::*;
//! # use std::sync::Arc;
//! use booking_admission::{Admission, Limits};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let store = Arc::new(MemoryStore::default());
//! # let event = store.create_event(NewEvent::new(
//! #     uuid::Uuid::now_v7().into(),
//! #     EventName::parse("Rust meetup")?,
//! #     Capacity::parse(30, CapacityMax::default())?,
//! # )).await?;
//! let admission = Admission::start(store, Limits::default());
//! let id = RegistrationId::beside(event.id, uuid::Uuid::now_v7());
//! let ada = Claim::new(id, EmailAddress::parse("ada@example.org")?);
//! let command = EventCommand::new(event.id, Caller::Anyone, Command::Register(ada.into()));
//! let outcome = admission.submit(command).await?;
//! assert!(matches!(outcome, Outcome::Confirmed(_)));
//! admission.drain().await;
//! # Ok(())
//! # }
//! ```

mod batch;
mod driver;
mod failure_log;
mod limits;
mod queue_age;
mod sweeper;

pub use failure_log::FailureLog;
pub use limits::Limits;
pub use sweeper::Sweeper;

use batch::{Abandoned, Caller, Waiting};
use booking_core::{
    BookingStore, EventCommand, Observation, Observer, Outcome, StoreError, Unobserved,
};
use driver::Driver;
use queue_age::QueueAge;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use thiserror::Error;
use tokio::sync::{Semaphore, mpsc, oneshot};

/// The way into a store for everything that changes seats. Clones lead to the same queue.
#[derive(Clone)]
pub struct Admission {
    queue: mpsc::Sender<Waiting>,
    /// One for each command that is waiting or under way, wherever it is.
    places: Arc<Semaphore>,
    queue_age: Arc<QueueAge>,
    draining: Arc<AtomicBool>,
    limits: Limits,
    observer: Arc<dyn Observer>,
}

/// Why a command has no outcome.
///
/// It is not `#[non_exhaustive]`: each reason has an answer of its own, and the compiler finds where a new one is
/// missing.
#[derive(Debug, Clone, Error)]
pub enum SubmitError {
    /// The queue is full or moves too slowly, or the command waited in it for too long. It was not
    /// executed.
    #[error("too many commands are waiting")]
    Overloaded,
    /// The queue takes no more commands, because its service is about to stop. It was not executed.
    #[error("the service is shutting down")]
    ShuttingDown,
    /// The store could not answer. Whether the command was executed, the error says.
    #[error("the store could not execute the command")]
    Store(#[source] StoreError),
}

impl Admission {
    /// Starts a queue in front of `store`, on the runtime that this is called on. It ends when every
    /// clone of the returned value is gone and every command is answered.
    pub fn start(store: Arc<dyn BookingStore>, limits: Limits) -> Self {
        Self::start_observed(store, limits, Arc::new(Unobserved))
    }

    /// The same, and tells `observer` how it goes.
    pub fn start_observed(
        store: Arc<dyn BookingStore>,
        limits: Limits,
        observer: Arc<dyn Observer>,
    ) -> Self {
        // As many places as permits: whoever has a permit finds the queue with room.
        let (queue, receiver) = mpsc::channel(limits.queue_commands_max);
        let queue_age = Arc::new(QueueAge::new());
        let observed = Arc::clone(&observer);
        tokio::spawn(Driver::new(store, limits, receiver, Arc::clone(&queue_age), observed).run());
        Self {
            queue,
            queue_age,
            places: Arc::new(Semaphore::new(limits.queue_commands_max)),
            draining: Arc::default(),
            limits,
            observer,
        }
    }

    /// Has a command executed, after those submitted before it. When this returns an outcome, it is
    /// durable. A caller that goes away before its batch has started is as if it had never come.
    ///
    /// # Errors
    /// [`SubmitError`]; a full queue is said to be so at once.
    pub async fn submit(&self, item: EventCommand) -> Result<Outcome, SubmitError> {
        if self.draining.load(Ordering::SeqCst) {
            return Err(SubmitError::ShuttingDown);
        }
        if self.is_idle() {
            self.queue_age.move_to(Instant::now());
        } else if self.queue_age.age() > self.limits.queue_full_age {
            return Err(self.shed());
        }
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| self.shed())?;
        let (reply, answer) = oneshot::channel();
        if self.queue.try_send((item, Caller::new(reply, place))).is_err() {
            // The runtime on which the queue was started has ended.
            return Err(SubmitError::ShuttingDown);
        }
        // A batch that panicked has dropped its replies, and may have been committed.
        answer.await.unwrap_or(Err(SubmitError::Store(StoreError::commit_unknown(Abandoned))))
    }

    /// Takes no more commands, and returns when all that were taken are answered.
    pub async fn drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
        let all = u32::try_from(self.limits.queue_commands_max).unwrap_or(u32::MAX);
        // Closed is never an error here: nobody closes it.
        let _ = self.places.acquire_many(all).await;
    }

    fn shed(&self) -> SubmitError {
        self.observer.observe(Observation::Shed);
        SubmitError::Overloaded
    }

    fn is_idle(&self) -> bool {
        self.queue.capacity() == self.queue.max_capacity()
    }

    /// The longest that the first in the queue may have been waiting; zero if nobody is.
    pub fn age(&self) -> Duration {
        if self.is_idle() { Duration::ZERO } else { self.queue_age.age() }
    }

    /// How many commands are waiting or under way.
    pub fn depth(&self) -> usize {
        self.limits.queue_commands_max - self.places.available_permits()
    }
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admission").field("depth", &self.depth()).finish_non_exhaustive()
    }
}
