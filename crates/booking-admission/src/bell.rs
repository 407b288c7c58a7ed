//! Wakes the driver when enough commands have come for another batch.

use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Notify;

/// Rings when the queue holds enough commands for another batch beside those under way. Without it each command would
/// wake the driver, mostly for nothing.
pub(crate) struct Bell {
    wanted: AtomicUsize,
    rung: Notify,
}

/// The driver does not look at the queue before a batch ends.
const NEVER: usize = usize::MAX;

impl Bell {
    pub(crate) fn new() -> Self {
        Self { wanted: AtomicUsize::new(NEVER), rung: Notify::new() }
    }

    /// From now on rings when the queue holds `wanted` commands; rings at once if it does already.
    pub(crate) fn set(&self, wanted: usize, queued: impl FnOnce() -> usize) {
        self.wanted.store(wanted, Ordering::SeqCst);
        if wanted != NEVER && queued() >= wanted {
            self.rung.notify_one();
        }
    }

    /// Rings if the queue is long enough; called after each command is queued. If `set` and this run in the same
    /// instant, neither may see the other: then the next command rings, or the batch under way ends first.
    pub(crate) fn notify(&self, queued: impl FnOnce() -> usize) {
        let wanted = self.wanted.load(Ordering::SeqCst);
        if wanted != NEVER && queued() >= wanted {
            self.rung.notify_one();
        }
    }

    /// Returns once it has rung.
    pub(crate) async fn rung(&self) {
        self.rung.notified().await;
    }
}
