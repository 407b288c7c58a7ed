use crate::StoreError;
use std::fmt;
use std::time::Duration;

/// Is told how the work goes, for metrics. It is called in the middle of that work, so it must be quick,
/// must not block, and changes nothing.
pub trait Observer: fmt::Debug + Send + Sync {
    /// Takes note of something.
    fn observe(&self, observation: Observation<'_>);
}

/// What there is to be told. There may be more.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Observation<'a> {
    /// The queue refused a command, or gave it up, because too many wait.
    Shed,
    /// The queue sent a batch of so many commands to the store.
    BatchStarted {
        /// How many.
        commands: usize,
        /// How long the first of them had been waiting.
        waited: Duration,
    },
    /// A batch of the queue began or ended, and so many are now under way on a node. Those that wait for an event whose row
    /// another transaction holds are not among them.
    BatchesUnderWay {
        /// The machine, as in [`SeatLane::node`](crate::SeatLane::node).
        node: u16,
        /// How many.
        batches: usize,
    },
    /// A batch had no outcome, and its callers were told so.
    BatchFailed(&'a StoreError),
    /// The store waited so long for the locks of a batch, the way there and back included.
    Locked(Duration),
    /// The store wrote what was decided and committed it in so long.
    Committed(Duration),
    /// The store's transaction took so long, from having a connection to its end.
    Executed(Duration),
    /// An attempt at something that writes failed, and is made again.
    Retried,
    /// It is not known whether an attempt was committed: its answer was lost.
    CommitLost,
    /// The events were swept on which time alone had something to do.
    Swept {
        /// Whether the store did it; else it failed.
        done: bool,
    },
}

/// Nobody who looks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn observe(&self, _: Observation<'_>) {}
}
