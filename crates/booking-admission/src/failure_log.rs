use booking_core::{ErrorChain, StoreError};
use std::time::Duration;
use tokio::time::Instant;

/// How often a failure that goes on is told.
const COMPLAIN_EVERY: Duration = Duration::from_secs(60);

/// Tells the log of failures of what is done again and again, and not each time while they last.
#[derive(Debug, Default)]
pub struct FailureLog {
    told_at: Option<Instant>,
}

impl FailureLog {
    /// Tells that `what` was not done, if it was not.
    pub fn record(&mut self, what: &str, done: Result<(), StoreError>) {
        let Err(error) = done else { return };
        if self.told_at.is_none_or(|told_at| told_at.elapsed() >= COMPLAIN_EVERY) {
            self.told_at = Some(Instant::now());
            log::warn!("could not {what}: {}", ErrorChain(&error));
        }
    }
}
