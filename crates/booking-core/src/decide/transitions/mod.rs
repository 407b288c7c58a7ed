//! What each command does: the cases of the one state machine. The moves themselves are in `seats`.

mod claims;
mod edits;
mod erasure;
mod holders;
mod questions;

use crate::decide::seats::Seats;
use crate::{
    Actor, Caller, Command, EventCommand, IdempotencyRecord, Outcome, Refusal, Registration,
    RegistrationId,
};

impl<'a> Seats<'a> {
    /// Executes a command, or returns its stored answer.
    pub(crate) fn answer(&mut self, item: &'a EventCommand) -> Outcome {
        let Some(key) = item.key else { return self.run(item) };
        if let Some(record) = self.record(&key.hash) {
            return record.answer(key.fingerprint);
        }
        let outcome = self.run(item);
        if is_final(&outcome) && item.command != Command::Replay {
            self.remember(IdempotencyRecord::new(key, outcome.clone(), self.now));
        }
        outcome
    }

    fn run(&mut self, item: &'a EventCommand) -> Outcome {
        if let Err(refusal) = self.check_caller(item) {
            return Outcome::Refused(refusal);
        }
        let caller = item.caller;
        let answer = match &item.command {
            Command::Register(register) => self.register(register, caller),
            Command::Hold(hold) => self.hold(hold, caller),
            Command::Confirm { registration_id, answers } => {
                self.confirm(*registration_id, answers, caller)
            }
            Command::Cancel { registration_id } => self.cancel(*registration_id, caller),
            Command::Transfer(transfer) => self.transfer(transfer, caller),
            Command::Correct(correct) => self.correct(correct, caller),
            Command::RenewLink(renew) => self.renew_link(*renew, caller),
            Command::CheckIn(check_in) => self.check_in(*check_in),
            Command::UndoCheckIn { registration_id } => {
                self.undo_check_in(*registration_id, caller)
            }
            Command::Edit(edit) => self.change_event(edit),
            Command::SetQuestions(set) => self.set_questions(set),
            Command::CancelEvent => Ok(self.cancel_event()),
            Command::Erase { registration_id } => self.erase(*registration_id),
            Command::EraseDue => Ok(self.erase_due()),
            Command::Settle | Command::Replay => Ok(Outcome::Settled),
        };
        // Freed seats go to the waitlist before the next command.
        self.serve_queue();
        answer.unwrap_or_else(Outcome::Refused)
    }

    /// Refuses what the caller may not do to this event at all. Whether a registration is theirs is checked when it is
    /// looked up.
    fn check_caller(&self, item: &EventCommand) -> Result<(), Refusal> {
        let in_its_name =
            matches!(&item.command, Command::Register(register) if register.as_organizer);
        let is_allowed = match &item.command {
            Command::Register(_) | Command::Hold(_) => {
                self.is_managed_by(item.caller)
                    || item.caller.sees(self.state.organizer_id, self.rules.status)
            }
            Command::CheckIn(_)
            | Command::UndoCheckIn { .. }
            | Command::Edit(_)
            | Command::SetQuestions(_)
            | Command::CancelEvent => self.is_managed_by(item.caller),
            Command::Confirm { .. }
            | Command::Cancel { .. }
            | Command::Transfer(_)
            | Command::Correct(_)
            | Command::RenewLink(_)
            | Command::Erase { .. }
            | Command::EraseDue
            | Command::Settle
            | Command::Replay => true,
        };
        match is_allowed {
            true if in_its_name && !self.is_managed_by(item.caller) => Err(Refusal::Forbidden),
            true => Ok(()),
            false => Err(Refusal::EventNotFound),
        }
    }

    /// A registration that the caller may change, expired if it is due.
    fn find(&mut self, id: RegistrationId, caller: Caller) -> Result<usize, Refusal> {
        let row = self.by_id(id).ok_or(Refusal::RegistrationNotFound)?;
        let is_theirs = match caller {
            Caller::Attendee(hash) => self.row(row).token_hash == Some(hash),
            Caller::Operator | Caller::Organizer(_) | Caller::OpenOrganizer | Caller::Anyone => {
                self.is_managed_by(caller)
            }
        };
        if !is_theirs {
            return Err(match caller {
                // For an organizer, registrations of others' events do not exist.
                Caller::Organizer(_) => Refusal::RegistrationNotFound,
                Caller::Operator | Caller::OpenOrganizer | Caller::Anyone | Caller::Attendee(_) => {
                    Refusal::Forbidden
                }
            });
        }
        self.expire_if_due(row);
        Ok(row)
    }

    fn shown_as(&self, row: usize, outcome: fn(Registration) -> Outcome) -> Outcome {
        outcome(self.shown(row))
    }
}

/// Whether an outcome is stored for the same request: one that says nothing about the event is not.
fn is_final(outcome: &Outcome) -> bool {
    !matches!(
        outcome,
        Outcome::Refused(
            Refusal::EventNotFound
                | Refusal::Forbidden
                | Refusal::RegistrationNotFound
                | Refusal::KeyReused
        )
    )
}

impl Caller {
    fn actor(self) -> Actor {
        match self {
            Self::Operator | Self::Organizer(_) | Self::OpenOrganizer => Actor::Organizer,
            Self::Anyone | Self::Attendee(_) => Actor::Attendee,
        }
    }
}
