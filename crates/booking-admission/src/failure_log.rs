use booking_core::{ErrorChain, StoreError};
use std::time::Duration;
use tokio::time::Instant;

/// How often a lasting failure is logged.
const COMPLAIN_EVERY: Duration = Duration::from_secs(60);

/// Logs failures of a repeated task, but not on each attempt while they last.
#[derive(Debug, Default)]
pub struct FailureLog {
    told_at: Option<Instant>,
}

impl FailureLog {
    /// Logs that `what` failed, if it did.
    pub fn record(&mut self, what: &str, done: Result<(), StoreError>) {
        let Err(error) = done else { return };
        if self.told_at.is_none_or(|told_at| told_at.elapsed() >= COMPLAIN_EVERY) {
            self.told_at = Some(Instant::now());
            log::warn!("could not {what}: {}", ErrorChain(&error));
        }
    }
}
