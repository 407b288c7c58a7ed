//! How long commands have been waiting that are queued, or were taken out of the queue and could not start yet.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The ages of so many nodes are kept apart; beyond that, nodes whose numbers differ by this share one.
const NODES_APART: usize = 256;
/// No command waits there.
const NOBODY: u64 = u64::MAX;

/// No command in the queue came before this instant. The driver moves it forward with each command that it takes, and a
/// caller that finds the queue empty does too; other callers read how far back it lies. Commands already taken out wait
/// for a node, and their age does not concern callers of other nodes.
pub(crate) struct QueueAge {
    origin: Instant,
    /// In microseconds after `origin`.
    since: AtomicU64,
    /// The same for the first command that waits for each node, or [`NOBODY`].
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

    /// How long the first command in the queue may have been waiting.
    pub(crate) fn age(&self) -> Duration {
        self.age_of(&self.since)
    }

    /// Sets since when the first command taken out of the queue has waited for a node, if one does.
    pub(crate) fn set_first(&self, node: u16, since: Option<Instant>) {
        let since = since.map_or(NOBODY, |since| self.micros(since));
        self.of_node(node).store(since, Ordering::Relaxed);
    }

    /// How long the first command taken out of the queue has waited for a node.
    pub(crate) fn node_age(&self, node: u16) -> Duration {
        self.age_of(self.of_node(node))
    }

    /// The longest of any node.
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
