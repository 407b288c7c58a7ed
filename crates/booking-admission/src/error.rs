use booking_core::StoreError;
use thiserror::Error;

/// Why a command has no outcome.
///
/// It is not `#[non_exhaustive]`: each reason has its own HTTP answer, and the compiler finds where a new one is
/// missing.
#[derive(Debug, Clone, Error)]
pub enum SubmitError {
    /// The queue is full or moves too slowly, or the command waited in it for too long. It was not
    /// executed.
    #[error("too many commands are waiting")]
    Overloaded,
    /// The queue takes no more commands, because its service is shutting down. The command was not executed.
    #[error("the service is shutting down")]
    ShuttingDown,
    /// The store could not answer. The error says whether the command was executed.
    #[error("the store could not execute the command")]
    Store(#[source] StoreError),
}
