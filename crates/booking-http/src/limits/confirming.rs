//! The events that confirm addresses, as far as this server has seen: a visitor's claim there is a hold, whatever
//! it is called, and counts as one before it is made.
//!
//! It learns that from outcomes, so that a claim costs no look at its event. Until a server has seen an outcome of
//! an event its first claims count once they are made, and none of them is refused for being one hold too many.

use crate::util::locks::{read, write};
use booking_core::{EventId, Outcome};
use std::collections::HashSet;
use std::sync::RwLock;

/// The most events that are stored: at 16 bytes each, next to nothing. Holds at further ones count once they are
/// made.
const EVENTS_MAX: usize = 100_000;

/// The events that are known to confirm addresses.
#[derive(Default)]
pub(crate) struct Confirming(RwLock<HashSet<EventId>>);

impl Confirming {
    /// Whether `event` is known to confirm addresses.
    pub(crate) fn knows(&self, event: EventId) -> bool {
        read(&self.0).contains(&event)
    }

    /// Takes in whether `event` does.
    pub(crate) fn note(&self, event: EventId, confirms: bool) {
        if self.knows(event) == confirms {
            return;
        }
        let mut events = write(&self.0);
        if !confirms {
            events.remove(&event);
        } else if events.len() < EVENTS_MAX {
            events.insert(event);
        }
    }

    /// Learns from the outcome of a visitor's claim of a seat of `event`, if it shows that.
    pub(crate) fn learn(&self, event: EventId, outcome: &Outcome) {
        match outcome {
            Outcome::ToConfirm(_) | Outcome::KnownAddress(_) => self.note(event, true),
            Outcome::Confirmed(_) | Outcome::Held(_) | Outcome::Waitlisted(_) => {
                self.note(event, false);
            }
            // Of an earlier rule, or of none.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use booking_core::Refusal;
    use uuid::Uuid;

    #[test]
    fn the_last_outcome_of_an_event_counts() {
        let (confirming, event) = (Confirming::default(), EventId::from(Uuid::from_u128(1)));
        let known = Outcome::KnownAddress(Uuid::from_u128(2).into());
        assert!(!confirming.knows(event));
        confirming.learn(event, &known);
        assert!(confirming.knows(event));
        for unrelated in [Outcome::Refused(Refusal::SoldOut), Outcome::Settled] {
            confirming.learn(event, &unrelated);
            assert!(confirming.knows(event));
        }
        confirming.note(event, false);
        confirming.learn(event, &Outcome::Replayed(Box::new(known)));
        assert!(!confirming.knows(event), "a replay is of what was");
    }

    #[test]
    fn known_events_are_bounded() {
        let confirming = Confirming::default();
        for number in 0..EVENTS_MAX as u128 + 10 {
            confirming.note(Uuid::from_u128(number).into(), true);
        }
        assert_eq!(read(&confirming.0).len(), EVENTS_MAX);
    }
}
