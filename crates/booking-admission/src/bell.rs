//! Calls the driver when enough has come for another batch.

use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Notify;

/// Rings when so many commands are in the queue that the driver may begin another batch beside those under way.
/// Without it each command would wake the driver, mostly for nothing.
pub(crate) struct Bell {
    wanted: AtomicUsize,
    rung: Notify,
}

/// Nothing in the queue is looked at before a batch ends.
const NEVER: usize = usize::MAX;

impl Bell {
    pub(crate) fn new() -> Self {
        Self { wanted: AtomicUsize::new(NEVER), rung: Notify::new() }
    }

    /// Rings from now on when so many are in the queue, and at once if they are.
    pub(crate) fn set(&self, wanted: usize, queued: impl FnOnce() -> usize) {
        self.wanted.store(wanted, Ordering::SeqCst);
        if wanted != NEVER && queued() >= wanted {
            self.rung.notify_one();
        }
    }

    /// Rings if enough are in the queue, where one has just been put. If both look in the same instant, neither may
    /// see the other: then the next one that comes rings, or the batch under way ends first.
    pub(crate) fn hear(&self, queued: impl FnOnce() -> usize) {
        let wanted = self.wanted.load(Ordering::SeqCst);
        if wanted != NEVER && queued() >= wanted {
            self.rung.notify_one();
        }
    }

    /// Returns when it has rung.
    pub(crate) async fn rung(&self) {
        self.rung.notified().await;
    }
}
