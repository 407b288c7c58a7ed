use std::time::Duration;

/// How much a queue takes.
///
/// It is not `#[non_exhaustive]`, which would forbid this: write `..Limits::default()`, and a new field breaks nothing.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The most commands that wait or are under way. One more is refused at once. With several nodes, at most half of
    /// it may wait for one node.
    pub queue_commands_max: usize,
    /// When the first command in the queue has waited for so long, the queue refuses commands for its node, as if it
    /// were full: a slow queue is better kept short.
    pub queue_full_age: Duration,
    /// The longest that a command waits before its batch starts; then it is refused.
    pub queue_age_max: Duration,
    /// The most commands in one batch.
    pub batch_commands_max: usize,
    /// The most batches of different events executed at the same time on one node, if the store supports so many
    /// ([`SeatStore::batches_at_once`](booking_core::SeatStore::batches_at_once)). Each takes a connection. A further
    /// batch begins only if it is full enough.
    pub batches_per_node: usize,
    /// The most events of one node that are waited for at once because another transaction holds their rows. Each takes
    /// a connection while it waits, so this and the batches of the queue must be less than the store's pool has.
    pub busy_events_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            queue_commands_max: 16_384,
            queue_full_age: Duration::from_secs(3),
            queue_age_max: Duration::from_secs(10),
            batch_commands_max: 512,
            batches_per_node: 1,
            busy_events_max: 4,
        }
    }
}
