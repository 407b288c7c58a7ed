//! Erasing personal data. Seats, versions and facts stay.

use crate::decide::seats::Seats;
use crate::{
    Actor, ERASED_MAX, EventStatus, FactKind, Outcome, Refusal, Registration, RegistrationId,
    Status,
};

impl Seats<'_> {
    pub(super) fn erase(&mut self, id: RegistrationId) -> Result<Outcome, Refusal> {
        let row = self.by_id(id).ok_or(Refusal::RegistrationNotFound)?;
        self.expire_if_due(row);
        let Registration { status, .. } = *self.row(row);
        // A cancelled seat goes to another attendee, as long as the event is still on.
        let is_cancelled = self.rules.status == EventStatus::Cancelled;
        if status.is_live() && !is_cancelled && !self.is_over() && !self.row(row).is_erased() {
            self.end(row, Status::Cancelled, FactKind::Cancelled, Actor::System);
        }
        self.erase_row(row);
        Ok(self.shown_as(row, Outcome::Erased))
    }

    pub(super) fn erase_due(&mut self) -> Outcome {
        let stored = self.details.as_ref().expect("details are read to erase");
        let Some(erase_at) = stored.erase_at.filter(|erase_at| *erase_at <= self.now) else {
            return Outcome::Settled;
        };
        let unerased = &self.state.unerased;
        for registration in unerased {
            let row = self.load(registration);
            self.erase_row(row);
        }
        self.purge_records();
        if let Some(last) = unerased.last()
            && unerased.len() >= ERASED_MAX as usize
        {
            // There may be more of them.
            self.erased_to(last.created_version, Some(erase_at));
            return Outcome::Settled;
        }
        // The registrations that this batch has made.
        for row in 0..self.known() {
            self.erase_row(row);
        }
        self.close_for_good();
        self.erased_to(self.version, None);
        Outcome::Settled
    }

    /// Closes registration for good: no later erasure would find new registrations.
    fn close_for_good(&mut self) {
        let never = self.rules.opens_at.map_or(self.now, |opens| opens.max(self.now));
        if self.rules.closes_at.is_none_or(|closes| closes > never) {
            self.rules.closes_at = Some(never);
            self.edit(FactKind::EventEdited, Actor::System);
        }
    }
}
