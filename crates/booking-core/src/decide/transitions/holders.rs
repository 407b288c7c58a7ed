//! Commands on an existing registration.

use crate::decide::seats::Seats;
use crate::{
    Actor, Admitted, Answers, AnswersChange, Caller, CheckIn, CheckedIn, Correct, CorrectedAddress,
    EventStatus, FactKind, Outcome, PersonName, Refusal, RegistrationId, RenewLink, Status,
    TicketVoid, Transfer,
};

impl<'a> Seats<'a> {
    pub(super) fn confirm(
        &mut self,
        id: RegistrationId,
        answers: &Answers,
        caller: Caller,
    ) -> Result<Outcome, Refusal> {
        let row = self.find(id, caller)?;
        if self.rules.status == EventStatus::Cancelled {
            return Err(Refusal::Closed);
        }
        match self.row(row).status {
            Status::Confirmed => {}
            _ if self.is_over() => return Err(Refusal::Closed),
            Status::Held | Status::Offered => {
                let before = &self.row(row).person.answers;
                self.check_answers(answers, Some(before), self.is_visitor(caller))?;
                self.release_hold();
                self.note_answered(answers);
                self.change(row, FactKind::Confirmed, caller.actor(), |registration| {
                    registration.status = Status::Confirmed;
                    registration.expires_at = None;
                    if !answers.is_empty() {
                        registration.person.answers = registration.person.answers.with(answers);
                    }
                });
            }
            Status::Waitlisted => return Err(Refusal::NotOffered),
            Status::Cancelled | Status::Expired => return Err(Refusal::HoldExpired),
        }
        Ok(self.shown_as(row, Outcome::Confirmed))
    }

    pub(super) fn cancel(
        &mut self,
        id: RegistrationId,
        caller: Caller,
    ) -> Result<Outcome, Refusal> {
        let row = self.find(id, caller)?;
        let registration = self.row(row);
        if registration.check_in.is_some() {
            return Err(Refusal::NotCancellable);
        }
        if registration.status.is_live() && self.rules.status != EventStatus::Cancelled {
            self.end(row, Status::Cancelled, FactKind::Cancelled, caller.actor());
        }
        Ok(self.shown_as(row, Outcome::Cancelled))
    }

    pub(super) fn transfer(
        &mut self,
        transfer: &'a Transfer,
        caller: Caller,
    ) -> Result<Outcome, Refusal> {
        let Transfer { registration_id, person, token_hash } = transfer;
        if let Some(row) = self.by_id(*registration_id)
            && token_hash.is_some()
            && self.row(row).token_hash == *token_hash
            && self.row(row).person.user_email == person.user_email
        {
            // Executed again: the caller's token is invalid by now, and the transfer is done.
            return Ok(self.shown_as(row, Outcome::Transferred));
        }
        let row = self.find(*registration_id, caller)?;
        if person.name.is_some() && self.row(row).person.user_email == person.user_email {
            // To the attendee who has it already: only the name changes.
            let name = Some(person.name.clone());
            let answers = AnswersChange::from(&person.answers);
            return self
                .apply_correction(row, name, None, Some(&answers), caller)
                .map(|()| self.shown_as(row, Outcome::Transferred));
        }
        if self.rules.status == EventStatus::Cancelled || self.is_over() {
            return Err(Refusal::Closed);
        }
        // Before the address: no attendee may find out which address is registered, nor give a seat to one that did not
        // ask for it.
        if self.rules.confirms_address && !self.is_managed_by(caller) {
            return Err(Refusal::NotTransferable);
        }
        let registration = self.row(row);
        let is_used = registration.check_in.is_some() || registration.is_erased();
        if registration.status != Status::Confirmed || is_used {
            return Err(Refusal::NotTransferable);
        }
        // The former holder need not know the new attendee's answers.
        self.check_answers(&person.answers, None, false)?;
        if self.live_by_email(&person.user_email).is_some() {
            return Err(Refusal::AlreadyRegistered);
        }
        self.note_answered(&person.answers);
        let former = self.row(row).person.clone();
        self.rename(row, &person.user_email);
        self.change(row, FactKind::Transferred, caller.actor(), |registration| {
            registration.person = person.clone();
            registration.token_hash = *token_hash;
            registration.generation += 1;
        });
        self.keep_former_holder(row, former);
        Ok(self.shown_as(row, Outcome::Transferred))
    }

    pub(super) fn correct(
        &mut self,
        correct: &'a Correct,
        caller: Caller,
    ) -> Result<Outcome, Refusal> {
        let Correct { registration_id, name, address, answers } = correct;
        let row = self.find(*registration_id, caller)?;
        if address.is_some() && !self.is_managed_by(caller) {
            return Err(Refusal::Forbidden);
        }
        self.apply_correction(row, name.clone(), address.as_ref(), answers.as_ref(), caller)?;
        Ok(self.shown_as(row, Outcome::Corrected))
    }

