//! An error with what lies beneath it, for the log.

use std::error::Error;
use std::iter::successors;

/// What each of them says, from the top down.
pub(crate) fn chain(error: &dyn Error) -> String {
    successors(Some(error), |&error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}
