//! How long the first in the queue has been waiting.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Nobody in the queue came before this instant. The driver moves it on with each batch, and so does
/// whoever finds the queue empty; the others look how far back it lies.
pub(crate) struct QueueAge {
    origin: Instant,
    /// In microseconds after `origin`.
    since: AtomicU64,
    /// Whether the driver has taken somebody out of the queue who still waits.
    is_parked: AtomicBool,
}

impl QueueAge {
    pub(crate) fn new() -> Self {
        let (since, is_parked) = (AtomicU64::new(0), AtomicBool::new(false));
        Self { origin: Instant::now(), since, is_parked }
    }

    pub(crate) fn move_to(&self, instant: Instant) {
        self.since.store(self.micros(instant), Ordering::Relaxed);
    }

    pub(crate) fn set_parked(&self, is_parked: bool) {
        self.is_parked.store(is_parked, Ordering::Relaxed);
    }

    /// Whether somebody waits although the queue is empty.
    pub(crate) fn is_parked(&self) -> bool {
        self.is_parked.load(Ordering::Relaxed)
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
