use crate::StoreError;
use std::fmt;
use std::time::Duration;

/// Receives measurements of the work, for metrics. It is called in the middle of that work, so it must be quick, must
/// not block, and changes nothing.
pub trait Observer: fmt::Debug + Send + Sync {
    /// Records an observation.
    fn observe(&self, observation: Observation<'_>);
}

/// An observation. There may be more kinds.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Observation<'a> {
    /// The queue refused or dropped a command, because too many wait.
    Shed,
    /// The queue sent a batch of so many commands to the store.
    BatchStarted {
        /// How many.
        commands: usize,
        /// How long the first of them had been waiting.
        waited: Duration,
    },
    /// A batch of the queue began or ended, and so many are now under way on a node. Batches that wait for an event
    /// whose row another transaction holds are not counted.
    BatchesUnderWay {
        /// The machine, as in [`SeatLane::node`](crate::SeatLane::node).
        node: u16,
        /// How many.
        batches: usize,
    },
    /// A batch had no outcome, and its callers got this error.
    BatchFailed(&'a StoreError),
    /// The store waited so long for the locks of a batch, including the round trip.
    Locked(Duration),
    /// The store wrote and committed the decision in so long.
    Committed(Duration),
    /// The store's transaction took so long, from getting a connection to its end.
    Executed(Duration),
    /// An attempt at a write failed, and is repeated.
    Retried,
    /// It is not known whether an attempt was committed: its answer was lost.
    CommitLost,
    /// Due events were swept.
    Swept {
        /// Whether the sweep succeeded.
        done: bool,
    },
}

/// An observer that ignores everything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn observe(&self, _: Observation<'_>) {}
}
