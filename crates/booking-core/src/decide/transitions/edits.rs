//! What the organizer does to the event itself.

use crate::decide::seats::Seats;
use crate::{
    Actor, Edit, EventDetails, EventRules, EventStatus, FactKind, Outcome, Precondition, Refusal,
};
use chrono::{DateTime, Utc};

impl Seats<'_> {
    pub(super) fn change_event(&mut self, edit: &Edit) -> Result<Outcome, Refusal> {
        if self.rules.status == EventStatus::Cancelled {
            return Err(Refusal::Closed);
        }
        let before = &self.details.as_ref().expect("details are read for an edit").details;
        let details = edit.details(before);
        let rules = edit.rules(&self.rules);
        let capacity = edit.capacity.unwrap_or(self.capacity);
        if (&details, rules, capacity) == (before, self.rules, self.capacity) {
            // RFC 9110, section 13.1.1: a change that has been made already is a success, whatever its condition. So an
            // edit that is executed again succeeds.
            return Ok(self.changed_event());
        }
        self.check_condition(edit.if_match.as_ref())?;
        if !details.is_in_order() || !rules.is_in_order() {
            return Err(Refusal::OutOfOrder);
        }
        if capacity.get() < self.counts.booked {
            return Err(Refusal::CapacityBelowBooked { booked_count: self.counts.booked });
        }
        let is_new_status = rules.status != self.rules.status;
        let is_moved = details.is_moved_from(before);
        let is_announced = details.differs_publicly_from(before) || is_new_status;
        // The fact of a publication includes all other changes. A draft can only become published.
        let kind = match (is_new_status, is_moved) {
            (true, _) => FactKind::EventPublished,
            (false, true) => FactKind::EventMoved,
            (false, false) => FactKind::EventEdited,
        };
        self.details.as_mut().expect("they were looked at above").details = details;
        self.rules = rules;
        self.capacity = capacity;
        self.reschedule();
        if is_announced {
            self.announce(is_moved || is_new_status);
        }
        self.edit(kind, Actor::Organizer);
        // The outcome has the version that the edit made, and the counts after serving the waitlist.
        self.serve_queue();
        Ok(self.changed_event())
    }

    /// Checks that the event is in one of the states that the caller names.
    pub(super) fn check_condition(&self, if_match: Option<&Precondition>) -> Result<(), Refusal> {
        let changed_at = self.changed_at();
        match if_match.is_some_and(|tags| !tags.holds(self.version, changed_at)) {
            true => Err(Refusal::VersionMismatch { current: self.version }),
            false => Ok(()),
        }
    }

    /// When the event's current version was made: now, if this transaction made it.
    fn changed_at(&self) -> DateTime<Utc> {
        let stored = self.details.as_ref().expect("details are read for an edit");
        if self.version == self.state.version { stored.changed_at } else { self.now }
    }

    pub(super) fn cancel_event(&mut self) -> Outcome {
        if self.rules.status != EventStatus::Cancelled {
            self.set_cancelled();
        }
        self.changed_event()
    }

    pub(super) fn changed_event(&self) -> Outcome {
        Outcome::EventChanged(Box::new(self.event()))
    }
}

impl Edit {
    fn details(&self, before: &EventDetails) -> EventDetails {
        fn or<T: Clone>(new: &Option<T>, old: &T) -> T {
            new.as_ref().unwrap_or(old).clone()
        }
        EventDetails {
            name: or(&self.name, &before.name),
            description: or(&self.description, &before.description),
            starts_at: self.starts_at.unwrap_or(before.starts_at),
            ends_at: self.ends_at.unwrap_or(before.ends_at),
            timezone: or(&self.timezone, &before.timezone),
            venue: or(&self.venue, &before.venue),
            retention: self.retention.unwrap_or(before.retention),
            language: self.language.unwrap_or(before.language),
            remind_hours: self.remind_hours.unwrap_or(before.remind_hours),
            organizer_name: or(&self.organizer_name, &before.organizer_name),
            contact: or(&self.contact, &before.contact),
            is_unlisted: self.is_unlisted.unwrap_or(before.is_unlisted),
        }
    }

    fn rules(&self, before: &EventRules) -> EventRules {
        EventRules {
            status: if self.publish { EventStatus::Published } else { before.status },
            opens_at: self.opens_at.unwrap_or(before.opens_at),
            closes_at: self.closes_at.unwrap_or(before.closes_at),
            waitlist_enabled: self.waitlist_enabled.unwrap_or(before.waitlist_enabled),
            offer_ttl: self.offer_ttl.unwrap_or(before.offer_ttl),
            conceals_registered: self.conceals_registered.unwrap_or(before.conceals_registered),
            confirms_address: self.confirms_address.unwrap_or(before.confirms_address),
        }
    }
}
