//! How long those have been waiting who are in the queue, or were taken out of it and could not begin yet.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Of so many nodes it is known apart how long theirs have waited; of more, of those whose numbers differ by this together.
const NODES_APART: usize = 256;
/// Nobody waits there.
const NOBODY: u64 = u64::MAX;

/// Nobody in the queue came before this instant. The driver moves it on with whatever it takes, and so does whoever finds
/// the queue empty; the others look how far back it lies. Those that were taken and have to wait do so for a node, and
/// whoever asks another one has nothing to do with how long that is.
pub(crate) struct QueueAge {
    origin: Instant,
    /// In microseconds after `origin`.
    since: AtomicU64,
    /// The same of the first that waits for each node, or [`NOBODY`].
    of_nodes: Box<[AtomicU64]>,
}

impl QueueAge {
    pub(crate) fn new() -> Self {
        let of_nodes = (0..NODES_APART).map(|_| AtomicU64::new(NOBODY)).collect();
        Self { origin: Instant::now(), since: AtomicU64::new(0), of_nodes }
    }

    pub(crate) fn move_to(&self, instant: Instant) {
        self.since.store(self.micros(instant), Ordering::Relaxed);
    }

    /// How long somebody in the queue may have been waiting.
    pub(crate) fn age(&self) -> Duration {
        self.age_of(&self.since)
    }

    /// The first that was taken out of the queue and waits for a node came then, if one does.
    pub(crate) fn set_first(&self, node: u16, since: Option<Instant>) {
        let since = since.map_or(NOBODY, |since| self.micros(since));
        self.of_node(node).store(since, Ordering::Relaxed);
    }

    /// How long the first has waited that was taken out of the queue and waits for a node.
    pub(crate) fn node_age(&self, node: u16) -> Duration {
        self.age_of(self.of_node(node))
    }

    /// The same for whatever node.
    pub(crate) fn any_node_age(&self) -> Duration {
        self.of_nodes.iter().map(|since| self.age_of(since)).max().unwrap_or_default()
    }

    fn of_node(&self, node: u16) -> &AtomicU64 {
        &self.of_nodes[usize::from(node) % NODES_APART]
    }

    fn age_of(&self, since: &AtomicU64) -> Duration {
        match since.load(Ordering::Relaxed) {
            NOBODY => Duration::ZERO,
            since => Duration::from_micros(self.micros(Instant::now()).saturating_sub(since)),
        }
    }

    fn micros(&self, instant: Instant) -> u64 {
        let elapsed = instant.saturating_duration_since(self.origin);
        u64::try_from(elapsed.as_micros()).unwrap_or(NOBODY - 1)
    }
}
