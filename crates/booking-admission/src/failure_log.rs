use booking_core::{ErrorChain, StoreError};
use std::time::Duration;
use tokio::time::Instant;

/// How often a lasting failure is logged.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// Logs failures of a repeated task, but not on each attempt while they last.
#[derive(Debug, Default)]
pub struct FailureLog {
    logged_at: Option<Instant>,
}

impl FailureLog {
    /// Logs that `what` failed, if it did.
    pub fn record(&mut self, what: &str, done: Result<(), StoreError>) {
        let Err(error) = done else { return };
        if self.logged_at.is_none_or(|logged_at| logged_at.elapsed() >= LOG_EVERY) {
            self.logged_at = Some(Instant::now());
            log::warn!("could not {what}: {}", ErrorChain(&error));
        }
    }
}
