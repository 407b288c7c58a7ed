//! Rate limiting and quotas: which limit a client has reached, and when to try again.

use std::time::Duration;
use thiserror::Error;

/// That a client asks for too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RateLimited {
    pub(crate) of: LimitKind,
    /// The time until a retry makes sense.
    pub(crate) wait: Duration,
}

/// Which limit was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum LimitKind {
    #[error("too many requests came from your network's address; this one changed nothing")]
    ClientWrites,
    #[error("too many requests came with this token; this one changed nothing")]
    TokenWrites,
    #[error("too many seats are being held from your network's address; no other is held for now")]
    ClientHolds,
    #[error("too many seats are being held for this e-mail address; no other is held for now")]
    EmailHolds,
    #[error(
        "too many seats of this event were taken from your network's address within an hour; no other is given \
         for now"
    )]
    ClientSeats,
    #[error(
        "too many watch events from your network's address; what is asked for can be read all the same"
    )]
    ClientWatchers,
}
