//! How long the first in the queue has been waiting.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Nobody in the queue came before this instant. The driver moves it on with each batch, and so does
/// whoever finds the queue empty; the others look how far back it lies.
pub(crate) struct QueueAge {
    origin: Instant,
    /// In microseconds after `origin`.
    since: AtomicU64,
}

impl QueueAge {
    pub(crate) fn new() -> Self {
        Self { origin: Instant::now(), since: AtomicU64::new(0) }
    }

    pub(crate) fn move_to(&self, instant: Instant) {
        self.since.store(self.micros(instant), Ordering::Relaxed);
    }

    /// How long somebody in the queue may have been waiting.
    pub(crate) fn age(&self) -> Duration {
        let since = self.since.load(Ordering::Relaxed);
        Duration::from_micros(self.micros(Instant::now()).saturating_sub(since))
    }

    fn micros(&self, instant: Instant) -> u64 {
        let elapsed = instant.saturating_duration_since(self.origin);
        u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX)
    }
}
