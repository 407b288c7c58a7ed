//! The newest state of one event, and the bells of its watchers.

use crate::api::live::seats_message;
use crate::util::locks::lock;
use actix_web::web::Bytes;
use booking_core::{Availability, EventId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// An event that is watched.
pub(crate) struct Room {
    pub(crate) event_id: EventId,
    newest: Mutex<Newest>,
    bells: Mutex<HashMap<u64, Arc<Notify>>>,
}

/// A state of an event, as it is sent to all watchers.
#[derive(Clone)]
pub(super) struct Newest {
    /// How often there was something new.
    pub(super) round: u64,
    /// `None` if there is no such event any more.
    pub(super) availability: Option<Availability>,
    pub(super) message: Bytes,
}

impl Room {
    pub(super) fn new(now: &Availability) -> Self {
        let newest = Newest { round: 1, availability: Some(*now), message: seats_message(now) };
        let (newest, bells) = (Mutex::new(newest), Mutex::default());
        Self { event_id: now.event_id, newest, bells }
    }

    /// The newest state, unless `round` is already that.
    pub(super) fn newer_than(&self, round: u64) -> Option<Newest> {
        let newest = lock(&self.newest);
        (newest.round != round).then(|| newest.clone())
    }

    /// Stores a state as the newest, and rings if it differs; `None` if there is no such event any more.
    pub(crate) fn publish(&self, availability: Option<Availability>) {
        {
            let mut newest = lock(&self.newest);
            if newest.availability == availability {
                return;
            }
            newest.round += 1;
            newest.availability = availability;
            newest.message = availability.as_ref().map(seats_message).unwrap_or_default();
        }
        self.ring();
    }

    pub(super) fn ring(&self) {
        for bell in lock(&self.bells).values() {
            bell.notify_one();
        }
    }

    pub(super) fn hang(&self, number: u64, bell: &Arc<Notify>) {
        lock(&self.bells).insert(number, Arc::clone(bell));
    }

    /// Removes a bell, and returns whether none is left.
    pub(super) fn take_down(&self, number: u64) -> bool {
        let mut bells = lock(&self.bells);
        bells.remove(&number);
        let left = bells.len();
        bells.shrink_to(2 * left);
        bells.is_empty()
    }
}
