use crate::batch::{Abandoned, Caller, Waiting};
use crate::bell::Bell;
use crate::driver::Driver;
use crate::error::SubmitError;
use crate::limits::Limits;
use crate::queue_age::QueueAge;
use booking_core::{
    BookingStore, EventCommand, Observation, Observer, Outcome, StoreError, Unobserved,
};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, mpsc, oneshot};

/// The way into a store for every command that changes seats. Clones share one queue.
#[derive(Clone)]
pub struct Admission {
    queue: mpsc::Sender<Waiting>,
    /// One permit for each command that waits or is under way, wherever it is.
    places: Arc<Semaphore>,
    queue_age: Arc<QueueAge>,
    /// Maps each event to its node.
    store: Arc<dyn BookingStore>,
    bell: Arc<Bell>,
    draining: Arc<AtomicBool>,
    limits: Limits,
    observer: Arc<dyn Observer>,
}

impl Admission {
    /// Starts a queue in front of `store`, on the current runtime. The queue ends when every clone of the returned
    /// value is dropped and every command is answered.
    pub fn start(store: Arc<dyn BookingStore>, limits: Limits) -> Self {
        Self::start_observed(store, limits, Arc::new(Unobserved))
    }

    /// The same, reporting to `observer`.
    pub fn start_observed(
        store: Arc<dyn BookingStore>,
        limits: Limits,
        observer: Arc<dyn Observer>,
    ) -> Self {
        // As many places as permits: a caller that has a permit always finds room in the queue.
        let (queue, receiver) = mpsc::channel(limits.queue_commands_max);
        let (queue_age, bell) = (Arc::new(QueueAge::new()), Arc::new(Bell::new()));
        let driver = Driver::new(
            Arc::clone(&store),
            limits,
            receiver,
            Arc::clone(&queue_age),
            Arc::clone(&bell),
            Arc::clone(&observer),
        );
        tokio::spawn(driver.run());
        Self {
            queue,
            queue_age,
            store,
            bell,
            places: Arc::new(Semaphore::new(limits.queue_commands_max)),
            draining: Arc::default(),
            limits,
            observer,
        }
    }

    /// Executes a command after those submitted before it. A returned outcome is durable. If the caller goes away
    /// before its batch has started, the command is not executed.
    ///
    /// # Errors
    /// [`SubmitError`]; a full queue is reported at once.
    pub async fn submit(&self, item: EventCommand) -> Result<Outcome, SubmitError> {
        if self.draining.load(Ordering::SeqCst) {
            return Err(SubmitError::ShuttingDown);
        }
        if self.is_empty() {
            self.queue_age.move_to(Instant::now());
        } else if self.queue_age.age() > self.limits.queue_full_age {
            return Err(self.shed());
        }
        // Only this node's own age counts here: another node may be down, and its callers wait for that alone.
        let node = self.store.lane_of(item.event_id).node;
        if self.queue_age.node_age(node) > self.limits.queue_full_age {
            return Err(self.shed());
        }
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| self.shed())?;
        let (reply, answer) = oneshot::channel();
        if self.queue.try_send((item, Caller::new(reply, place))).is_err() {
            // The runtime on which the queue was started has ended.
            return Err(SubmitError::ShuttingDown);
        }
        self.bell.notify(|| self.queue.max_capacity() - self.queue.capacity());
        // A batch that panicked has dropped its replies, and may have been committed.
        answer.await.unwrap_or(Err(SubmitError::Store(StoreError::commit_unknown(Abandoned))))
    }

    /// Takes no more commands, and returns when all accepted ones are answered.
    pub async fn drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
        let all = u32::try_from(self.limits.queue_commands_max).unwrap_or(u32::MAX);
        // The semaphore is never closed, so this cannot fail.
        let _ = self.places.acquire_many(all).await;
    }

    fn shed(&self) -> SubmitError {
        self.observer.observe(Observation::Shed);
        SubmitError::Overloaded
    }

    /// Whether the queue is empty; commands already taken out of it may still wait.
    fn is_empty(&self) -> bool {
        self.queue.capacity() == self.queue.max_capacity()
    }

    /// The longest that the first command in the queue may have been waiting, on any node; zero if none waits.
    pub fn age(&self) -> Duration {
        let in_queue = if self.is_empty() { Duration::ZERO } else { self.queue_age.age() };
        in_queue.max(self.queue_age.any_node_age())
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
