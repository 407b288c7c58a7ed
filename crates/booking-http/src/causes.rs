//! An error with what lies beneath it, for the log.

use booking_core::StoreError;
use std::error::Error;
use std::iter::successors;
use std::time::Duration;
use tokio::time::Instant;

/// How often a failure that goes on is told.
const COMPLAIN_EVERY: Duration = Duration::from_secs(60);

/// What each of them says, from the top down.
pub(crate) fn chain(error: &dyn Error) -> String {
    successors(Some(error), |&error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

/// Tells failures of what is done again and again, and not each time while they last.
#[derive(Default)]
pub(crate) struct Complaint {
    told_at: Option<Instant>,
}

impl Complaint {
    /// Tells that `what` was not done, if it was not.
    pub(crate) fn about(&mut self, what: &str, done: Result<(), StoreError>) {
        let Err(error) = done else { return };
        if self.told_at.is_none_or(|told_at| told_at.elapsed() >= COMPLAIN_EVERY) {
            self.told_at = Some(Instant::now());
            log::warn!("could not {what}: {}", chain(&error));
        }
    }
}