    /// Corrects the name, the address and the answers that differ. The ticket stays valid: it is the same person.
    fn apply_correction(
        &mut self,
        row: usize,
        name: Option<Option<PersonName>>,
        address: Option<&'a CorrectedAddress>,
        answers: Option<&AnswersChange>,
        caller: Caller,
    ) -> Result<(), Refusal> {
        self.check_correctable(row)?;
        let answers =
            answers.map(|change| self.changed_answers(row, change, caller)).transpose()?;
        let known = &self.row(row).person;
        let address = address.filter(|address| address.user_email != known.user_email);
        let name = name.filter(|name| *name != known.name);
        let answers = answers.filter(|answers| *answers != known.answers);
        if let Some(CorrectedAddress { user_email, .. }) = address {
            if self.live_by_email(user_email).is_some() {
                return Err(Refusal::AlreadyRegistered);
            }
            self.rename(row, user_email);
        }
        if address.is_none() && name.is_none() && answers.is_none() {
            return Ok(());
        }
        if let Some(answers) = &answers {
            self.note_answered(answers);
        }
        self.change(row, FactKind::Corrected, caller.actor(), |registration| {
            if let Some(CorrectedAddress { user_email, token_hash }) = address {
                registration.person.user_email = user_email.clone();
                registration.token_hash = *token_hash;
            }
            if let Some(name) = name {
                registration.person.name = name;
            }
            if let Some(answers) = answers {
                registration.person.answers = answers;
            }
        });
        Ok(())
    }

    pub(super) fn renew_link(
        &mut self,
        renew: RenewLink,
        caller: Caller,
    ) -> Result<Outcome, Refusal> {
        let row = self.find(renew.registration_id, caller)?;
        if !self.is_managed_by(caller) {
            return Err(Refusal::Forbidden);
        }
        self.check_correctable(row)?;
        if self.row(row).token_hash != Some(renew.token_hash) {
            self.change(row, FactKind::LinkRenewed, caller.actor(), |registration| {
                registration.token_hash = Some(renew.token_hash);
            });
        }
        Ok(self.shown_as(row, Outcome::LinkRenewed))
    }

    /// Checks that the registration is live and not erased.
    fn check_correctable(&self, row: usize) -> Result<(), Refusal> {
        let registration = self.row(row);
        match () {
            () if self.rules.status == EventStatus::Cancelled => Err(Refusal::Closed),
            () if !registration.status.is_live() || registration.is_erased() => {
                Err(Refusal::NotCorrectable)
            }
            () => Ok(()),
        }
    }

    pub(super) fn check_in(&mut self, asked: CheckIn) -> Result<Outcome, Refusal> {
        let void = |reason| Refusal::TicketVoid { reason };
        let row = self.by_id(asked.registration_id).ok_or(void(TicketVoid::Unknown))?;
        if self.rules.status == EventStatus::Cancelled {
            return Err(Refusal::Closed);
        }
        let registration = self.row(row);
        if registration.status != Status::Confirmed {
            return Err(void(TicketVoid::Cancelled));
        }
        if registration.generation != asked.generation {
            return Err(void(TicketVoid::Transferred));
        }
        match registration.check_in {
            Some(first) if first.scan_id == asked.scan_id => {}
            Some(first) => return Err(Refusal::AlreadyCheckedIn { checked_in_at: first.at }),
            None => {
                let made_at = registration.created_at;
                let at = asked.scanned_at.map_or(self.now, |at| at.max(made_at).min(self.now));
                let check_in = CheckedIn { at, scan_id: asked.scan_id };
                self.change(row, FactKind::CheckedIn, Actor::Organizer, |registration| {
                    registration.check_in = Some(check_in);
                });
            }
        }
        let registration = self.shown(row);
        let at = registration.check_in.map_or(self.now, |check_in| check_in.at);
        let timing = self.times.timing(at);
        Ok(Outcome::CheckedIn(Admitted { registration, timing }))
    }

    pub(super) fn undo_check_in(
        &mut self,
        id: RegistrationId,
        caller: Caller,
    ) -> Result<Outcome, Refusal> {
        let row = self.find(id, caller)?;
        if self.rules.status == EventStatus::Cancelled {
            return Err(Refusal::Closed);
        }
        if self.row(row).check_in.is_some() {
            self.change(row, FactKind::CheckInUndone, Actor::Organizer, |registration| {
                registration.check_in = None;
            });
        }
        Ok(self.shown_as(row, Outcome::CheckInUndone))
    }
}
