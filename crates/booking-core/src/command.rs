use crate::{EmailAddress, EventId, Registration, RegistrationId};
use thiserror::Error;

/// Something that is asked of one event. A new feature is a new command here and a new case in
/// [`decide`](crate::decide()), never a second way to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Take a seat.
    Register(Register),
}

/// Asks for one seat for one e-mail address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Register {
    /// The id of the registration to be made. It also names this request: executed again under the
    /// same id, a registration that was made is answered as the success that it was.
    pub registration_id: RegistrationId,
    /// Whose seat it will be.
    pub user_email: EmailAddress,
}

/// A command and the event that it is for: what batches are made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventCommand {
    /// The event that is asked.
    pub event_id: EventId,
    /// What is asked of it.
    pub command: Command,
}

/// The answer to a [`Command`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The seat is theirs.
    Confirmed(Registration),
    /// Nothing was changed, for this reason.
    Refused(Refusal),
}

/// Why a command changed nothing. A refusal is an answer, not an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refusal {
    /// There is no such event.
    #[error("there is no such event")]
    EventNotFound,
    /// Every seat is taken.
    #[error("every seat of this event is taken")]
    SoldOut,
    /// This e-mail address has a live registration already.
    #[error("this e-mail address is registered for this event already")]
    AlreadyRegistered,
}
