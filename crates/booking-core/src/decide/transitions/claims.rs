//! Coming to an event: register, hold, wait.

use crate::decide::seats::Seats;
use crate::{
    Claim, FactKind, Hold, OnFull, Outcome, Refusal, Register, Registration, Status, Version,
};
use chrono::{DateTime, Utc};

impl<'a> Seats<'a> {
    pub(super) fn register(&mut self, register: &'a Register) -> Result<Outcome, Refusal> {
        let claim = &register.claim;
        // The id comes first: a command that is executed again must find its own success, whatever
        // has become of the event since.
        if let Some(row) = self.by_id(claim.registration_id) {
            return Ok(match self.row(row).status {
                Status::Waitlisted | Status::Offered => self.shown_as(row, Outcome::Waitlisted),
                Status::Confirmed | Status::Held | Status::Cancelled | Status::Expired => {
                    self.shown_as(row, Outcome::Confirmed)
                }
            });
        }
        let may_wait = register.on_full == OnFull::Waitlist && self.rules.waitlist_enabled;
        self.check_claim(claim, may_wait)?;
        if self.has_seat_for_anybody() {
            self.take_seat(Status::Confirmed, None);
            let row = self.claim(claim, Status::Confirmed, None, FactKind::Registered);
            return Ok(self.shown_as(row, Outcome::Confirmed));
        }
        if may_wait {
            let row = self.claim(claim, Status::Waitlisted, None, FactKind::Waitlisted);
            return Ok(self.shown_as(row, Outcome::Waitlisted));
        }
        Err(self.full())
    }

    pub(super) fn hold(&mut self, hold: &'a Hold) -> Result<Outcome, Refusal> {
        let claim = &hold.claim;
        if let Some(row) = self.by_id(claim.registration_id) {
            return Ok(self.shown_as(row, Outcome::Held));
        }
        self.check_claim(claim, false)?;
        if !self.has_seat_for_anybody() {
            return Err(self.full());
        }
        let end = Some(hold.ttl.after(self.now));
        self.take_seat(Status::Held, end);
        let row = self.claim(claim, Status::Held, end, FactKind::Held);
        Ok(self.shown_as(row, Outcome::Held))
    }

    /// Whether this address may claim a seat now, if there is one, or a place in the queue if it may wait.
    fn check_claim(&mut self, claim: &Claim, may_wait: bool) -> Result<(), Refusal> {
        // Before the address: where nobody can register, asking would tell who has, and leave no trace.
        if !self.rules.is_open(self.now) || self.is_over() {
            return Err(Refusal::Closed);
        }
        if self.rules.conceals_registered && !may_wait && !self.has_seat_for_anybody() {
            return Err(self.full());
        }
        // Before the seats: somebody who has one should hear that, and not that there are none left.
        match self.live_by_email(&claim.person.user_email) {
            Some(_) => Err(Refusal::AlreadyRegistered),
            None => Ok(()),
        }
    }

    fn full(&self) -> Refusal {
        match self.due_at() {
            // What comes free goes to them first.
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
        self.add(made, &claim.person.user_email, kind)
    }
}
