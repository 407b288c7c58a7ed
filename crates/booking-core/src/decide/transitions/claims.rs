//! Claiming a seat: register, hold, wait.

use crate::decide::seats::Seats;
use crate::{
    Caller, Claim, EventStatus, FactKind, Hold, HoldTtl, OnFull, Outcome, Refusal, Register,
    Registration, Status, Version,
};
use chrono::{DateTime, Utc};

impl<'a> Seats<'a> {
    pub(super) fn register(
        &mut self,
        register: &'a Register,
        caller: Caller,
    ) -> Result<Outcome, Refusal> {
        let claim = &register.claim;
        let by_mail = self.confirms_by_mail(caller) && !register.as_organizer;
        // The id comes first: a command that is executed again must find its own success, even if the event has changed
        // since.
        if let Some(row) = self.by_id(claim.registration_id) {
            return Ok(match self.row(row).status {
                _ if by_mail => self.shown_as(row, Outcome::ToConfirm),
                Status::Waitlisted | Status::Offered => self.shown_as(row, Outcome::Waitlisted),
                Status::Confirmed | Status::Held | Status::Cancelled | Status::Expired => {
                    self.shown_as(row, Outcome::Confirmed)
                }
            });
        }
        let may_wait = register.on_full == OnFull::Waitlist && self.rules.waitlist_enabled;
        let is_open = match register.as_organizer {
            true => self.rules.status != EventStatus::Cancelled,
            false => self.rules.is_open(self.now),
        };
        let must_answer = self.is_visitor(caller) && !register.as_organizer;
        if let Some(known) = self.check_claim(claim, is_open, may_wait, by_mail, must_answer)? {
            return Ok(known);
        }
        if self.has_seat_for_newcomer() {
            if by_mail {
                return Ok(self.hold_seat(claim, HoldTtl::MAX, Outcome::ToConfirm));
            }
            self.take_seat(Status::Confirmed, None);
            let row = self.claim(claim, Status::Confirmed, None, FactKind::Registered);
            return Ok(self.shown_as(row, Outcome::Confirmed));
        }
        if may_wait {
            let row = self.claim(claim, Status::Waitlisted, None, FactKind::Waitlisted);
            let to_outcome: fn(Registration) -> Outcome =
                if by_mail { Outcome::ToConfirm } else { Outcome::Waitlisted };
            return Ok(self.shown_as(row, to_outcome));
        }
        Err(self.full())
    }

    pub(super) fn hold(&mut self, hold: &'a Hold, caller: Caller) -> Result<Outcome, Refusal> {
        let claim = &hold.claim;
        let by_mail = self.confirms_by_mail(caller);
        // The mail has to be read first, however short a hold the caller asked for.
        let ttl = if by_mail { HoldTtl::MAX } else { hold.ttl };
        let to_outcome: fn(Registration) -> Outcome =
            if by_mail { Outcome::ToConfirm } else { Outcome::Held };
        if let Some(row) = self.by_id(claim.registration_id) {
            return Ok(self.shown_as(row, to_outcome));
        }
        let is_open = self.rules.is_open(self.now);
        // Required answers may still be given when it is confirmed; but a mailed link only confirms.
        if let Some(known) = self.check_claim(claim, is_open, false, by_mail, by_mail)? {
            return Ok(known);
        }
        if !self.has_seat_for_newcomer() {
            return Err(self.full());
        }
        Ok(self.hold_seat(claim, ttl, to_outcome))
    }

    fn hold_seat(
        &mut self,
        claim: &'a Claim,
        ttl: HoldTtl,
        to_outcome: fn(Registration) -> Outcome,
    ) -> Outcome {
        let end = Some(ttl.after(self.now));
        self.take_seat(Status::Held, end);
        let row = self.claim(claim, Status::Held, end, FactKind::Held);
        self.shown_as(row, to_outcome)
    }

    /// Checks whether this address may claim a seat now, or a waitlist place, where the event `is_open` for that.
    /// Returns an outcome if only the owner of the address may learn that it is registered: it is `by_mail` then.
    fn check_claim(
        &mut self,
        claim: &Claim,
        is_open: bool,
        may_wait: bool,
        by_mail: bool,
        must_answer: bool,
    ) -> Result<Option<Outcome>, Refusal> {
        // Before the address: otherwise a request to a closed event would reveal who is registered, and leave no trace.
        if !is_open || self.is_over() {
            return Err(Refusal::Closed);
        }
        let conceals = self.rules.conceals_registered || by_mail;
        if conceals && !may_wait && !self.has_seat_for_newcomer() {
            return Err(self.full());
        }
        // Before the address, too: faulty answers are reported to every caller.
        self.check_answers(&claim.person.answers, None, must_answer)?;
        // Before the seats: a registered attendee should be told that, and not that there are none left.
        match self.live_by_email(&claim.person.user_email) {
            Some(row) if by_mail => Ok(Some(Outcome::KnownAddress(self.row(row).id))),
            Some(_) => Err(Refusal::AlreadyRegistered),
            None => Ok(None),
        }
    }

    fn full(&self) -> Refusal {
        match self.due_at() {
            // Freed seats go to the waitlist first.
            Some(retry_at) if self.counts.waiting == 0 => Refusal::AllHeld { retry_at },
            Some(_) | None => Refusal::SoldOut,
        }
    }

    fn claim(
        &mut self,
        claim: &'a Claim,
        status: Status,
        expires_at: Option<DateTime<Utc>>,
        kind: FactKind,
    ) -> usize {
        let made = Registration {
            id: claim.registration_id,
            event_id: self.id,
            person: claim.person.clone(),
            status,
            expires_at,
            position: None,
            check_in: None,
            generation: 0,
            token_hash: claim.token_hash,
            created_version: Version::FIRST,
            event_version: Version::FIRST,
            created_at: self.now,
        };
        self.note_answered(&claim.person.answers);
        self.add(made, &claim.person.user_email, kind)
    }
}
